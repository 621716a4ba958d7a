"""Enhanced CT of the small hospital: the slices of ``write_ct`` as frames of one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
from cohort_files import SLICES, uid, write_ct, write_rtstruct
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence as Items
from pydicom.uid import RLELossless

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


def compressed(data: Dataset, syntax: str) -> Dataset:
    """The same image in RLE, JPEG lossless or JPEG 2000."""
    if syntax == RLELossless:
        data.compress(RLELossless, generate_instance_uid=False)
        return data
    count = int(data.get("NumberOfFrames", 1))
    stored = np.frombuffer(data.PixelData, "<i2").reshape(count, data.Rows, data.Columns)
    data.PixelData = encapsulate([_coded(frame, syntax) for frame in stored])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    return data


def _coded(frame: np.ndarray, syntax: str) -> bytes:
    import tempfile

    import SimpleITK

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coded.dcm"
        writer = SimpleITK.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.UseCompressionOn()
        writer.SetCompressor("JPEG2000" if syntax == pydicom.uid.JPEG2000Lossless else "JPEG")
        writer.SetFileName(str(path))
        writer.Execute(SimpleITK.GetImageFromArray(frame[None].astype(np.int16)))
        data = pydicom.dcmread(path)
    assert data.file_meta.TransferSyntaxUID == syntax
    return next(generate_frames(data.PixelData, number_of_frames=1))


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
