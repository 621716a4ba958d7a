"""Several contoured CTs of one patient, such as phases or repeated scans: the one that the study takes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydicom import Dataset, dcmread

from perisurv.cohort.clinical.dates import day_of
from perisurv.cohort.ct import ct_headers
from perisurv.cohort.dicom import DICOM_ERRORS, probe, quiet_pydicom
from perisurv.cohort.options import CtRules
from perisurv.cohort.sources import DicomSource, SegSource, Source, ct_of, drawing_of
from perisurv.core import Finding, ReadError

__all__ = ["CtChoice", "choose_ct"]

_TAGS = (
    "SeriesDescription", "SeriesNumber", "AcquisitionDate", "SeriesDate", "StudyDate", "AcquisitionTime", "SeriesTime",
    "NominalPercentageOfRespiratoryPhase", "NominalPercentageOfCardiacPhase",
)  # fmt: skip
_PHASE_TAGS = _TAGS[-2:]
_PER_CENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*(?:%|pct\b|percent)", re.IGNORECASE)
_PHASE = re.compile(r"(?<![a-z])(?:phase|ph|te?|resp)[ _=:-]*(\d{1,3}(?:\.\d+)?)(?![\d.])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CtChoice:
    """The sources of the CT that is taken.

    Parameters
    ----------
    sources
        Those that are left; more than one if one CT has several contours.
    finding
        Which CT was taken, and which were not; None where there is one CT.
    reason
        Why the patient is left out; empty if a CT is taken.
    """

    sources: tuple[Source, ...]
    finding: Finding | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Ct:
    """One CT with its contours, and what its first header says of it."""

    sources: tuple[Source, ...]
    header: Mapping[str, str]
    phase: float | None

    @property
    def label(self) -> str:
        """Where it lies and what was drawn on it, for messages."""
        phase = "" if self.phase is None else f" (phase {self.phase:g})"
        return f"{' and '.join(drawing_of(s) for s in self.sources)}{phase}"


def choose_ct(sources: Sequence[Source], time_zero: date | None, rules: CtRules) -> CtChoice:
    """Choose among the CTs of one patient by the rules of the study.

    Parameters
    ----------
    sources
        All that the patient has.
    time_zero
        Where the clinical table says it.
    rules
        See ``CohortOptions.several_cts``.
    """
    groups: dict[tuple[tuple[str, int], ...], list[Source]] = defaultdict(list)
    for source in sources:
        groups[ct_of(source)].append(source)
    if len(groups) < 2:
        return CtChoice(tuple(sources))
    places = ", ".join(drawing_of(source) for source in sources)
    there = f"duplicate patient: there are {len(groups)} contoured CTs ({places})"
    if not all(isinstance(s, DicomSource | SegSource) for s in sources):
        return CtChoice(tuple(sources), None, f"{there}, in DICOM and as research files; keep the planning CT.")
    with quiet_pydicom():
        cts = [_ct(tuple(group)) for group in groups.values()]
    left, why = _by_rules(cts, time_zero, rules)
    if len(left) > 1:
        return CtChoice(tuple(sources), None, f"{there}{why}.")
    others = ", ".join(ct.label for ct in cts if ct is not left[0])
    text = (
        f"{len(cts)} contoured CTs: taken is that of {left[0].label}, {why}; set aside are those of {others}. "
        "several_cts below [cohort] decides."
    )
    found = Finding("several_cts", "one of several contoured CTs", "several contoured CTs", True, text, len(cts))
    return CtChoice(left[0].sources, found)


def _by_rules(cts: Sequence[_Ct], zero: date | None, rules: CtRules) -> tuple[list[_Ct], str]:
    """What is left of the CTs, and why: the rule that decided, or that none did."""
    left = list(cts)
    for pattern in rules.series:
        hits = [ct for ct in left if re.search(pattern, ct.header["SeriesDescription"], re.IGNORECASE)]
        if hits:
            left = hits
            break
    if len(left) == 1:
        return left, "whose SeriesDescription several_cts names"
    for phase in rules.phases:
        hits = [ct for ct in left if ct.phase == phase]
        if hits:
            left = hits
            break
    if len(left) == 1:
        return left, "whose phase several_cts names"
    if rules.date == "refuse":
        return left, "; keep the planning CT, or let several_cts below [cohort] choose"
    return _by_order(left, zero, rules.date)


def _by_order(cts: list[_Ct], zero: date | None, rule: str) -> tuple[list[_Ct], str]:
    """Date, phase, time, number and description, each where all CTs that are left have it."""
    left, said = _by_date(cts, zero, rule)
    if len(left) == 1:
        return left, said
    steps: tuple[tuple[str, Callable[[_Ct], object]], ...] = (
        ("without phase", lambda ct: ct.phase is not None),
        ("of the lowest phase", lambda ct: -1.0 if ct.phase is None else ct.phase),
        ("of the earliest acquisition", _text_of(left, "AcquisitionTime", "SeriesTime")),
        ("of the lowest SeriesNumber", _number),
        ("first by its SeriesDescription", lambda ct: ct.header["SeriesDescription"].casefold()),
    )
    for what, key in steps:
        values: list[Any] = [key(ct) for ct in left]
        if None not in values:
            left = [ct for ct, value in zip(left, values, strict=True) if value == min(values)]
        if len(left) == 1:
            return left, f"{what} of those of one day"
    return left, (
        ", and neither date, phase, time, number nor description tells them apart, so that several_cts below [cohort] "
        "cannot choose; keep the planning CT"
    )


def _by_date(cts: list[_Ct], zero: date | None, rule: str) -> tuple[list[_Ct], str]:
    key = _text_of(cts, "AcquisitionDate", "SeriesDate", "StudyDate")
    days = [day_of(str(key(ct) or "")) for ct in cts]
    known = [day for day in days if day]
    if len(known) < len(days):
        return cts, ""
    if rule == "latest":
        best, said = max(known), "the latest"
    elif rule == "nearest_time_zero" and zero:
        before = [day for day in known if day <= zero]
        best = max(before) if before else min(known)
        said = "the last up to time zero" if before else "the first after time zero"
    else:
        best, said = min(known), "the earliest"
    return [ct for ct, day in zip(cts, days, strict=True) if day == best], said


def _text_of(cts: Sequence[_Ct], *tags: str) -> Callable[[_Ct], str | None]:
    """The first of these that every CT has."""
    tag = next((tag for tag in tags if all(ct.header[tag] for ct in cts)), None)
    return lambda ct: ct.header[tag] if tag else None


def _number(ct: _Ct) -> int | None:
    text = ct.header["SeriesNumber"]
    return int(text) if text.lstrip("-").isdecimal() else None


def _ct(sources: tuple[Source, ...]) -> _Ct:
    """What the header of the first slice says; nothing if it cannot be read, which loading the scan will say."""
    source = sources[0]
    name, frame = ct_of(source)[0]
    path = source.root / name
    try:
        data = dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(_TAGS))
        file = probe(path, name)
        phase = next((h.phase for h in ct_headers(file) if h.frame == frame), "") if file else ""
        header = {tag: str(data.get(tag, "") or "").strip() for tag in _TAGS}
        return _Ct(sources, header, _phase(data, header["SeriesDescription"], phase))
    except (*DICOM_ERRORS, ReadError):
        return _Ct(sources, dict.fromkeys(_TAGS, ""), None)


def _phase(data: Dataset, description: str, position: str) -> float | None:
    """Phase in per cent by the header, else by the SeriesDescription; else the temporal position."""
    stated = next((data.get(tag) for tag in _PHASE_TAGS if data.get(tag) is not None), None)
    if stated is not None:
        return float(stated)
    for pattern in (_PER_CENT, _PHASE):
        hit = pattern.search(description)
        if hit and float(hit.group(1)) <= 100:
            return float(hit.group(1))
    return float(position) if position.isdecimal() else None
