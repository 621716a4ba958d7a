"""Which contours or segments were drawn on which CT, and what the checks found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from perisurv.cohort.candidates import Structures, find_ct
from perisurv.cohort.checks import (
    CONTOUR_CHECKS,
    MASK_CHECKS,
    REFERENCE_CHECKS,
    SEG_CHECKS,
    SERIES_CHECKS,
    VALUE_CHECKS,
    Masks,
    Pairing,
    SegPairing,
    findings,
)
from perisurv.cohort.ct import CtSeries
from perisurv.cohort.dicomseg import Segmentation, read_segments
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.sources import CtFiles, DicomSource, SegSource
from perisurv.core import Finding

__all__ = ["Paired", "newest", "pair"]

Found = tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Paired:
    """A structure set or DICOM SEG with its CT: the source, or why there is none, and what the checks found."""

    structures: Structures
    source: DicomSource | SegSource | None = None
    reason: str = ""
    findings: Found = ()


def pair(
    structures: Structures,
    series: Mapping[str, Sequence[CtSeries]],
    own: Sequence[CtSeries],
    root: Path,
    options: CohortOptions,
    modalities: Mapping[str, str],
) -> Paired:
    """Find the CT of a structure set or DICOM SEG and judge both; ``modalities``: of the series that are no CT."""
    found = find_ct(structures, series, own, options, modalities)
    if isinstance(found, str):
        return Paired(structures, reason=found)
    if isinstance(structures, Segmentation):
        return _judged_seg(SegPairing(structures, found, options), root)
    return _judged(Pairing(structures, found, options), root)


def newest(paired: Sequence[Paired]) -> Paired | None:
    """The one that is newest; None if that is not known or two were made at one time."""
    by_time = sorted(paired, key=lambda p: p.structures.made)
    if not all(p.structures.made for p in paired) or by_time[-1].structures.made == by_time[-2].structures.made:
        return None
    return by_time[-1]


def _judged(pairing: Pairing, root: Path) -> Paired:
    found = findings(REFERENCE_CHECKS, pairing)
    if _sound(found):
        found += findings(SERIES_CHECKS, pairing.series)
    if _sound(found):
        found += findings(CONTOUR_CHECKS, pairing)
    if _sound(found):
        found += findings(VALUE_CHECKS, pairing.series)
    if not _sound(found):
        return Paired(pairing.structures, None, _reason(found), found)
    source = DicomSource(
        root,
        CtFiles.of(pairing.series),
        pairing.structures.name,
        " + ".join(r.name for r in pairing.tumour),
        tuple(r.entry.number for r in pairing.tumour),
        tuple(r.entry.number for r in pairing.others),
        pairing.options.between_slices,
        tuple(r.entry.number for r in pairing.lungs),
    )
    return Paired(pairing.structures, source, "", found)


def _judged_seg(pairing: SegPairing, root: Path) -> Paired:
    structures, series, options = pairing.structures, pairing.series, pairing.options
    found = findings(SEG_CHECKS[:1], pairing)
    if _sound(found):
        found += findings(SERIES_CHECKS, series)
    if _sound(found):
        found += findings(SEG_CHECKS[1:], pairing)
    if not _sound(found):
        return Paired(structures, None, _reason(found), found)
    read = partial(read_segments, structures.path, structures.name, series=series, threshold=options.mask_threshold)
    masks = Masks(
        structures.name,
        series.folder,
        "segment",
        series.geometry(),
        structures.entries,
        structures.choice,
        options,
        read,
    )
    found += findings(MASK_CHECKS, masks)
    if _sound(found):
        found += findings(VALUE_CHECKS, series)
    if not _sound(found):
        return Paired(structures, None, _reason(found), found)
    source = SegSource(
        root,
        CtFiles.of(series),
        structures.name,
        " + ".join(e.name for e in masks.tumour),
        tuple(e.number for e in masks.tumour),
        tuple(e.number for e in masks.others),
        options.mask_threshold,
        masks.resampled,
        tuple(e.number for e in masks.lungs),
    )
    return Paired(structures, source, "", found)


def _sound(found: Found) -> bool:
    return all(f.passed is not False for f in found)


def _reason(found: Found) -> str:
    return next(f for f in found if f.passed is False).reason
