"""CT series of the small hospital as scanners, archives and people leave them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pydicom
from cohort_files import COLUMNS, FIRST_MM, PIXEL_MM, ROWS, SLICES, STEP_MM, hounsfield, uid, write_ct, write_rtstruct
from hard_rtstruct import names_slice
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, JPEG2000Lossless, RLELossless


def contours(root):
    return write_rtstruct(root / "rt.dcm", "B1")


def slices(edit=None, *, numbers=range(SLICES), folder="ct", name="{k:03d}.dcm", series="planning"):
    return lambda root: write_ct(root / folder, "B1", slices=numbers, edit=edit, name=name, series=series)


def values(**attributes):
    """Set attributes of every slice."""

    def edit(data, _):
        for name, value in attributes.items():
            setattr(data, name, value)

    return edit


def at_slice(number, edit):
    return lambda data, k: edit(data, k) if k == number else None


def other_uid(word):
    def edit(data, k):
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid("B1", word, k)

    return edit


def several(*writes):
    return lambda root: [write(root) for write in writes]


def both(*edits):
    def edit(data, k):
        for each in edits:
            each(data, k)

    return edit


# nesting and naming


def scattered(root):
    for k in range(SLICES):
        write_ct(root / f"{(5 * k) % SLICES}" / "DICOM" / "x", "B1", slices=[k], name="IM{k}")


def bare(root):
    for path in write_ct(root / "ct", "B1"):
        data = pydicom.dcmread(path)
        del data.file_meta
        data.preamble = None
        data.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=False)


# pixels


def compressed(data: Dataset, syntax: str) -> Dataset:
    """The same image in RLE, JPEG lossless or JPEG 2000."""
    if syntax == RLELossless:
        data.compress(RLELossless, generate_instance_uid=False)
        return data
    count = int(data.get("NumberOfFrames", 1))
    stored = np.frombuffer(data.PixelData, "<i2").reshape(count, data.Rows, data.Columns)
    data.PixelData = encapsulate([_coded(frame, syntax) for frame in stored])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = UID(syntax)
    return data


def _coded(frame: np.ndarray, syntax: str) -> bytes:
    import SimpleITK

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coded.dcm"
        writer = SimpleITK.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.UseCompressionOn()
        writer.SetCompressor("JPEG2000" if syntax == JPEG2000Lossless else "JPEG")
        writer.SetFileName(str(path))
        writer.Execute(SimpleITK.GetImageFromArray(frame[None].astype(np.int16)))
        data = pydicom.dcmread(path)
    assert data.file_meta.TransferSyntaxUID == syntax
    return next(generate_frames(data.PixelData, number_of_frames=1))


def recoded(syntax):
    def write(root):
        for path in write_ct(root / "ct", "B1"):
            data = pydicom.dcmread(path)
            if syntax != DeflatedExplicitVRLittleEndian:
                compressed(data, syntax)
            data.file_meta.TransferSyntaxUID = syntax
            data.save_as(path, enforce_file_format=True)

    return write


def big_endian(root):
    for path in write_ct(root / "ct", "B1"):
        data = pydicom.dcmread(path)
        data.PixelData = np.frombuffer(data.PixelData, "<i2").astype(">i2").tobytes()
        data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        pydicom.dcmwrite(path, data, implicit_vr=False, little_endian=False, force_encoding=True)


def unsigned(data, k):
    data.PixelRepresentation = 0


def twelve_bits(data, k):
    data.PixelRepresentation, data.BitsStored, data.HighBit = 0, 12, 11


def own_rescale(data, k):
    """Odd slices are stored in steps of one half and from another zero."""
    if k % 2:
        data.RescaleSlope, data.RescaleIntercept = 0.5, -1000 - k
        data.PixelData = (2 * (hounsfield(k) + 1000 + k)).astype("<i2").tobytes()


def wrong_padding(data, k):
    data.add_new("PixelPaddingValue", "SS", 1024)


def spare_padding(data, k):
    data.add_new("PixelPaddingValue", "US", 63536)


def without(*names):
    def edit(data, _):
        for name in names:
            del data[name]

    return edit


def colour(data, k):
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.PixelData = bytes(3 * ROWS * COLUMNS)


# place


def turned(row, column):
    """The anatomy as a patient in another position is stored: rows and columns run along these signed LPS axes."""

    def edit(data, k):
        anatomy = hounsfield(k)  # [y, x]
        axes = [int(np.flatnonzero(v)[0]) for v in (row, column)]
        pixels = anatomy if axes == [0, 1] else anatomy.T
        signs = [int(np.sum(v)) for v in (row, column)]
        data.PixelData = np.ascontiguousarray(pixels[:: signs[1], :: signs[0]] + 1024).astype("<i2").tobytes()
        first = list(FIRST_MM)
        for axis, sign in zip(axes, signs, strict=True):
            first[axis] += PIXEL_MM * (ROWS - 1) if sign < 0 else 0.0
        first[2] += STEP_MM * k
        data.ImagePositionPatient, data.ImageOrientationPatient = first, [*row, *column]

    return edit


# Rows and columns of the images in the positions of DICOM PS3.3 C.7.3.1.1.2, as scanners write them.
POSITIONS = {
    "HFS": ((1, 0, 0), (0, 1, 0)), "HFP": ((-1, 0, 0), (0, -1, 0)),
    "FFS": ((-1, 0, 0), (0, 1, 0)), "FFP": ((1, 0, 0), (0, -1, 0)),
    "HFDR": ((0, -1, 0), (1, 0, 0)), "HFDL": ((0, 1, 0), (-1, 0, 0)),
    "FFDR": ((0, -1, 0), (-1, 0, 0)), "FFDL": ((0, 1, 0), (1, 0, 0)),
}  # fmt: skip


def moved(height_mm=lambda k: 0.0, drift_mm=lambda k: 0.0, **attributes):
    """Slices elsewhere, holding what the anatomy is there; the drift is along the columns."""

    def edit(data, k):
        values(**attributes)(data, k)
        up, down = height_mm(k), drift_mm(k)
        data.ImagePositionPatient = [FIRST_MM[0], FIRST_MM[1] + down, FIRST_MM[2] + STEP_MM * k + up]
        there = hounsfield(k) + 150 / STEP_MM * up + 2 / PIXEL_MM * down
        data.RescaleSlope, data.RescaleIntercept = 0.05, 0
        data.PixelData = np.rint(20 * there).astype("<i2").tobytes()

    return edit


def tilted(mm=0.5, **attributes):
    return moved(drift_mm=lambda k: mm * (k - 4), **attributes)


def bent(k):
    return 2.0 * (k % 2)


# volumes of one series

PHASE = {n: values(TemporalPositionIdentifier=n) for n in (1, 2)}


def raised(data, k):
    """Another anatomy at the same place: it must not be taken for the one meant."""
    data.RescaleIntercept = -900


def second(edit, numbers=range(SLICES)):
    return slices(both(raised, other_uid("second"), edit), numbers=numbers, folder="second")


def two(first, other, numbers=range(SLICES)):
    return several(slices(first), second(other, numbers))


def named(root):
    """Contours that name their slices, in a structure set that lists all images of the series."""

    def edit(data, _):
        names_slice(3, 4, 5)(data, _)
        images = data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
        for k in range(SLICES):
            item = Dataset()
            item.ReferencedSOPClassUID = images.ContourImageSequence[0].ReferencedSOPClassUID
            item.ReferencedSOPInstanceUID = uid("B1", "second", k)
            images.ContourImageSequence.append(item)

    return write_rtstruct(root / "rt.dcm", "B1", edit=edit)


def unnamed(root):
    """A structure set that names the series and no slice."""

    def edit(data, _):
        study = data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
        del study.RTReferencedSeriesSequence[0].ContourImageSequence

    return write_rtstruct(root / "rt.dcm", "B1", edit=edit)


def with_scout(root):
    """A structure set that lists the localizer among the images of the series."""

    def edit(data, _):
        images = data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
        images.ContourImageSequence[0].ReferencedSOPInstanceUID = uid("B1", "second", 0)

    return write_rtstruct(root / "rt.dcm", "B1", edit=edit)


SCOUT = values(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ImageOrientationPatient=[1, 0, 0, 0, 0, -1])


def copied(edit=None, syntax=None):
    """Slice 2 again, with the same UID."""

    def write(root):
        (path,) = write_ct(root / "again", "B1", slices=[2], edit=edit)
        if syntax:
            compressed(pydicom.dcmread(path), syntax).save_as(path)
        return path

    return several(slices(), write)


def other_pixel(data, k):
    data.PixelData = data.PixelData[:-2] + b"\x00\x00"
