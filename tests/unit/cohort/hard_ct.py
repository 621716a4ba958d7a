"""Hard CT series, each with what must come of it: a reason, or the anatomy in its place and a remark.

The anatomy is a linear function of place (``cohort_files.hounsfield``), so that linear and cubic interpolation give it
exactly and any slice, frame or grid can be compared with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
from cohort_files import COLUMNS, FIRST_MM, PIXEL_MM, ROWS, SLICES, STEP_MM, hounsfield, uid, write_ct, write_rtstruct
from enhanced_ct import LEGACY, compressed, frames_of, write_enhanced, write_enhanced_rtstruct
from hard_rtstruct import names_slice
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

RESAMPLE = {"gantry_tilt": "resample", "irregular_slices": "resample"}
Write = Callable[[Path], object]


def contours(root):
    return write_rtstruct(root / "rt.dcm", "B1")


@dataclass(frozen=True)
class Case:
    """``ct`` and ``rt`` write; ``says``: found in the findings; ``reason``: why the patient is left out.

    ``resampled``: the grid is not that of the slices, so that values are compared inside them and the tumour by its
    centre and volume.
    """

    id: str
    ct: Write
    rt: Write = contours
    options: dict = field(default_factory=dict)
    says: str = ""
    reason: str = ""
    resampled: bool = False


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


# enhanced CT


def enhanced(edit=None, *, change=None, order=range(SLICES), syntax=None, **options):
    def write(root):
        frames = frames_of(root / "frames", edit)
        path = write_enhanced(root / "ct" / "all", [frames[k] for k in order], edit=change, **options)
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


NESTING = [
    Case("plain", slices()),
    Case("any nesting and naming", scattered),
    Case("without preamble", bare),
    Case("names without order or suffix", slices(name="MR.{k}^x")),
]

PIXELS = [
    Case("RLE", recoded(RLELossless)),
    Case("JPEG lossless", recoded(JPEGLosslessSV1)),
    Case("JPEG 2000", recoded(JPEG2000Lossless)),
    Case("deflated", recoded(DeflatedExplicitVRLittleEndian)),
    Case("big endian", big_endian),
    Case("unsigned", slices(unsigned)),
    Case("twelve bits", slices(twelve_bits)),
    Case("rescale of every slice", slices(own_rescale)),
    Case("padding that would blank out tissue", slices(wrong_padding)),
    Case("padding stated as unsigned", slices(spare_padding)),
    Case("no rescale type", slices(without("RescaleType"))),
    Case("unspecified values", slices(values(RescaleType="US")), reason="not HU: B1/ct/000.dcm is stored as US"),
    Case("modified HU", slices(values(RescaleType="HU_MOD")), reason="not HU: B1/ct/000.dcm is stored as HU_MOD"),
    Case("atomic number in one slice", slices(at_slice(5, values(RescaleType="Z_EFF"))),
         reason="not HU: B1/ct/005.dcm is stored as Z_EFF"),
    Case("no rescale", slices(without("RescaleSlope")), reason="not HU: B1/ct/000.dcm has no usable RescaleSlope"),
    Case("inverted", slices(values(PhotometricInterpretation="MONOCHROME1")),
         reason="not HU: B1/ct/000.dcm is inverted or in colour"),
    Case("colour", slices(colour), reason="not HU: B1/ct/000.dcm is inverted or in colour"),
]  # fmt: skip

PLACE = [
    *(Case(f"position {name}", slices(turned(*axes))) for name, axes in POSITIONS.items()),
    Case("missing slice", slices(numbers=[0, 1, 2, 4, 5, 6, 7]), options=RESAMPLE,
         reason="missing slice: B1/ct/002.dcm and B1/ct/004.dcm are 6.00 mm apart where 3.00 mm is usual"),
    Case("missing last slice", slices(numbers=range(SLICES - 1)), reason="missing slice: B1/ct lacks 1 of the 8"),
    Case("irregular", slices(moved(lambda k: 0.6 if k == 6 else 0.0)), reason="irregular slice distance: slices in B1/ct "
         "are 2.400 to 3.600 mm apart; at most 1 % of 3.000 mm may differ. Export the original CT, or set "
         'irregular_slices to "resample".'),
    Case("irregular, resampled", slices(moved(lambda k: 0.6 if k == 6 else 0.0)), options=RESAMPLE, resampled=True,
         says="slices in B1/ct are 2.400 to 3.600 mm apart: resampled to 3.000 mm."),
    Case("last slice between planes, resampled", slices(moved(lambda k: 1.4 if k == 7 else 0.0)), options=RESAMPLE,
         resampled=True, says="are 3.000 to 4.400 mm apart: resampled to 3.000 mm."),
    Case("nearer than half, resampled", slices(moved(lambda k: -1.6 if k == 7 else 0.0)), options=RESAMPLE,
         reason="irregular slice distance: slices in B1/ct are 1.400 to 3.000 mm apart where 3.000 mm is usual"),
    Case("two slices at one position", slices(moved(lambda k: -3.0 if k == 7 else 0.0)), options=RESAMPLE,
         reason="two series with one UID: B1/ct/006.dcm and B1/ct/007.dcm lie at one position"),
    Case("gantry tilt", slices(tilted()), reason="gantry tilt: the slices in B1/ct drift sideways by 3.50 mm; at most "
         "half a pixel (1.00 mm) is allowed: a tilt of 9.5 degrees. Take a CT without tilt, or set gantry_tilt to "),
    Case("gantry tilt, resampled", slices(tilted()), options=RESAMPLE, resampled=True,
         says="Tilted by 9.5 degrees: resampled onto a rectangular grid."),
    Case("gantry tilt as the header says, resampled", slices(tilted(GantryDetectorTilt=-9.46)), options=RESAMPLE,
         resampled=True, says="Tilted by 9.5 degrees"),
    Case("gantry tilt that the header contradicts", slices(tilted(GantryDetectorTilt=20)), options=RESAMPLE,
         reason="gantry tilt: B1/ct/000.dcm states a tilt of 20 degrees, but the positions are tilted by 9.5"),
    Case("gantry tilt that the scanner took out", slices(values(GantryDetectorTilt=12)),
         says="B1/ct/000.dcm states a tilt of 12 degrees, but the slices lie straight."),
    Case("slices beside one another", slices(moved(drift_mm=bent)), options=RESAMPLE,
         reason="gantry tilt: the slices in B1/ct drift sideways by 2.00 mm; at most half a pixel (1.00 mm) is allowed, "
         "and not as a gantry tilts"),
    Case("tilted further than any gantry", slices(tilted(3.5)), options=RESAMPLE, reason="gantry tilt: the slices in "
         "B1/ct drift sideways by 24.50 mm; at most half a pixel (1.00 mm) is allowed, and not as a gantry tilts"),
    Case("tilted and irregular, resampled", slices(moved(lambda k: 0.3 * (k == 6), lambda k: 0.5 * k)),
         options=RESAMPLE, resampled=True),
    Case("no position", slices(without("ImagePositionPatient")), reason="no slice geometry: B1/ct/000.dcm lacks"),
    Case("one slice", slices(numbers=[4]), reason="no slice geometry: B1/ct/004.dcm is the only slice"),
]  # fmt: skip

MIXED = [
    Case("phases, listed slices decide", two(PHASE[1], PHASE[2])),
    Case("phases, contours name one", two(PHASE[1], PHASE[2]), named,
         says="Images of the series that are not of this volume: 8."),
    Case("phases, nothing named", two(PHASE[1], PHASE[2]), unnamed, reason="two series with one UID: B1/rt.dcm fits 2 "
         "volumes under one SeriesInstanceUID that differ in temporal position: 8 slices from B1/ct/000.dcm (1), 8 "
         "slices from B1/second/000.dcm (2); keep the one that it was drawn on."),
    Case("phases as percentages", two(values(NominalPercentageOfRespiratoryPhase=0.0),
                                      values(NominalPercentageOfRespiratoryPhase=50.0)), unnamed,
         reason="two series with one UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in temporal "
         "position: 8 slices from B1/ct/000.dcm (0.0), 8 slices from B1/second/000.dcm (50.0)"),
    Case("phases as series of their own", several(slices(PHASE[1]), slices(both(raised, PHASE[2]), folder="50",
                                                                          series="half"))),
    Case("acquisitions", two(values(AcquisitionNumber=1), values(AcquisitionNumber=2)), unnamed, reason="two series "
         "with one UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in acquisition: 8 slices from "
         "B1/ct/000.dcm (1), 8 slices from B1/second/000.dcm (2)"),
    Case("acquisitions, listed slices decide", two(values(AcquisitionNumber=1), values(AcquisitionNumber=2)),
         says="Images of the series that are not of this volume: 8."),
    Case("acquisitions that continue one another", slices(lambda d, k: setattr(d, "AcquisitionNumber", 1 + k // 4))),
    Case("an acquisition a slice", slices(lambda d, k: setattr(d, "AcquisitionNumber", k + 1))),
    Case("kernels", two(values(ConvolutionKernel="B30f"), values(ConvolutionKernel="B80f")), unnamed,
         reason="two series with one UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in "
         "convolution kernel: 8 slices from B1/ct/000.dcm (B30f), 8 slices from B1/second/000.dcm (B80f)"),
    Case("thick slabs of the same series", two(None, values(ImageType=["DERIVED", "SECONDARY", "MIP"]), range(1, 8, 3))),
    Case("tube voltages", two(values(KVP=80), values(KVP=140)), named),
    Case("frames of reference", two(None, values(FrameOfReferenceUID=uid("elsewhere"))), named),
    Case("another plane", two(None, values(ImageOrientationPatient=[1, 0, 0, 0, 0, -1]))),
    Case("scout", several(slices(), second(SCOUT, [0])), says="Images of the series that are not of this volume: 1."),
    Case("scout among the images of the contours", several(slices(), second(SCOUT, [0])), with_scout),
    Case("scouts only", slices(SCOUT), reason="RTSTRUCT of another CT: B1/rt.dcm was drawn on a CT that is not in the"),
    Case("the same slices with other UIDs", several(slices(), slices(other_uid("copy"), folder="again")), reason="two "
         "series with one UID: B1/again/000.dcm and B1/ct/000.dcm lie at one position, as do 8 pairs"),
    Case("copied slice", copied(), says="Copies of slices are passed over: B1/ct/002.dcm."),
    Case("copied slice, compressed", copied(syntax=RLELossless), says="Copies of slices are passed over: B1/ct/002.dcm."),
    Case("copied slice with another pixel", copied(other_pixel), reason="two slices with one UID: B1/again/002.dcm and "
         "B1/ct/002.dcm carry one SOPInstanceUID but differ in their pixels"),
    Case("copied slice with another rescale", copied(raised), reason="two slices with one UID: B1/again/002.dcm and "
         "B1/ct/002.dcm carry one SOPInstanceUID but differ in their headers"),
]  # fmt: skip

MULTIFRAME = [
    Case("enhanced", enhanced(), WHOLE),
    Case("enhanced, everything in every frame", enhanced(shared=()), WHOLE),
    Case("enhanced, rescale shared", enhanced(shared=("PlaneOrientationSequence", "PixelMeasuresSequence",
                                                      "PixelValueTransformationSequence")), WHOLE),
    Case("enhanced, rescale of every frame", enhanced(own_rescale), WHOLE),
    Case("enhanced, frames in any order", enhanced(order=[3, 7, 0, 1, 6, 2, 5, 4]), WHOLE),
    Case("enhanced, padding", enhanced(spare_padding), WHOLE),
    Case("enhanced, feet first", enhanced(turned(*POSITIONS["FFS"])), WHOLE),
    Case("enhanced, RLE", enhanced(syntax=RLELossless, order=[1, 0, *range(2, SLICES)]), WHOLE),
    Case("enhanced, JPEG lossless", enhanced(own_rescale, syntax=JPEGLosslessSV1, order=range(7, -1, -1)), WHOLE),
    Case("enhanced, JPEG 2000", enhanced(own_rescale, syntax=JPEG2000Lossless, order=[1, 0, *range(2, 8)]), WHOLE),
    Case("enhanced, contours name frames", enhanced(), NAMED, says="At most 0.00 slices off the slice named."),
    Case("enhanced, contours name other frames", enhanced(), odd_frames(4, 5, 8), reason="contour on another slice than "
         "it names: ROI GTV-1 of B1/rt.dcm: a contour on slice 6 names B1/ct/all, which is slice 8"),
    Case("enhanced, contours name frames that are not there", enhanced(), odd_frames(4, 5, 99),
         reason="missing slice: B1/ct lacks 1 of the 3 slices"),
    Case("enhanced, contours of another file", enhanced(), refers(("gone", 0)), reason="RTSTRUCT of another CT: "
         "B1/rt.dcm refers to none of the slices in B1/ct"),
    Case("legacy converted", enhanced(change=legacy, sop_class=LEGACY), WHOLE),
    Case("concatenation", concatenated((1, range(5)), (2, range(5, 8))), refers((1, 0), (2, 0))),
    Case("concatenation that lacks a file", concatenated((1, range(7))), refers((1, 0)), reason="missing slice: B1/ct "
         "lacks 1 files of a concatenated multi-frame image"),
    Case("two enhanced files of one stack", concatenated((1, range(0, 8, 2)), (2, range(1, 8, 2)), total=0),
         refers((1, 0), (2, 0))),
    Case("enhanced, phases", two_in_one(values(TemporalPositionIndex=1), values(TemporalPositionIndex=2)), WHOLE,
         reason="two series with one UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in temporal "
         "position: 8 slices from B1/ct/all (1), 8 slices from B1/ct/all (2)"),
    Case("enhanced, phases, contours name frames",
         two_in_one(values(TemporalPositionIndex=1), values(TemporalPositionIndex=2)), odd_frames(7, 9, 11),
         says="Images of the series that are not of this volume: 8."),
    Case("enhanced, stacks", two_in_one(values(StackID="1"), values(StackID="2")), WHOLE, reason="two series with one "
         "UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in stack: 8 slices from B1/ct/all (1)"),
    Case("enhanced, tube voltages", two_in_one(values(KVP=80), values(KVP=140)), WHOLE, reason="two series with one "
         "UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in tube voltage: 8 slices from "
         "B1/ct/all (80"),
    Case("enhanced, two frames of one place", two_in_one(values(), values()), WHOLE, reason="two series with one UID: B1/ct/all "
         "and B1/ct/all lie at one position, as do 8 pairs"),
    Case("enhanced, scouts among the frames",
         two_in_one(values(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
                    values(FrameType=["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"])), WHOLE),
    Case("enhanced, maximum intensity among the frames",
         two_in_one(values(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
                    values(FrameType=["DERIVED", "PRIMARY", "VOLUME", "MAXIMUM"])), odd_frames(7, 9, 11)),
    Case("enhanced, not HU", enhanced(at_slice(2, values(RescaleType="Z_EFF"))), WHOLE,
         reason="not HU: B1/ct/all is stored as Z_EFF"),
    Case("enhanced, missing frame", enhanced(order=[0, 1, 2, 4, 5, 6, 7]), WHOLE,
         reason="missing slice: B1/ct/all and B1/ct/all are 6.00 mm apart"),
    Case("enhanced, gantry tilt, resampled", enhanced(tilted(GantryDetectorTilt=9.5)), WHOLE, RESAMPLE, resampled=True,
         says="Tilted by 9.5 degrees"),
    Case("enhanced, frames not described", enhanced(change=lost_frame), WHOLE,
         reason="unreadable file: B1/ct/all announces 8 frames and describes 7"),
    Case("enhanced, frame without position", enhanced(change=no_position), WHOLE,
         reason="no slice geometry: B1/ct/all lacks position"),
    Case("enhanced, half a position", enhanced(change=not_a_sequence), WHOLE,
         reason="unreadable file: B1/ct/all holds a value that DICOM does not allow"),
    Case("frames of a classic CT", slices(lambda d, k: values(NumberOfFrames=2, PixelData=d.PixelData * 2)(d, k)),
         reason="no slice geometry: B1/ct/000.dcm holds 2 frames but is no enhanced CT"),
]  # fmt: skip

CASES = [*NESTING, *PIXELS, *PLACE, *MIXED, *MULTIFRAME]
