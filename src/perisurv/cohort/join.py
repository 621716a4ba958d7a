"""Images and clinical rows to patients; whatever has no partner gets a reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from perisurv.cohort.checks import OUTCOME_CHECKS, findings, first_reason
from perisurv.cohort.clinical import ClinicalRow, clinical_frame
from perisurv.cohort.match import Found
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.pseudonym import patient_key, study_id
from perisurv.cohort.sources import DicomSource, Source
from perisurv.core import Cohort, Exclusion, Finding, InputError, Outcome, Patient

__all__ = ["join"]

STAGE = "index"
UNKNOWN_CENTRE = "unknown"

Included = tuple[Patient, ClinicalRow | None]


def join(images: Found, rows: Sequence[ClinicalRow], options: CohortOptions, *, outcome: bool) -> Cohort:
    """Give every image its clinical row. Without ``outcome`` a patient needs no row.

    Raises
    ------
    InputError
        If no patient is left or, with ``outcome``, all are censored.
    """
    by_key: dict[str, list[ClinicalRow]] = defaultdict(list)
    for row in rows:
        by_key[patient_key(row.patient_id)].append(row)
    sources: dict[str, list[tuple[str, Source]]] = defaultdict(list)
    for patient_id, source in images.sources:
        sources[patient_key(patient_id)].append((patient_id, source))

    left_out = [Exclusion(study_id(p, options), STAGE, reason) for p, reason in images.failures]
    included: list[Included] = []
    for key, found in sources.items():
        patient = study_id(found[0][0], options)
        reason = _reason([source for _, source in found], by_key[key], outcome=outcome)
        if reason:
            left_out.append(Exclusion(patient, STAGE, reason))
            continue
        known = by_key[key][0] if by_key[key] else None
        included.append((Patient(patient, known.centre if known else UNKNOWN_CENTRE, found[0][1]), known))
    if outcome:
        seen = sources.keys() | {patient_key(p) for p, _ in images.failures}
        left_out += [_without_image(by_key[k][0], options) for k in by_key if by_key[k] and k not in seen]
    included.sort(key=lambda item: item[0].id)
    return _cohort(included, left_out, _findings(images, by_key, options, outcome=outcome), outcome=outcome)


def _findings(
    images: Found, rows: Mapping[str, Sequence[ClinicalRow]], options: CohortOptions, *, outcome: bool
) -> dict[str, tuple[Finding, ...]]:
    """What the checks of image, contour and clinical row found, by patient."""
    found: dict[str, tuple[Finding, ...]] = {}
    for patient_id, checked in images.findings:
        found.setdefault(study_id(patient_id, options), checked)
    if not outcome:
        return found
    keys = {study_id(patient_id, options): patient_key(patient_id) for patient_id, _ in images.findings}
    return {
        patient: checked + (findings(OUTCOME_CHECKS, own[0]) if (own := rows.get(keys[patient], ())) else ())
        for patient, checked in found.items()
    }


def _reason(sources: Sequence[Source], rows: Sequence[ClinicalRow], *, outcome: bool) -> str | None:
    if len(sources) > 1:
        places = ", ".join(s.structures if isinstance(s, DicomSource) else s.mask for s in sources)
        if len({s.slices if isinstance(s, DicomSource) else s.image for s in sources}) == 1:
            return (
                f"duplicate patient: there are {len(sources)} contours of one CT ({places}); keep one, or set "
                'several_structure_sets to "newest" if their dates differ.'
            )
        return f"duplicate patient: there are {len(sources)} contoured CTs ({places}); keep the planning CT."
    if len(rows) > 1:
        tables = ", ".join(sorted({row.table for row in rows}))
        return f"duplicate patient: there are {len(rows)} clinical rows in {tables}; keep one."
    if not outcome:
        return None
    if not rows:
        return "no clinical row: no table names this PatientID; compare the spelling of the IDs or add the row."
    return first_reason(OUTCOME_CHECKS, rows[0])


def _without_image(row: ClinicalRow, options: CohortOptions) -> Exclusion:
    reason = f"no CT: {row.table} names this patient but the folder holds no image; add the CT and its contour."
    return Exclusion(study_id(row.patient_id, options), STAGE, reason)


def _cohort(
    included: Sequence[Included],
    left_out: Iterable[Exclusion],
    found: Mapping[str, tuple[Finding, ...]],
    *,
    outcome: bool,
) -> Cohort:
    exclusions = tuple(sorted(left_out, key=lambda e: (e.patient, e.reason)))
    if not included:
        raise InputError(f"No patient is left. {_summary(exclusions)}")
    patients = tuple(patient for patient, _ in included)
    ids = tuple(p.id for p in patients)
    rows = [row for _, row in included]
    clinical = clinical_frame(rows, ids)
    if not outcome:
        return Cohort(patients, clinical, None, exclusions, found)
    events = np.array([row is not None and row.event is True for row in rows], dtype=bool)
    if not events.any():
        raise InputError(
            f"All {len(ids)} patients are censored, so no risk can be learned; check the event column (1 = dead)."
        )
    times = np.array([row.time_days if row else None for row in rows], dtype=float)
    return Cohort(patients, clinical, Outcome(ids, times, events), exclusions, found)


def _summary(exclusions: Sequence[Exclusion]) -> str:
    """How often which reason occurs, with the first in full."""
    if not exclusions:
        return (
            "The folder holds no DICOM CT with RTSTRUCT and no pair of image and mask; give the folder of the patients."
        )
    counts = Counter(e.reason.split(":")[0] for e in exclusions).most_common()
    return f"Left out: {', '.join(f'{n} x {title}' for title, n in counts)}. First: {exclusions[0].reason}"
