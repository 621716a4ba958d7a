"""Structure sets and DICOM SEG as an index remembers them: all that names them, without contours and frames.

Which ROIs are meant is decided anew each time, as the study file may have changed; contours and frames are read from
the file when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, overload

from perisurv.cohort.candidates import Structures
from perisurv.cohort.dicomseg import SegFrame, Segmentation, read_segmentation
from perisurv.cohort.references import References
from perisurv.cohort.rtstruct import Roi, RoiChoice, RoiEntry, RoiRules, StructureSet, choose_rois, read_structure_set

__all__ = ["facts_of", "structures_of"]


def facts_of(structures: Structures, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What is remembered, as plain values.

    Parameters
    ----------
    structures
        As they were read.
    known
        What was remembered of the same file, whose contours need not be tried again.
    """
    listed = {uid: sorted(images) for uid, images in structures.references.listed.items()}
    read = [] if isinstance(structures, Segmentation) else sorted({*structures.rois, *(known or {}).get("read", ())})
    return {
        "seg": isinstance(structures, Segmentation),
        "patient_id": structures.patient_id,
        "made": structures.made,
        "sop_uid": structures.sop_uid,
        "listed": listed,
        "frame_uids": sorted(structures.references.frame_uids),
        "entries": [astuple(entry) for entry in structures.entries],
        "read": read,
    }


def structures_of(facts: Mapping[str, Any], path: Path, name: str, rules: RoiRules) -> Structures | None:
    """What the file holds; None where the rules choose an ROI whose contours nobody has read yet."""
    entries = tuple(RoiEntry(*values) for values in facts["entries"])
    choice = choose_rois(entries, rules)
    references = References(
        {uid: frozenset(images) for uid, images in facts["listed"].items()}, frozenset(facts["frame_uids"])
    )
    own = path, name, facts["patient_id"], facts["made"], references, entries, choice
    if facts["seg"]:
        return Segmentation(*own, _Frames(path, name, rules), facts["sop_uid"])
    if not {*choice.tumour, *choice.others, *choice.lungs} <= set(facts["read"]):
        return None
    return StructureSet(*own, _Rois(path, name, choice), facts["sop_uid"])


class _Rois(Mapping[int, Roi]):
    """The chosen ROIs of a structure set, read when one is asked for."""

    def __init__(self, path: Path, name: str, choice: RoiChoice) -> None:
        self._file = path, name, choice
        self._rois: Mapping[int, Roi] | None = None

    def _read(self) -> Mapping[int, Roi]:
        if self._rois is None:
            self._rois = read_structure_set(*self._file).rois
        return self._rois

    def __getitem__(self, number: int) -> Roi:
        return self._read()[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


class _Frames(Sequence[SegFrame]):
    """The frames of a DICOM SEG, read when one is asked for."""

    def __init__(self, path: Path, name: str, rules: RoiRules) -> None:
        self._file = path, name, rules
        self._frames: Sequence[SegFrame] | None = None

    def _read(self) -> Sequence[SegFrame]:
        if self._frames is None:
            self._frames = read_segmentation(*self._file).frames
        return self._frames

    @overload
    def __getitem__(self, index: int) -> SegFrame: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SegFrame]: ...
    def __getitem__(self, index: int | slice) -> SegFrame | Sequence[SegFrame]:
        return self._read()[index]

    def __len__(self) -> int:
        return len(self._read())
