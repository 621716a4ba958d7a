"""How hospitals spell the columns and values of a clinical table. Add a spelling here when one is missing.

Column names are compared without case, blanks and punctuation: ``Overall.Stage`` is ``overallstage``. A meaning has
tiers: those of a later tier count only where no column has a name of an earlier one.
"""

from __future__ import annotations

__all__ = ["COLUMNS", "DAYS_PER_UNIT", "EVENT", "HISTOLOGY", "MISSING", "SEX", "TIME_COLUMNS"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COLUMNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "patient": (
        _words("patientid patid patientnr patnr patientno patno patientnumber patientpseudonym pseudonym patientcode"),
        _words("patient subjectid subject caseid casesubmitterid studyid id pid"),
    ),
    "centre": (_words("centre center site hospital institution institute zentrum klinik centreid centerid siteid"),),
    "event": (
        _words(
            "deadstatusevent event death dead died deceased osevent eventos osstatus overallsurvivalstatus deathevent "
            "eventdeath deathstatus deathobserved vitalstatus survivalstatus statusos verstorben"
        ),
        _words("status vital"),
    ),
    "age_years": (
        _words("ageyears age ageatdiagnosis ageatrt ageattreatment agediagnosis patientage alter altersjahre"),
    ),
    "sex": (_words("sex gender patientsex geschlecht"),),
    "stage": (
        _words("overallstage tnmstage uiccstage ajccstage stageoverall clinicalstage ajccpathologicstage uicc ajcc"),
        _words("stage stadium tumourstage tumorstage"),
    ),
    "ecog": (_words("ecog ecogps ecogstatus ecogperformancestatus performancestatus whops who ps"),),
    "histology": (_words("histology histologicaltype histologytype histologicalsubtype histologie pathology"),),
    "dose_gy": (
        _words("dosegy dose totaldose totaldosegy prescribeddose prescribeddosegy rtdose rtdosegy gesamtdosis"),
    ),
}

DAYS_PER_UNIT: dict[str, float] = {"days": 1.0, "months": 30.4375, "years": 365.25}

_TIME_NAMES = _words(
    "survivaltime survival os ostime overallsurvival overallsurvivaltime time followup followuptime timetoevent "
    "timetodeath überleben überlebenszeit ueberlebenszeit"
)
_TIME_UNITS: dict[str, tuple[str, ...]] = {
    "days": _words("days day d tage indays"),
    "months": _words("months month mo mos m monate inmonths"),
    "years": _words("years year yrs yr y jahre inyears"),
}
# Without a unit a time is in days. "os" and "survival" alone are often the event, so they need their unit.
TIME_COLUMNS: dict[str, str] = {
    **{name: "days" for name in _TIME_NAMES if name not in ("os", "survival", "überleben", "followup")},
    **{name + end: unit for name in _TIME_NAMES for unit, ends in _TIME_UNITS.items() for end in ends},
    **{unit + "survival": unit for unit in _TIME_UNITS},
}

MISSING: frozenset[str] = frozenset(
    {"", "na", "n/a", "nan", "none", "null", "unknown", "unk", "-", "--", "?", ".", "missing", "k.a.", "unbekannt",
     "not available", "not reported", "#n/a", "x"}
)  # fmt: skip

EVENT: dict[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "y", "ja", "j", "dead", "deceased", "died", "death", "1:deceased"), True),
    **dict.fromkeys(("verstorben", "gestorben", "tot", "event"), True),
    **dict.fromkeys(("0", "false", "no", "n", "nein", "alive", "living", "0:living", "censored"), False),
    **dict.fromkeys(("lebt", "lebend", "zensiert", "lost to follow-up"), False),
}

# 1 and 2 as in ISO/IEC 5218.
SEX: dict[str, str] = {
    **dict.fromkeys(("m", "male", "man", "1", "männlich", "maennlich"), "male"),
    **dict.fromkeys(("f", "female", "woman", "2", "w", "weiblich"), "female"),
}

# First part of the text that matches wins: adenosquamous before adeno.
HISTOLOGY: tuple[tuple[str, str], ...] = (
    ("adenosquam", "other"),
    ("neuroendo", "other"),
    ("adeno", "adenocarcinoma"),
    ("squam", "squamous"),
    ("scc", "squamous"),
    ("platten", "squamous"),
    ("large", "large_cell"),
    ("lcc", "large_cell"),
    ("gross", "large_cell"),
    ("nos", "nos"),
    ("not otherwise", "nos"),
)
