"""Which contours were drawn on which CT, and what the checks found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perisurv.cohort.checks import CONTOUR_CHECKS, REFERENCE_CHECKS, SERIES_CHECKS, Pairing, findings
from perisurv.cohort.dicom import CtSeries
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.rtstruct import StructureSet
from perisurv.cohort.sources import DicomSource
from perisurv.core import Finding

__all__ = ["Paired", "newest", "pair"]


@dataclass(frozen=True, slots=True)
class Paired:
    """A structure set with its CT: the source, or why there is none, and what the checks found."""

    structures: StructureSet
    source: DicomSource | None = None
    reason: str = ""
    findings: tuple[Finding, ...] = ()


def pair(
    structures: StructureSet,
    series: Mapping[str, CtSeries],
    own: Sequence[CtSeries],
    root: Path,
    options: CohortOptions,
) -> Paired:
    """Find the CT of a structure set and judge both."""
    candidates = [series[uid] for uid in sorted(structures.series_uids) if uid in series]
    if not structures.series_uids:
        candidates = [s for s in own if s.slices[0].frame_uid in structures.frame_uids]
    if len(candidates) > 1:
        images = structures.named_images() or structures.image_uids
        candidates = [s for s in candidates if images & {h.sop_uid for h in s.slices}] or candidates
    if not candidates:
        return Paired(
            structures,
            reason=f"RTSTRUCT of another CT: {structures.name} was drawn on a CT that is not in the folder; export "
            "that CT.",
        )
    if len(candidates) > 1:
        folders = ", ".join(s.folder for s in candidates)
        return Paired(
            structures,
            reason=f"ambiguous CT: {structures.name} fits {len(candidates)} CT series ({folders}); keep the one meant.",
        )
    return _judged(Pairing(structures, candidates[0], options), root)


def newest(paired: Sequence[Paired]) -> Paired | None:
    """The one whose structure set is newest; None if that is not known or two were made at one time."""
    by_time = sorted(paired, key=lambda p: p.structures.made)
    if not all(p.structures.made for p in paired) or by_time[-1].structures.made == by_time[-2].structures.made:
        return None
    return by_time[-1]


def _judged(pairing: Pairing, root: Path) -> Paired:
    found = findings(REFERENCE_CHECKS, pairing)
    if all(f.passed is not False for f in found):
        found += findings(SERIES_CHECKS, pairing.series)
    if all(f.passed is not False for f in found):
        found += findings(CONTOUR_CHECKS, pairing)
    broken = next((f for f in found if f.passed is False), None)
    if broken is not None:
        return Paired(pairing.structures, None, f"{broken.title}: {broken.text}", found)
    source = DicomSource(
        root,
        tuple(s.name for s in pairing.series.slices),
        pairing.structures.name,
        " + ".join(r.name for r in pairing.tumour),
        pairing.series.tolerance,
        tuple(r.entry.number for r in pairing.tumour),
        tuple(r.entry.number for r in pairing.others),
        pairing.options.between_slices,
        tuple(r.entry.number for r in pairing.lungs),
    )
    return Paired(pairing.structures, source, "", found)
