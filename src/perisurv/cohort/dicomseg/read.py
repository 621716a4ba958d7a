"""Headers of DICOM SEG: which CT they belong to and which segments they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread

from perisurv.cohort.dicom import DICOM_ERRORS, unreadable
from perisurv.cohort.references import References, images_of, listed_series, uid_of
from perisurv.cohort.rtstruct import RoiChoice, RoiEntry, RoiRules, choose_rois
from perisurv.cohort.rtstruct.rois import plain_name
from perisurv.core import ReadError

__all__ = ["SEG_CLASSES", "SegFrame", "Segmentation", "read_segmentation"]

# Segmentation Storage and Label Map Segmentation Storage.
SEG_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
Vector = tuple[float, float, float]
_BACKGROUND = 0  # of a label map, which lists it among its segments


@dataclass(frozen=True, slots=True)
class SegFrame:
    """Where a frame lies, of what, and the images that it was derived from.

    Parameters
    ----------
    position_mm
        LPS position of the centre of its first voxel; None where the header does not say.
    axes
        Directions of its rows and columns, six numbers; empty where the header does not say.
    segment
        Number of its segment; 0 where a frame holds several (label map).
    """

    position_mm: Vector | None
    axes: tuple[float, ...]
    segment: int
    images: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """A DICOM SEG and what it refers to (PS3.3 A.51).

    Parameters
    ----------
    name
        Path relative to the cohort folder, for messages.
    made
        ContentDate and ContentTime as written, ``20190225 111528``; empty where the date is missing.
    references
        The series, frame of reference and slices that it says it was drawn on.
    entries
        All its segments.
    choice
        What the rules chose among them.
    frames
        Its frames, of all segments.
    sop_uid
        Its SOPInstanceUID.
    copies
        Other files that hold the same.
    """

    path: Path
    name: str
    patient_id: str
    made: str
    references: References
    entries: tuple[RoiEntry, ...]
    choice: RoiChoice
    frames: Sequence[SegFrame] = ()
    sop_uid: str = ""
    copies: tuple[str, ...] = ()

    @property
    def frame_uids(self) -> frozenset[str]:
        """The frame of reference."""
        return self.references.frame_uids

    def tumour_frames(self) -> tuple[SegFrame, ...]:
        """The frames of the tumour; all where no segment is chosen."""
        tumour = {*self.choice.tumour, 0} if self.choice.tumour else None
        return tuple(f for f in self.frames if tumour is None or f.segment in tumour)

    def named(self) -> tuple[frozenset[str], ...]:
        """The images that each frame of the tumour was derived from, of those that name any."""
        return tuple(f.images for f in self.tumour_frames() if f.images)


def read_segmentation(path: Path, name: str, rules: RoiRules) -> Segmentation:
    """Read the header of a DICOM SEG and choose among its segments.

    Raises
    ------
    ReadError
        If the header is not that of a DICOM SEG, or two segments carry one number.
    """
    try:
        data = dcmread(path, stop_before_pixels=True, force=True)
        entries = tuple(_entry(item) for item in data.SegmentSequence if int(item.SegmentNumber) != _BACKGROUND)
        references = _references(data)
        patient_id = str(data.get("PatientID", "") or "").strip()
        frames = tuple(_frames(data))
        sop_uid = uid_of(data, "SOPInstanceUID")
        made = " ".join(str(data.get(tag, "") or "").strip() for tag in ("ContentDate", "ContentTime"))
    except DICOM_ERRORS as error:
        wrong = f"{name} is not a whole DICOM SEG ({type(error).__name__}); export it again."
        raise unreadable(name, error, wrong) from error
    number, count = Counter(e.number for e in entries).most_common(1)[0] if entries else (0, 0)
    if count > 1:
        names = ", ".join(e.name for e in entries if e.number == number)
        raise ReadError(f"{name} gives the segments {names} one number ({number}); export it again.")
    made = made.strip() if made[:8].strip() else ""
    choice = choose_rois(entries, rules)
    return Segmentation(path, name, patient_id, made, references, entries, choice, frames, sop_uid)


def _entry(item: Dataset) -> RoiEntry:
    kinds = item.get("SegmentedPropertyTypeCodeSequence") or (Dataset(),)
    meaning, code = (plain_name(kinds[0].get(tag)) for tag in ("CodeMeaning", "CodeValue"))
    return RoiEntry(int(item.SegmentNumber), plain_name(item.get("SegmentLabel")), meaning, code=code)


def _references(data: Dataset) -> References:
    """Series and slices of the common instance reference; what all frames share where that is absent."""
    items = list(data.get("ReferencedSeriesSequence") or ())
    for study in data.get("StudiesContainingOtherReferencedInstancesSequence") or ():
        items += study.get("ReferencedSeriesSequence") or ()
    listed = listed_series(
        (uid_of(item, "SeriesInstanceUID"), images_of(item.get("ReferencedInstanceSequence"))) for item in items
    )
    if not any(listed.values()):
        shared = [_derived_from(group) for group in data.get("SharedFunctionalGroupsSequence") or ()]
        listed = listed_series([*listed.items(), *(("", images) for images in shared)])
    return References(listed, frozenset({uid_of(data, "FrameOfReferenceUID")} - {""}))


def _frames(data: Dataset) -> Iterator[SegFrame]:
    shared = next(iter(data.get("SharedFunctionalGroupsSequence") or ()), Dataset())
    for group in data.get("PerFrameFunctionalGroupsSequence") or ():
        plane, turn, segment = (
            next(iter(group.get(name) or shared.get(name) or ()), Dataset())
            for name in ("PlanePositionSequence", "PlaneOrientationSequence", "SegmentIdentificationSequence")
        )
        position = plane.get("ImagePositionPatient")
        x, y, z = (float(v) for v in position) if position else (0.0, 0.0, 0.0)
        axes = tuple(float(v) for v in turn.get("ImageOrientationPatient") or ())
        number = int(segment.get("ReferencedSegmentNumber") or 0)
        yield SegFrame((x, y, z) if position else None, axes, number, _derived_from(group))


def _derived_from(group: Dataset) -> frozenset[str]:
    derivations = group.get("DerivationImageSequence") or ()
    return frozenset[str]().union(*(images_of(d.get("SourceImageSequence")) for d in derivations))
