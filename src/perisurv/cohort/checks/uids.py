"""How far the UIDs in a structure set or DICOM SEG are those of a CT, and what the study file lets pass."""

from __future__ import annotations

from collections.abc import Sequence

from perisurv.cohort.checks.drawn import Pairing
from perisurv.cohort.checks.masked import SegPairing

__all__ = ["Pair", "agrees", "missing_slices", "other_ct", "passes", "uid_mismatch"]

Pair = Pairing | SegPairing


def agrees(pair: Pair) -> tuple[str, ...]:
    """Which of series and frame of reference are those of the CT."""
    structures, series = pair.structures, pair.series
    frame = series.slices[0].frame_uid
    found = {
        "the series": series.uid in structures.references.series_uids,
        "the frame of reference": bool(frame) and frame in structures.frame_uids | structures.references.frame_uids,
    }
    return tuple(what for what, fits in found.items() if fits)


def passes(pair: Pair, policy: str) -> bool:
    """Whether ``references`` set to ``policy`` passes over UIDs that do not fit, if the contours lie on slices."""
    return policy == "geometry" or (policy == "series" and bool(agrees(pair)))


def uid_mismatch(pair: Pair) -> str:
    """What does not fit, in words that go on behind the name of the file; empty if everything does."""
    missing, named = missing_slices(pair)
    lacks = f"refers to {named} slices of which {missing} are not there" if missing else ""
    return other_ct(pair) or lacks


def other_ct(pair: Pair) -> str:
    """Why the UIDs are those of another CT, in words; empty if they are not."""
    structures, series = pair.structures, pair.series
    references, named, own = structures.references, structures.named(), series.images
    if not (references.listed or references.frame_uids or structures.frame_uids or named):
        return "names neither a series nor a frame of reference nor slices"
    if _other_frame(pair):
        return f"names another frame of reference than the CT in {series.folder}"
    images = frozenset[str]().union(references.image_uids, *named)
    if images and not images & own:
        return f"refers to none of the slices in {series.folder}"
    by_slice = _each_named(named, own) and not references.under_other_series(series.uid, own)
    if references.series_uids and series.uid not in references.series_uids and not by_slice:
        return f"names another series than the CT in {series.folder}"
    return ""


def _other_frame(pair: Pair) -> bool:
    """Whether the tumour is drawn in another frame of reference than that of the CT.

    It is not where the set lists the frame of the CT and the ROI names one that nothing else in the set knows, or
    where its contours name slices of the CT: two sequences hold frames, and programs do not always change both.
    """
    structures, series = pair.structures, pair.series
    frame, own, listed = series.slices[0].frame_uid, structures.frame_uids, structures.references.frame_uids
    if not frame or not own or frame in own:
        return False
    by_slice = _each_named(structures.named(), series.images)
    return frame not in listed or not (by_slice or not own & listed)


def _each_named(named: Sequence[frozenset[str]], own: frozenset[str]) -> bool:
    """Whether contours or frames of the tumour name their slices, each one of this CT."""
    return bool(named) and all(images & own for images in named)


def missing_slices(pair: Pair) -> tuple[int, int]:
    """How many slices that are listed for this CT, or named by the tumour, are not there; and how many there are."""
    references, series = pair.structures.references, pair.series
    own = series.images
    there, wanted = own | series.aside, set[str]()
    for uid, images in references.listed.items():
        if uid == series.uid or images & own:
            wanted |= images
    # A contour may name its slice in several series; one of them is enough.
    for images in pair.structures.named():
        wanted |= (images & there) or {min(images)}
    return len(wanted - there), len(wanted)
