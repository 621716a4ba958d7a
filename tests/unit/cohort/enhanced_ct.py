"""Enhanced CT of the small hospital: the slices of ``write_ct`` as frames, and structure sets that refer to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pydicom
from cohort_files import SLICES, uid, write_ct, write_rtstruct
from ct_writers import both, compressed, raised, values
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

ENHANCED, LEGACY = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"
# Where the attributes of a slice lie in a frame (DICOM PS3.3 C.7.6.16 and C.8.15.3).
GROUPS = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing",),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "CTAcquisitionDetailsSequence": ("GantryDetectorTilt",),
    "CTReconstructionSequence": ("ConvolutionKernel",),
    "CTXRayDetailsSequence": ("KVP",),
    "FrameContentSequence": ("StackID", "TemporalPositionIndex", "FrameAcquisitionNumber"),
    "CTImageFrameTypeSequence": ("FrameType",),
}

Edit = Callable[[Dataset, int], None]


def frames_of(folder: Path, edit: Edit | None = None, slices: Sequence[int] = range(SLICES)) -> list[Dataset]:
    """Slices as ``write_ct`` writes them, read back, to become frames."""
    paths = write_ct(folder, "B1", slices=slices, edit=edit)
    found = [pydicom.dcmread(path) for path in paths]
    for path in paths:
        path.unlink()
    folder.rmdir()
    return found


def write_enhanced(
    path: Path, frames: Sequence[Dataset], *, sop: object = "enhanced", sop_class: str = ENHANCED,
    shared: Sequence[str] = ("PlaneOrientationSequence", "PixelMeasuresSequence"), edit: Edit | None = None,
) -> Path:  # fmt: skip
    """``shared``: the groups that all frames have in common, taken from the first; the others stand in every frame."""
    data = Dataset()
    data.file_meta = frames[0].file_meta
    data.update(frames[0])
    for names in GROUPS.values():
        for name in names:
            if name in data:
                del data[name]
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = sop_class
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = uid("B1", sop)
    data.NumberOfFrames = len(frames)
    data.PixelData = b"".join(f.PixelData for f in frames)
    data.SharedFunctionalGroupsSequence = Items([_groups(frames[0], [g for g in GROUPS if g in shared])])
    own = [g for g in GROUPS if g not in shared]
    data.PerFrameFunctionalGroupsSequence = Items([_groups(f, own) for f in frames])
    if edit:
        edit(data, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def write_enhanced_rtstruct(path: Path, *, images: Sequence[tuple[object, int]], contours: bool = False) -> Path:
    """``images``: the files it refers to by their ``sop``, and a frame or 0; ``contours``: whether these name them."""

    def edit(data, _):
        study = data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
        study.RTReferencedSeriesSequence[0].ContourImageSequence = Items([_reference(*image) for image in images])
        if contours:
            drawn = data.ROIContourSequence[0].ContourSequence
            for contour, image in zip(drawn, images, strict=True):
                contour.ContourImageSequence = Items([_reference(*image)])

    return write_rtstruct(path, "B1", edit=edit)


def enhanced(edit=None, *, change=None, order=range(SLICES), syntax=None, folder="ct", **options):
    def write(root):
        frames = frames_of(root / "frames", edit)
        path = write_enhanced(root / folder / "all", [frames[k] for k in order], edit=change, **options)
        if syntax:
            compressed(pydicom.dcmread(path), syntax).save_as(path)

    return write


def refers(*images, contours=False):
    return lambda root: write_enhanced_rtstruct(root / "rt.dcm", images=images, contours=contours)


WHOLE = refers(("enhanced", 0))
NAMED = refers(("enhanced", 4), ("enhanced", 5), ("enhanced", 6), contours=True)


def concatenated(*parts, total=2):
    def write(root):
        frames = frames_of(root / "frames")
        for n, numbers in parts:
            change = values(ConcatenationUID=uid("B1", "whole"), InConcatenationTotalNumber=total)
            write_enhanced(root / "ct" / f"{n}", [frames[k] for k in numbers], sop=n, edit=change)

    return write


def two_in_one(one, other):
    """Every slice twice in one file, the second time raised."""

    def write(root):
        frames = frames_of(root / "frames", one) + frames_of(root / "frames", both(raised, other))
        write_enhanced(root / "ct" / "all", [frames[k] for n in range(SLICES) for k in (n, n + SLICES)])

    return write


def odd_frames(*numbers):
    return refers(*(("enhanced", n) for n in numbers), contours=True)


def legacy(data, _):
    """A converter leaves what it has no place for in sequences of its own."""
    for name, tag in (("Shared", "ConvolutionKernel"), ("PerFrame", "AcquisitionNumber")):
        item = Dataset()
        setattr(item, tag, {"ConvolutionKernel": "B30f", "AcquisitionNumber": 1}[tag])
        for group in data[f"{name}FunctionalGroupsSequence"].value:
            setattr(group, f"Unassigned{name}ConvertedAttributesSequence", Items([item]))


def lost_frame(data, _):
    del data.PerFrameFunctionalGroupsSequence[-1]


def no_position(data, _):
    del data.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence


def not_a_sequence(data, _):
    data.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0].ImagePositionPatient = [1, 2]


def _groups(frame: Dataset, names: Sequence[str]) -> Dataset:
    group = Dataset()
    for name in names:
        item = Dataset()
        for attribute in GROUPS[name]:
            if attribute in frame:
                item[attribute] = frame[attribute]
        if len(item):
            setattr(group, name, Items([item]))
    return group


def _reference(sop: object, frame: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ENHANCED, uid("B1", sop)
    if frame:
        item.ReferencedFrameNumber = frame
    return item
