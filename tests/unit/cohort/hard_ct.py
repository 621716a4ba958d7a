"""Hard CT series, each with what must come of it: a reason, or the anatomy in its place and a remark.

The anatomy is a linear function of place (``cohort_files.hounsfield``), so that linear and cubic interpolation give it
exactly and any slice, frame or grid can be compared with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cohort_files import SLICES, uid
from ct_writers import (
    PHASE,
    POSITIONS,
    SCOUT,
    at_slice,
    bare,
    bent,
    big_endian,
    both,
    colour,
    contours,
    copied,
    moved,
    named,
    other_pixel,
    other_uid,
    own_rescale,
    raised,
    recoded,
    scattered,
    second,
    several,
    slices,
    spare_padding,
    tilted,
    turned,
    twelve_bits,
    two,
    unnamed,
    unsigned,
    values,
    with_scout,
    without,
    wrong_padding,
)
from enhanced_ct import (
    LEGACY,
    NAMED,
    WHOLE,
    concatenated,
    enhanced,
    legacy,
    lost_frame,
    no_position,
    not_a_sequence,
    odd_frames,
    refers,
    two_in_one,
)
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, RLELossless

RESAMPLE = {"gantry_tilt": "resample", "irregular_slices": "resample"}
Write = Callable[[Path], object]


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
    Case("irregular", slices(moved(lambda k: 0.6 if k == 6 else 0.0)), reason="irregular slice distance: slices in "
         "B1/ct are 2.400 to 3.600 mm apart; at most 1 % of 3.000 mm may differ. Export the original CT, or set "
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
         reason="gantry tilt: the slices in B1/ct drift sideways by 2.00 mm; at most half a pixel (1.00 mm) is "
         "allowed, and not as a gantry tilts"),
    Case("tilted further than any gantry", slices(tilted(3.5)), options=RESAMPLE, reason="gantry tilt: the slices in "
         "B1/ct drift sideways by 24.50 mm; at most half a pixel (1.00 mm) is allowed, and not as a gantry tilts"),
    Case("tilted and irregular, resampled", slices(moved(lambda k: 0.3 * (k == 6), lambda k: k / 2 + (k == 6) / 20)),
         options=RESAMPLE, resampled=True),
    Case("a slice beside the others", slices(moved(drift_mm=lambda k: 0.3 * (k == 5))), options=RESAMPLE,
         reason="irregular slice distance: a slice in B1/ct lies 0.300 mm beside the line of the others; at most"),
    Case("no position", slices(without("ImagePositionPatient")), reason="no slice geometry: B1/ct/000.dcm lacks"),
    *(Case(f"pixels of {mm} mm", slices(values(PixelSpacing=[mm, mm])), options=RESAMPLE, reason="no slice geometry: "
           f"B1/ct/000.dcm has a pixel spacing of {mm:g} x {mm:g} mm where a CT of a patient has 0.05 to 10")
      for mm in (0, 0.0002, 2000)),
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
    Case("thick slabs of the same series", two(None, values(ImageType=["DERIVED", "PRIMARY", "MIP"]), range(1, 8, 3))),
    Case("tube voltages", two(values(KVP=80), values(KVP=140)), named),
    Case("frames of reference", two(None, values(FrameOfReferenceUID=uid("elsewhere"))), named),
    Case("another plane", two(None, values(ImageOrientationPatient=[1, 0, 0, 0, 0, -1]))),
    Case("scout", several(slices(), second(SCOUT, [0])), says="Images of the series that are not of this volume: 1."),
    Case("scout among the images of the contours", several(slices(), second(SCOUT, [0])), with_scout),
    Case("scouts only", slices(SCOUT), reason="RTSTRUCT of another CT: B1/rt.dcm was drawn on a CT that is not in the"),
    Case("the same slices with other UIDs", several(slices(), slices(other_uid("copy"), folder="again")), reason="two "
         "series with one UID: B1/again/000.dcm and B1/ct/000.dcm lie at one position, as do 8 pairs"),
    Case("one UID for all slices", slices(values(SOPInstanceUID=uid("all"))), unnamed, reason="two slices with one "
         "UID: B1/ct/000.dcm and B1/ct/001.dcm carry one SOPInstanceUID but differ in their headers"),
    Case("copied slice", copied(), says="Copies are passed over: B1/ct/002.dcm."),
    Case("copied slice, compressed", copied(syntax=RLELossless), says="Copies are passed over: B1/ct/002"),
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
    Case("enhanced, contours name other frames", enhanced(), odd_frames(4, 5, 8), reason="contour on another slice "
         "than it names: ROI GTV-1 of B1/rt.dcm: a contour on slice 6 names frame 8 of B1/ct/all, which is slice 8"),
    Case("enhanced, contours name frames that are not there", enhanced(), odd_frames(4, 5, 99),
         reason="missing slice: B1/ct lacks 1 of the 3 slices"),
    Case("enhanced, contours of another file", enhanced(), refers(("gone", 0)), reason="RTSTRUCT of another CT: "
         "B1/rt.dcm refers to none of the slices in B1/ct"),
    Case("legacy converted", enhanced(change=legacy, sop_class=LEGACY), WHOLE),
    Case("concatenation", concatenated((1, range(5)), (2, range(5, 8))), refers((1, 0), (2, 0))),
    Case("concatenation that lacks a file", concatenated((1, range(7))), refers((1, 0)), reason="missing slice: B1/ct "
         "lacks 1 of the files of a concatenated multi-frame image"),
    Case("two enhanced files of one stack", concatenated((1, range(0, 8, 2)), (2, range(1, 8, 2)), total=0),
         refers((1, 0), (2, 0))),
    Case("enhanced, phases", two_in_one(values(TemporalPositionIndex=1), values(TemporalPositionIndex=2)), WHOLE,
         reason="two series with one UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in temporal "
         "position: 8 slices from frame 1 of B1/ct/all (1), 8 slices from frame 2 of B1/ct/all (2)"),
    Case("enhanced, phases, contours name frames",
         two_in_one(values(TemporalPositionIndex=1), values(TemporalPositionIndex=2)), odd_frames(7, 9, 11),
         says="Images of the series that are not of this volume: 8."),
    Case("enhanced, stacks", two_in_one(values(StackID="1"), values(StackID="2")), WHOLE, reason="two series with one "
         "UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in stack: 8 slices from frame 1 "
         "of B1/ct/all (1)"),
    Case("enhanced, tube voltages", two_in_one(values(KVP=80), values(KVP=140)), WHOLE, reason="two series with one "
         "UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in tube voltage: 8 slices from "
         "frame 1 of B1/ct/all (80"),
    Case("enhanced, two frames of one place", two_in_one(values(), values()), WHOLE, reason="two series with one "
         "UID: frame 1 of B1/ct/all and frame 2 of B1/ct/all lie at one position, as do 8 pairs"),
    Case("enhanced, scouts among the frames",
         two_in_one(values(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
                    values(FrameType=["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"])), WHOLE),
    Case("enhanced, maximum intensity among the frames",
         two_in_one(values(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
                    values(FrameType=["DERIVED", "PRIMARY", "VOLUME", "MAXIMUM"])), odd_frames(7, 9, 11)),
    Case("enhanced, copied", several(enhanced(), enhanced(folder="again")), WHOLE,
         says="Copies are passed over: B1/ct/all."),
    Case("enhanced, copied and compressed", several(enhanced(), enhanced(folder="again", syntax=RLELossless)), WHOLE,
         says="Copies are passed over: B1/ct/all."),
    Case("enhanced, copied with another pixel",
         several(enhanced(), enhanced(at_slice(4, other_pixel), folder="again")), WHOLE,
         reason="two slices with one UID: B1/again/all and B1/ct/all carry one SOPInstanceUID but differ in their pix"),
    Case("enhanced, copied with another place",
         several(enhanced(), enhanced(turned(*POSITIONS["FFS"]), folder="again")), WHOLE,
         reason="two slices with one UID: B1/again/all and B1/ct/all carry one SOPInstanceUID but differ in their hea"),
    Case("enhanced, not HU", enhanced(at_slice(2, values(RescaleType="Z_EFF"))), WHOLE,
         reason="not HU: frame 3 of B1/ct/all is stored as Z_EFF"),
    Case("enhanced, missing frame", enhanced(order=[0, 1, 2, 4, 5, 6, 7]), WHOLE,
         reason="missing slice: frame 3 of B1/ct/all and frame 4 of B1/ct/all are 6.00 mm apart"),
    Case("enhanced, gantry tilt, resampled", enhanced(tilted(GantryDetectorTilt=9.5)), WHOLE, RESAMPLE, resampled=True,
         says="Tilted by 9.5 degrees"),
    Case("enhanced, frames not described", enhanced(change=lost_frame), WHOLE,
         reason="unreadable file: B1/ct/all announces 8 frames and describes 7"),
    Case("enhanced, frame without position", enhanced(change=no_position), WHOLE,
         reason="no slice geometry: frame 4 of B1/ct/all lacks position"),
    Case("enhanced, half a position", enhanced(change=not_a_sequence), WHOLE,
         reason="unreadable file: B1/ct/all holds a value that DICOM does not allow"),
    Case("frames of a classic CT", slices(lambda d, k: values(NumberOfFrames=2, PixelData=d.PixelData * 2)(d, k)),
         reason="no slice geometry: B1/ct/000.dcm holds 2 frames but is no enhanced CT"),
]  # fmt: skip

CASES = [*NESTING, *PIXELS, *PLACE, *MIXED, *MULTIFRAME]
