"""Which contours were drawn on which CT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from perisurv.cohort.checks import CONTOUR_CHECKS, REFERENCE_CHECKS, SERIES_CHECKS, Pairing, first_reason
from perisurv.cohort.dicom import CtSeries
from perisurv.cohort.rtstruct import StructureSet
from perisurv.cohort.sources import DicomSource, Source

__all__ = ["pair"]


def pair(structures: StructureSet, series: Mapping[str, CtSeries], own: Sequence[CtSeries], root: Path) -> Source | str:
    """The source of a structure set and its CT, or why there is none."""
    candidates = [series[uid] for uid in sorted(structures.series_uids) if uid in series]
    if not structures.series_uids:
        candidates = [s for s in own if s.slices[0].frame_uid in structures.frame_uids]
    if len(candidates) > 1:
        images = structures.roi.image_uids if structures.roi else structures.image_uids
        candidates = [s for s in candidates if images & {h.sop_uid for h in s.slices}] or candidates
    if not candidates:
        return f"RTSTRUCT of another CT: {structures.name} was drawn on a CT that is not in the folder; export that CT."
    if len(candidates) > 1:
        folders = ", ".join(s.folder for s in candidates)
        return f"ambiguous CT: {structures.name} fits {len(candidates)} CT series ({folders}); keep the one meant."
    pairing = Pairing(structures, candidates[0])
    reason = (
        first_reason(REFERENCE_CHECKS, pairing)
        or first_reason(SERIES_CHECKS, pairing.series)
        or first_reason(CONTOUR_CHECKS, pairing)
    )
    if reason or structures.roi is None:
        return reason or ""
    names = tuple(s.name for s in pairing.series.slices)
    return DicomSource(root, names, structures.name, structures.roi.name, pairing.series.tolerance)
