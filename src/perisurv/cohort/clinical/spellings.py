"""How hospitals spell the columns and values of a clinical table. Add a spelling here when one is missing.

Column names are compared without case, blanks and punctuation: ``Overall.Stage`` is ``overallstage``. A meaning has
tiers: those of a later tier count only where no column has a name of an earlier one.
"""

from __future__ import annotations

__all__ = [
    "COLUMNS",
    "DAYS_PER_UNIT",
    "EVENT",
    "EVENT_UNSURE",
    "HISTOLOGY",
    "MISSING",
    "SEX",
    "SMOKING",
    "TIME_COLUMNS",
    "UNIT_WORDS",
]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COLUMNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "id": (
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
    "age": (
        _words(
            "ageyears age ageatdiagnosis ageathistologicaldiagnosis ageatrt ageattreatment agediagnosis patientage "
            "alter altersjahre"
        ),
    ),
    "sex": (_words("sex gender patientsex geschlecht"),),
    "stage": (
        _words("overallstage tnmstage uiccstage ajccstage stageoverall clinicalstage ajccpathologicstage uicc ajcc"),
        _words("stage stadium tumourstage tumorstage"),
    ),
    "t": (
        _words(
            "tstage ctstage clinicaltstage clinicalt tcategory ajccclinicalt ptstage pathologicaltstage "
            "pathologictstage ajccpathologict"
        ),
        _words("t ct"),
    ),
    "n": (
        _words(
            "nstage cnstage clinicalnstage clinicaln ncategory ajccclinicaln pnstage pathologicalnstage "
            "pathologicnstage ajccpathologicn"
        ),
        _words("n cn"),
    ),
    "m": (
        _words(
            "mstage cmstage clinicalmstage clinicalm mcategory ajccclinicalm pmstage pathologicalmstage "
            "pathologicmstage ajccpathologicm"
        ),
        _words("m cm"),
    ),
    "ecog": (_words("ecog ecogps ecogstatus ecogperformancestatus performancestatus whops who ps"),),
    "histology": (_words("histology histologicaltype histologytype histologicalsubtype histologie pathology"),),
    "smoking": (_words("smoking smokingstatus smokinghistory smoker raucher raucherstatus tobaccosmokingstatus"),),
    "date_zero": (
        _words(
            "timezero datezero rtstart rtstartdate startofrt startrt dateofrtstart startofradiotherapy "
            "radiotherapystart radiotherapystartdate dateofradiotherapystart startoftreatment treatmentstart "
            "treatmentstartdate dateoftreatmentstart dateofdiagnosis diagnosisdate ctdate imagingdate scandate "
            "dateofct dateofimaging dateofsurgery surgerydate rtbeginn therapiebeginn diagnosedatum"
        ),
    ),
    "date_death": (_words("dateofdeath deathdate todesdatum sterbedatum"),),
    "date_last": (
        _words(
            "dateoflastfollowup lastfollowupdate lastfollowup datelastfollowup dateoflastcontact lastcontactdate "
            "dateoflastknownalive lastknownalive datelastseen letzterkontakt fudate followupdate dateoffollowup"
        ),
    ),
    "dose": (_words("dosegy dose totaldose totaldosegy prescribeddose prescribeddosegy rtdose rtdosegy gesamtdosis"),),
}

DAYS_PER_UNIT: dict[str, float] = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}

_TIME_NAMES = _words(
    "survivaltime survival os ostime overallsurvival overallsurvivaltime time followup followuptime timetoevent "
    "timetodeath überleben überlebenszeit ueberlebenszeit"
)
_TIME_UNITS: dict[str, tuple[str, ...]] = {
    "days": _words("days day d tage indays"),
    "weeks": _words("weeks week wk wks wochen inweeks"),
    "months": _words("months month mo mos m monate inmonths"),
    "years": _words("years year yrs yr y jahre inyears"),
}
# Without a unit a time is in days. "os" and "survival" alone are often the event, so they need their unit.
TIME_COLUMNS: dict[str, str] = {
    **{name: "days" for name in _TIME_NAMES if name not in ("os", "survival", "überleben", "followup")},
    **{name + end: unit for name in _TIME_NAMES for unit, ends in _TIME_UNITS.items() for end in ends},
    **{unit + "survival": unit for unit in _TIME_UNITS},
}

# Unit words that stand apart in a name that the user gave: "Dauer (Monate)".
UNIT_WORDS: dict[str, str] = {word: unit for unit, words in _TIME_UNITS.items() for word in words if len(word) > 1}

MISSING: frozenset[str] = frozenset(
    {"", "na", "n/a", "nan", "none", "null", "unknown", "unk", "-", "--", "?", ".", "missing", "k.a.", "unbekannt",
     "not available", "not reported", "not recorded", "not collected", "#n/a", "x", "tx", "nx", "mx"}
)  # fmt: skip

EVENT: dict[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "y", "ja", "j", "dead", "deceased", "died", "death", "1:deceased"), True),
    **dict.fromkeys(("verstorben", "gestorben", "tot", "event", "expired", "1:dead"), True),
    **dict.fromkeys(("0", "false", "no", "n", "nein", "alive", "living", "0:living", "0:alive", "censored"), False),
    **dict.fromkeys(("lebt", "lebend", "zensiert", "lost to follow-up"), False),
    # Died of disease, of other or unknown cause; alive with, without or with no evidence of disease.
    **dict.fromkeys(("dod", "doc", "duc"), True),
    **dict.fromkeys(("awd", "awod", "ned", "aned"), False),
}
# Names under which registries use 1 for dead and others 1 for alive.
EVENT_UNSURE = frozenset(_words("vitalstatus vital survivalstatus overallsurvivalstatus"))

# 1 and 2 as in ISO/IEC 5218.
SEX: dict[str, str] = {
    **dict.fromkeys(("m", "male", "man", "1", "männlich", "maennlich"), "male"),
    **dict.fromkeys(("f", "female", "woman", "2", "w", "weiblich"), "female"),
}

# Letters only. "Nonsmoker" may mean never or not now: it is not understood.
SMOKING: dict[str, str] = {
    **dict.fromkeys(
        _words("never neversmoker neversmoked nie nieraucher lifelongneversmoker lifelongnonsmoker"), "never"
    ),
    **dict.fromkeys(_words("former formersmoker exsmoker ex past exraucher ehemalig quit reformedsmoker"), "former"),
    **dict.fromkeys(_words("current currentsmoker smoker active aktiv raucher activesmoker"), "current"),
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
