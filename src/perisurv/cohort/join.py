"""Images and clinical rows to patients; whatever has no partner gets a reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from perisurv.cohort.checks import CLINICAL_CHECKS, OUTCOME_CHECKS, findings, first_reason
from perisurv.cohort.clinical import ClinicalRow, clinical_frame, covariate_columns, differences
from perisurv.cohort.imaging_date import with_imaging_date
from perisurv.cohort.layout import LAYOUTS
from perisurv.cohort.match import Found
from perisurv.cohort.options import CohortOptions, CtRules
from perisurv.cohort.people import people_of
from perisurv.cohort.pseudonym import patient_key, study_id
from perisurv.cohort.several_cts import choose_ct
from perisurv.cohort.sources import PairSource, SegSource, Source, drawing_of
from perisurv.core import Cohort, Exclusion, Finding, InputError, Outcome, Patient

__all__ = ["join", "why_nobody"]

STAGE = "index"
UNKNOWN_CENTRE = "unknown"
_WHICH_TABLE = ', or name the table that counts in the study file: clinical = ["..."] below [input]'

Included = tuple[Patient, ClinicalRow | None]


def join(images: Found, rows: Sequence[ClinicalRow], options: CohortOptions, *, outcome: bool) -> Cohort:
    """Give every image its clinical row. Without ``outcome`` a patient needs no row; the cohort may be empty.

    Raises
    ------
    InputError
        If, with ``outcome``, all are censored.
    """
    by_key: dict[str, list[ClinicalRow]] = defaultdict(list)
    for row in rows:
        by_key[patient_key(row.patient_id)].append(row)
    sources: dict[str, list[tuple[str, Source]]] = defaultdict(list)
    for patient_id, source in images.sources:
        sources[patient_key(patient_id)].append((patient_id, source))

    left_out = [Exclusion(study_id(p, options), STAGE, reason) for p, reason in images.failures]
    included: list[Included] = []
    drawable: dict[str, Patient] = {}
    told: dict[str, tuple[Finding, ...]] = {}
    image_checks: dict[str, tuple[Finding, ...]] = {}
    for key, found in sources.items():
        patient = study_id(found[0][0], options)
        known = by_key[key][0] if by_key[key] else None
        ct = choose_ct([s for _, s in found], known.dates.zero if known else None, CtRules.of(options.several_cts))
        source = ct.sources[0]
        known = with_imaging_date(known, source) if known else None
        reason = ct.reason or _duplicate(ct.sources, by_key[key])
        if outcome and not reason:
            reason = first_reason(OUTCOME_CHECKS, known) if known else _no_row(key, by_key)
        if ct.finding:
            image_checks[patient] = (*images.checked.get(source, ()), ct.finding)
        if known:
            told[patient] = (*findings(OUTCOME_CHECKS if outcome else (), known), *findings(CLINICAL_CHECKS, known))
        if reason:
            left_out.append(Exclusion(patient, STAGE, reason))
            drawable[patient] = Patient(patient, known.centre if known else UNKNOWN_CENTRE, source)
            continue
        included.append((Patient(patient, known.centre if known else UNKNOWN_CENTRE, source), known))
    unseen = _unseen(by_key, images) if outcome else []
    others = _modalities(images)
    left_out += [_without_image(row, others.get(patient_key(row.patient_id), ""), options) for row in unseen]
    cohort = _cohort(sorted(included, key=lambda item: item[0].id), left_out, options, outcome=outcome)
    notes = _merged(by_key) + _resampled(cohort) + _several_cts(cohort, image_checks) + _other_files(images)
    people = people_of(images.people, [r.patient_id for r in unseen if not _met(r, images)], options)
    told = _findings(images, image_checks, told, options)
    pictures = _pictures(images, by_key, drawable, options)
    return replace(cohort, findings=told, notes=notes, people=people, left_out=pictures)


def _pictures(
    images: Found, by_key: Mapping[str, Sequence[ClinicalRow]], drawable: dict[str, Patient], options: CohortOptions
) -> tuple[Patient, ...]:
    """Excluded patients of whom a CT may be drawn: those with a sound scan, and those with what is left of one."""
    with_scan = {patient_key(patient_id) for patient_id, _ in images.sources}
    for key, picture in images.pictures.items():
        if key not in with_scan:
            patient, rows = study_id(images.people[key][0], options), by_key.get(key)
            drawable[patient] = Patient(patient, rows[0].centre if rows else UNKNOWN_CENTRE, picture)
    return tuple(drawable[patient] for patient in sorted(drawable))


def _unseen(by_key: Mapping[str, Sequence[ClinicalRow]], images: Found) -> list[ClinicalRow]:
    """The first row of everybody who has neither a scan nor a reason why there is none."""
    seen = {patient_key(p) for p, _ in (*images.sources, *images.failures)}
    return [rows[0] for key, rows in by_key.items() if rows and key not in seen]


def _met(row: ClinicalRow, images: Found) -> bool:
    return patient_key(row.patient_id) in images.people


def _findings(
    images: Found,
    chosen: Mapping[str, tuple[Finding, ...]],
    clinical: Mapping[str, tuple[Finding, ...]],
    options: CohortOptions,
) -> dict[str, tuple[Finding, ...]]:
    """What the checks of image, contour and clinical row found, by patient; of several CTs, of the chosen one."""
    found = dict(chosen)
    for patient_id, checked in images.findings:
        found.setdefault(study_id(patient_id, options), checked)
    return {patient: found.get(patient, ()) + clinical.get(patient, ()) for patient in sorted({*found, *clinical})}


def _duplicate(sources: Sequence[Source], rows: Sequence[ClinicalRow]) -> str | None:
    """Why one CT has several contours, or the patient several rows that do not say the same."""
    if len(sources) > 1:
        places = ", ".join(drawing_of(source) for source in sources)
        return (
            f"duplicate patient: there are {len(sources)} contours of one CT ({places}); keep one, or set "
            'several_structure_sets to "rtstruct" or "seg", or to "newest" if their dates differ.'
        )
    if len(rows) > 1 and (differ := differences(rows)):
        tables = ", ".join(sorted({row.table for row in rows}))
        return (
            f"duplicate patient: there are {len(rows)} clinical rows in {tables} that differ in {', '.join(differ)}; "
            f"keep one{_WHICH_TABLE if len({row.table for row in rows}) > 1 else ''}."
        )
    return None


def _no_row(key: str, by_key: Mapping[str, Sequence[ClinicalRow]]) -> str:
    """Why no row fits, with a near one; it is not taken, as 007 and 7 may be two patients."""
    near = next((rows[0] for other, rows in by_key.items() if rows and _loose(other) == _loose(key)), None)
    if near is None:
        return "no clinical row: no table names this PatientID; compare the spelling of the IDs or add the row."
    return (
        f"no clinical row: no table names this PatientID, but {near.table} has one that differs only in leading zeros, "
        "blanks or decimals, as spreadsheets make of it; write it as in the images and keep the column as text."
    )


def _loose(key: str) -> str:
    plain = "".join(key.split()).removesuffix(".0")
    return plain.lstrip("0")


def _modalities(images: Found) -> dict[str, str]:
    """Modalities of the files of each patient that are neither CT nor contours."""
    known: dict[str, set[str]] = defaultdict(set)
    for other in images.others:
        known[patient_key(other.patient_id)].add(other.modality)
    return {key: ", ".join(sorted(names)) for key, names in known.items()}


def _other_files(images: Found) -> tuple[str, ...]:
    """How many files of other modalities lie there."""
    if not images.others:
        return ()
    counts = sorted(Counter(other.modality for other in images.others).items())
    return (f"Files of other modalities, not read: {', '.join(f'{name} {n}' for name, n in counts)}.",)


def _without_image(row: ClinicalRow, modalities: str, options: CohortOptions) -> Exclusion:
    holds = f"holds {modalities} of this patient but no CT" if modalities else "holds no image of this patient"
    reason = f"no CT: {row.table} names this patient, and the folder {holds}; add the CT and its contour."
    return Exclusion(study_id(row.patient_id, options), STAGE, reason)


def _merged(by_key: Mapping[str, Sequence[ClinicalRow]]) -> tuple[str, ...]:
    """How many patients have several rows that say the same."""
    again = [rows for rows in by_key.values() if len(rows) > 1 and not differences(rows)]
    if not again:
        return ()
    tables = ", ".join(sorted({row.table for rows in again for row in rows}))
    return (f"{tables}: patients with several rows that say the same, each counted once: {len(again)}.",)


def _resampled(cohort: Cohort) -> tuple[str, ...]:
    """How many patients' masks were brought onto the grid of their CT."""
    count = sum(isinstance(p.source, PairSource | SegSource) and p.source.resample for p in cohort)
    if not count:
        return ()
    return (
        f"Masks on another grid, resampled to that of their CT as other_grid asks: {count} of {len(cohort)} patients; "
        "the checks of each name both grids and the change of volume.",
    )


