"""Which contours or segments were drawn on which CT, and what the checks found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from perisurv.cohort.candidates import DRAWN_ON, Structures, find_ct
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
from perisurv.cohort.sources import CtFiles, DicomSource, PictureSource, SegSource
from perisurv.core import Finding

__all__ = ["Paired", "newest", "pair", "picture_on", "refused"]

Found = tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Paired:
    """A structure set or DICOM SEG with its CT: the source, or why there is none, and what the checks found.

    ``series`` is the CT, None where none or not one was found. Without a source ``picture`` is what may be drawn.
    """

    structures: Structures
    source: DicomSource | SegSource | None = None
    reason: str = ""
    findings: Found = ()
    picture: PictureSource | None = None
    series: CtSeries | None = None


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
        return Paired(structures, reason=found, picture=picture_on(own, structures, found, root, options))
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
        return _refused(pairing, found, root)
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
    return Paired(pairing.structures, source, "", found, series=pairing.series)


def _judged_seg(pairing: SegPairing, root: Path) -> Paired:
    structures, series, options = pairing.structures, pairing.series, pairing.options
    found = findings(SEG_CHECKS[:1], pairing)
    if _sound(found):
        found += findings(SERIES_CHECKS, series)
    if _sound(found):
        found += findings(SEG_CHECKS[1:], pairing)
    if not _sound(found):
        return _refused(pairing, found, root)
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
        return _refused(pairing, found, root)
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
    return Paired(structures, source, "", found, series=series)


def picture_on(
    own: Sequence[CtSeries], structures: Structures | None, reason: str, root: Path, options: CohortOptions
) -> PictureSource | None:
    """What may be drawn where no CT, or not one, fits: the largest CT of the patient, the contour on the only one."""
    if not own:
        return None
    largest = max(own, key=lambda series: len(series.slices))
    if structures is None:
        return PictureSource(root, CtFiles.of(largest), remark="There is no contour of this CT.")
    if DRAWN_ON in reason.partition(":")[0]:
        return PictureSource(root, CtFiles.of(largest), remark="The contour belongs to a series that is no CT.")
    if len(own) > 1:
        remark = f"One of {len(own)} CTs of this patient; which one the contour belongs to is not known."
        return PictureSource(root, CtFiles.of(largest), remark=remark)
    return _picture(structures, largest, root, options)


def _picture(structures: Structures, series: CtSeries, root: Path, options: CohortOptions) -> PictureSource:
    numbers, segments = structures.choice.tumour, isinstance(structures, Segmentation)
    return PictureSource(
        root,
        CtFiles.of(series),
        drawing=structures.name,
        numbers=numbers,
        segments=segments,
        threshold=options.mask_threshold,
        remark="" if numbers else "Which contour is the tumour is not known.",
    )


def refused(structures: Structures, series: CtSeries, found: Found, root: Path, options: CohortOptions) -> Paired:
    """Contours that a check refused on their CT."""
    picture = _picture(structures, series, root, options)
    return Paired(structures, None, _reason(found), found, picture, series)


def _refused(pairing: Pairing | SegPairing, found: Found, root: Path) -> Paired:
    return refused(pairing.structures, pairing.series, found, root, pairing.options)


def _sound(found: Found) -> bool:
    return all(f.passed is not False for f in found)


def _reason(found: Found) -> str:
    return next(f for f in found if f.passed is False).reason
