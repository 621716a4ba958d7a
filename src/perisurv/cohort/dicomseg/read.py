"""Headers of DICOM SEG: which CT they belong to and which segments they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread

from perisurv.cohort.dicom import DICOM_ERRORS
from perisurv.cohort.rtstruct import RoiChoice, RoiEntry, RoiRules, choose_rois
from perisurv.cohort.rtstruct.rois import plain_name
from perisurv.core import ReadError

__all__ = ["SEG_CLASSES", "Segmentation", "read_segmentation"]

# Segmentation Storage and Label Map Segmentation Storage.
SEG_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
Vector = tuple[float, float, float]
_BACKGROUND = 0  # of a label map, which lists it among its segments


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """A DICOM SEG and what it refers to (PS3.3 A.51).

    Parameters
    ----------
    name
        Path relative to the cohort folder, for messages.
    made
        ContentDate and ContentTime as written, ``20190225 111528``; empty where the date is missing.
    series_uids, frame_uids, image_uids
        The series, frame of reference and slices that it says it was drawn on; empty where it says nothing.
    entries
        All its segments.
    choice
        What the rules chose among them.
    named
        Position in mm of every frame that names one slice, and the SOPInstanceUID of that slice.
    """

    path: Path
    name: str
    patient_id: str
    made: str
    series_uids: frozenset[str]
    frame_uids: frozenset[str]
    image_uids: frozenset[str]
    entries: tuple[RoiEntry, ...]
    choice: RoiChoice
    named: tuple[tuple[Vector, str], ...] = ()

    def named_images(self) -> frozenset[str]:
        """The slices that it names."""
        return self.image_uids


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
        series, images = _references(data)
        frame = str(data.get("FrameOfReferenceUID", "") or "")
        patient_id = str(data.get("PatientID", "") or "").strip()
        named = tuple(_named(data))
        made = " ".join(str(data.get(tag, "") or "").strip() for tag in ("ContentDate", "ContentTime"))
    except DICOM_ERRORS as error:
        raise ReadError(f"{name} is not a whole DICOM SEG ({type(error).__name__}); export it again.") from error
    number, count = Counter(e.number for e in entries).most_common(1)[0] if entries else (0, 0)
    if count > 1:
        names = ", ".join(e.name for e in entries if e.number == number)
        raise ReadError(f"{name} gives the segments {names} one number ({number}); export it again.")
    made = made.strip() if made[:8].strip() else ""
    frames = frozenset({frame} - {""})
    return Segmentation(
        path, name, patient_id, made, series, frames, images, entries, choose_rois(entries, rules), named
    )


def _entry(item: Dataset) -> RoiEntry:
    kinds = item.get("SegmentedPropertyTypeCodeSequence") or (Dataset(),)
    meaning, code = (plain_name(kinds[0].get(tag)) for tag in ("CodeMeaning", "CodeValue"))
    return RoiEntry(int(item.SegmentNumber), plain_name(item.get("SegmentLabel")), meaning, code=code)


def _references(data: Dataset) -> tuple[frozenset[str], frozenset[str]]:
    """Series and slices of the common instance reference; slices that frames name where that is absent."""
    items = list(data.get("ReferencedSeriesSequence") or ())
    for study in data.get("StudiesContainingOtherReferencedInstancesSequence") or ():
        items += study.get("ReferencedSeriesSequence") or ()
    series = frozenset(str(item.SeriesInstanceUID) for item in items)
    images = {str(i.ReferencedSOPInstanceUID) for item in items for i in item.get("ReferencedInstanceSequence") or ()}
    return series, frozenset(images or _sources(data))


def _sources(data: Dataset) -> Iterator[str]:
    groups = [
        *(data.get("SharedFunctionalGroupsSequence") or ()),
        *(data.get("PerFrameFunctionalGroupsSequence") or ()),
    ]
    for group in groups:
        yield from _derived_from(group)


def _named(data: Dataset) -> Iterator[tuple[Vector, str]]:
    for group in data.get("PerFrameFunctionalGroupsSequence") or ():
        sources, plane = set(_derived_from(group)), group.get("PlanePositionSequence")
        if len(sources) == 1 and plane:
            x, y, z = (float(v) for v in plane[0].ImagePositionPatient)
            yield (x, y, z), sources.pop()


def _derived_from(group: Dataset) -> Iterator[str]:
    for derivation in group.get("DerivationImageSequence") or ():
        for image in derivation.get("SourceImageSequence") or ():
            yield str(image.ReferencedSOPInstanceUID)