def _several_cts(cohort: Cohort, chosen: Mapping[str, tuple[Finding, ...]]) -> tuple[str, ...]:
    """How many patients have several contoured CTs of which one was taken."""
    count = len(set(cohort.ids) & set(chosen))
    if not count:
        return ()
    return (
        f"Patients with several contoured CTs, one of which was taken as several_cts says: {count} of {len(cohort)}; "
        "the checks of each name it and the others.",
    )


def _cohort(
    included: Sequence[Included], left_out: Iterable[Exclusion], options: CohortOptions, *, outcome: bool
) -> Cohort:
    covariates = covariate_columns(options)
    entries = sorted(left_out, key=lambda e: (e.patient, e.reason))
    if not included:
        return Cohort((), clinical_frame((), (), covariates), None, tuple(entries))
    patients = tuple(patient for patient, _ in included)
    ids = tuple(p.id for p in patients)
    exclusions = tuple(e for e in entries if e.patient and e.patient not in ids)
    set_aside = tuple(e for e in entries if e not in exclusions)
    rows = [row for _, row in included]
    clinical = clinical_frame(rows, ids, covariates)
    if not outcome:
        return Cohort(patients, clinical, None, exclusions, set_aside=set_aside)
    events = np.array([row is not None and row.event is True for row in rows], dtype=bool)
    if not events.any():
        everybody = "The only patient is" if len(ids) == 1 else f"All {len(ids)} patients are"
        raise InputError(f"{everybody} censored, so no risk can be learned; check the event column (1 = event).")
    times = np.array([row.time_days if row else None for row in rows], dtype=float)
    rivals = np.array([row is not None and row.competing is True for row in rows]) if options.competing else None
    return Cohort(patients, clinical, Outcome(ids, times, events, rivals), exclusions, set_aside=set_aside)


def why_nobody(cohort: Cohort) -> str:
    """Why no patient is left: how often which reason occurs, and the first of each in full."""
    if not cohort.exclusions:
        return (
            "No patient is left. The folder holds no DICOM CT with RTSTRUCT or SEG and no pair of image and mask; give "
            f"the folder of the patients. Pairs are called as in {'; '.join(LAYOUTS)} (or .nrrd, .mha)."
        )
    first: dict[str, str] = {}
    for exclusion in cohort.exclusions:
        first.setdefault(exclusion.reason.split(":")[0], exclusion.reason)
    counts = Counter(e.reason.split(":")[0] for e in cohort.exclusions).most_common()
    said = ", ".join(f"{n} x {title}" for title, n in counts)
    reasons = " ".join(first[title] for title, _ in counts)
    return f"No patient is left. Left out: {said}. {'First' if len(first) == 1 else 'First of each'}: {reasons}"
