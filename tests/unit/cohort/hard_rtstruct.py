"""Hard structure sets, each with what must come of it: a reason, or so many voxels and a remark."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from cohort_files import FIRST_MM, PIXEL_MM, SLICES, STEP_MM, square, uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from perisurv.cohort import RoiRule

INTERPOLATE, LEAVE = {"between_slices": "interpolate"}, {"between_slices": "leave"}


@dataclass(frozen=True)
class Case:
    """``voxels``: how many the tumour has; ``says``: found in the findings; ``reason``: why the patient is left out."""

    id: str
    rois: dict = field(default_factory=lambda: {"GTV-1": cube()})
    edit: object = None
    options: dict = field(default_factory=dict)
    voxels: int = 0
    says: str = ""
    reason: str = ""
    others: int | None = None


def cube(*levels, low=10.0, high=20.0):
    """Squares on three slices, 100 voxels each."""
    return [square(k, low, high) for k in levels or (3, 4, 5)]


def lifted(contours, mm):
    return [np.add(c, (0, 0, mm)) for c in contours]


def at(j, i, k):
    """LPS point of a voxel index."""
    return [FIRST_MM[0] + PIXEL_MM * i, FIRST_MM[1] + PIXEL_MM * j, FIRST_MM[2] + STEP_MM * k]


def keyhole(k):
    outer, inner = square(k), square(k, 13, 16)[::-1]
    return np.concatenate([outer, outer[:1], np.roll(inner, 1, axis=0), inner[-1:], outer[:1]])


def bow_tie(k, low=9.5, high=19.5):
    return np.array([at(low, low, k), at(high, high, k), at(low, high, k), at(high, low, k)])


def notched(k):
    """A square with a crossing at one corner that winds the wrong way round over two by two voxels."""
    ring = [(9.5, 9.5), (9.5, 21.5), (7.5, 21.5), (7.5, 19.5), (19.5, 19.5), (19.5, 9.5)]
    return np.array([at(j, i, k) for j, i in ring])


def many_points(contour):
    middle = 0.5 * (contour + np.roll(contour, -1, axis=0))
    return np.roll(np.stack([contour, middle], axis=1).reshape(-1, 3)[::-1], 3, axis=0)


def upright(axis, low=9.5, high=19.5, bottom=2.5, top=5.5):
    """The cube by its cuts through every second column (sagittal) or row (coronal) of pixels and those between."""
    cuts = []
    for n in range(10, 20):
        corners = [(bottom, low), (bottom, high), (top, high), (top, low)]
        cuts.append(np.array([at(m, n, k) if axis == "column" else at(n, m, k) for k, m in corners]))
    return cuts


def set_items(n=0, **values):
    """Change every contour of the n-th ROI."""

    def edit(data, _):
        for contour in data.ROIContourSequence[n].ContourSequence:
            for name, value in values.items():
                setattr(contour, name, value)

    return edit


def first_contour(change):
    return lambda data, _: change(data.ROIContourSequence[0].ContourSequence[0])


def raw(text):
    """Coordinates that pydicom would not write."""

    def change(contour):
        contour.add_new("ContourData", "UT", text)
        contour["ContourData"].VR = "UT"

    return first_contour(change)


def names_slice(*numbers):
    """Contours name these slices; a text names a slice that is not there."""

    def edit(data, _):
        for contour, k in zip(data.ROIContourSequence[0].ContourSequence, numbers, strict=True):
            image = Dataset()
            image.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
            image.ReferencedSOPInstanceUID = uid("B1", "planning", k)
            contour.ContourImageSequence = Items([image])

    return edit


def types(*kinds):
    def edit(data, _):
        items = []
        for n, kind in enumerate(kinds, start=1):
            item = Dataset()
            item.ObservationNumber, item.ReferencedROINumber, item.RTROIInterpretedType = n, n, kind
            items.append(item)
        data.RTROIObservationsSequence = Items(items)

    return edit


def other_frame(data, _):
    data.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = uid("elsewhere")


def second_frame(data, _):
    other_frame(data, _)
    data.ReferencedFrameOfReferenceSequence.append(Dataset())
    data.ReferencedFrameOfReferenceSequence[1].FrameOfReferenceUID = uid("elsewhere")


def same_number(data, _):
    data.StructureSetROISequence[1].ROINumber = 1


def listed_twice(data, _):
    data.ROIContourSequence[1].ReferencedROINumber = 1


def no_contours(data, _):
    del data.ROIContourSequence


def unlisted(data, _):
    data.ROIContourSequence[1].ReferencedROINumber = 77


def pick(*rules, **options):
    return {"tumour_roi": tuple(rules), **options}


SHAPES = [
    Case("sound", voxels=300, says="GTV-1, chosen by name"),
    Case("hole", {"GTV-1": [*cube(), *cube(low=13, high=16)]}, voxels=273),
    Case("island in a hole", {"GTV-1": [*cube(), *cube(low=13, high=16), *cube(low=14, high=15)]}, voxels=276),
    Case("keyhole", {"GTV-1": [keyhole(k) for k in (3, 4, 5)]}, voxels=273),
    Case("xor type", {"GTV-1": [*cube(), *cube(low=13, high=16)]},
         set_items(ContourGeometricType="CLOSEDPLANAR_XOR"), voxels=273),
    Case("two pieces on a slice", {"GTV-1": [*cube(), *cube(low=22, high=25)]}, voxels=327),
    Case("contours that overlap", {"GTV-1": [*cube(), *cube(low=15, high=25)]},
         reason="two rasters disagree: ROI GTV-1 of B1/rt.dcm: even-odd rule and covered area differ"),
    Case("drawn twice", {"GTV-1": cube() * 2}, voxels=300, says="GTV-1: 3 contours drawn twice counted once."),
    Case("drawn twice in other words", {"GTV-1": [*cube(), many_points(square(4))]}, voxels=300,
         says="1 contour drawn twice counted once"),
    Case("repeated end point", {"GTV-1": [np.concatenate([c, c[:1]]) for c in cube()]}, voxels=300),
    Case("bow tie", {"GTV-1": [*cube(), bow_tie(6)]}, options={"raster_limit": 0.5, "volume_limit": 0.5},
         voxels=350, says="Contours cross themselves: 100.0 mm2"),
    Case("bow ties only", {"GTV-1": [bow_tie(k) for k in (3, 4, 5)]}, reason="two rasters disagree"),
    Case("small loop", {"GTV-1": [notched(3), *cube(4, 5)]}, voxels=304,
         says="16.0 mm2 are enclosed twice or the wrong way round"),
    Case("single slice", {"GTV-1": cube(4)}, voxels=100),
    Case("first and last slice", {"GTV-1": cube(*range(SLICES))}, voxels=800),
    Case("tip smaller than a voxel", {"GTV-1": [*cube(), square(6, 10.6, 11.4)]}, voxels=300,
         says="3 slices filled, 4 reached by contours."),
    Case("smaller than a voxel", {"GTV-1": [square(3, 10.6, 11.4)]}, reason="empty contour: ROI GTV-1 of B1/rt.dcm "
         "encloses no voxel"),
    Case("tips everywhere", {"GTV-1": [*cube(3), *[square(k, 10.6, 11.4) for k in (4, 5, 6)]]},
         reason="slices of mask and contours differ: ROI GTV-1 of B1/rt.dcm reaches 4 slices and fills 1"),
    Case("hole as large as the rest", {"GTV-1": [*cube(), *cube(low=10.4, high=19.6)]}, reason="empty contour"),
]  # fmt: skip

PLANES = [
    Case("every second slice", {"GTV-1": cube(2, 4, 6)}, reason="slices without contour: ROI GTV-1 of B1/rt.dcm: "
         "contours lie on every second slice only"),
    Case("every second slice, interpolated", {"GTV-1": cube(2, 4, 6)}, options=INTERPOLATE, voxels=500,
         says="2 planes filled by the shape between their neighbours."),
    Case("every second slice, left", {"GTV-1": cube(2, 4, 6)}, options=LEAVE, voxels=300),
    Case("a slice left out", {"GTV-1": cube(1, 2, 3, 5, 6)}, reason="slices without contour: ROI GTV-1 of B1/rt.dcm: "
         "slice 5 has no contour between z = 59.0 and 65.0 mm. Draw every slice, or set between_slices to "),
    Case("a slice left out, interpolated", {"GTV-1": cube(1, 2, 3, 5, 6)}, options=INTERPOLATE, voxels=600),
    Case("a cone left out", {"GTV-1": [square(2, 10, 20), square(4, 12, 18), square(5, 12, 18)]}, options=INTERPOLATE,
         voxels=100 + 64 + 36 + 36),
    Case("too many slices left out", {"GTV-1": cube(0, 1, 6, 7)}, options=INTERPOLATE,
         reason="slices without contour: ROI GTV-1 of B1/rt.dcm: slices 3 to 6 have no contour between z = 53.0 and "
         "68.0 mm; more than 3 in a row are not interpolated. Draw every slice."),
    Case("two lesions above one another", {"GTV-1": [*cube(1, 2), *cube(5, 6, low=22, high=26)]}, voxels=232),
    Case("two lesions above one another, interpolated", {"GTV-1": [*cube(1, 2), *cube(5, 6, low=22, high=26)]},
         options=INTERPOLATE, voxels=232),
    Case("between slices", {"GTV-1": lifted(cube(), 1.5)}, reason="slices without contour: ROI GTV-1 of B1/rt.dcm: "
         "contours lie between the slices of the CT, up to 1.50 mm off"),
    Case("between slices, interpolated", {"GTV-1": lifted(cube(2, 3, 4, 5), 1.5)}, options=INTERPOLATE, voxels=400,
         says="3.00 mm apart, between the slices of the CT: resampled"),
    Case("a little off the slices", {"GTV-1": lifted(cube(), 0.5)}, voxels=300),
    Case("planes twice as dense as slices", {"GTV-1": [*cube(2, 3, 4), *lifted(cube(2, 3, 4), 1.5)]},
         options=INTERPOLATE, voxels=300),
    Case("planes at irregular distances", {"GTV-1": [*cube(2), *lifted(cube(3), 2.0), *cube(5)]}, options=INTERPOLATE,
         reason="contours without common planes: ROI GTV-1 of B1/rt.dcm: contours lie in planes at irregular"),
    Case("sagittal", {"GTV-1": upright("column")}, voxels=300, says="10 planes, 2.00 mm apart, at 90 degrees"),
    Case("coronal", {"GTV-1": upright("row")}, voxels=300, says="at 90 degrees to the slices of the CT: resampled"),
    Case("sagittal, every second", {"GTV-1": upright("column")[::2]}, reason="slices without contour: ROI GTV-1 of "
         "B1/rt.dcm: contours lie 4.00 mm apart, voxels of the CT 2.00 mm"),
    Case("sagittal, a plane left out", {"GTV-1": [*upright("column")[:4], *upright("column")[5:]]},
         reason="slices without contour: ROI GTV-1 of B1/rt.dcm: plane 5 has no contour. Draw every slice, or"),
    Case("sagittal, a plane left out, interpolated", {"GTV-1": [*upright("column")[:4], *upright("column")[5:]]},
         options=INTERPOLATE, voxels=300),
    Case("sagittal and axial", {"GTV-1": [*cube(), *upright("column")]},
         reason="contours without common planes: ROI GTV-1 of B1/rt.dcm: contours lie in planes that are not parallel"),
    Case("not planar", {"GTV-1": [*cube(3, 4), np.add(square(5), [[0, 0, 0], [0, 0, 0], [0, 0, 6.0], [0, 0, 0]])]},
         reason="contours without common planes: ROI GTV-1 of B1/rt.dcm: a contour is not planar"),
    Case("above the CT", {"GTV-1": [square(SLICES + 1)]}, reason="RTSTRUCT of another CT: ROI GTV-1 of B1/rt.dcm: "
         "a contour lies on slice 10 of a CT with 8 slices"),
    Case("beside the CT", {"GTV-1": [np.add(square(3), (50, 0, 0))]}, reason="RTSTRUCT of another CT: ROI GTV-1 of "
         "B1/rt.dcm: a contour leaves the image"),
    Case("names its slices", edit=names_slice(3, 4, 5), voxels=300, says="At most 0.00 slices off the slice named."),
    Case("names other slices", edit=names_slice(3, 4, 6), reason="contour on another slice than it names: ROI GTV-1 "
         "of B1/rt.dcm: a contour on slice 6 names B1/ct/006.dcm, which is slice 7"),
    Case("between slices, names the next slice", {"GTV-1": lifted(cube(), 1.5)}, names_slice(3, 4, 5), INTERPOLATE,
         voxels=300, says="At most 0.50 slices off the slice named."),
    Case("names slices that are not there", edit=names_slice(3, 4, "gone"), reason="missing slice: B1/ct lacks 1 of"),
]  # fmt: skip

POINTS = [
    Case("two points", {"GTV-1": [*cube(), square(4)[:2]]}, voxels=300, says="GTV-1: 1 contour with fewer than three "
         "points passed over."),
    Case("three points on a line", {"GTV-1": [*cube(), np.array([at(3, n, 4) for n in (1, 2, 5)])]}, voxels=300,
         says="1 contour without area passed over"),
    Case("a marked point", {"GTV-1": cube(3, 4, 5, 6)},
         first_contour(lambda c: setattr(c, "ContourGeometricType", "POINT")), voxels=300,
         says="1 contour of type POINT passed over"),
    Case("points only", edit=set_items(ContourGeometricType="POINT"), reason="empty contour: ROI GTV-1 of B1/rt.dcm "
         "has no closed contour of three points (3 contours of type POINT passed over)"),
    Case("open planar", edit=first_contour(lambda c: setattr(c, "ContourGeometricType", "OPEN_PLANAR")),
         reason="unusable contour: ROI GTV-1 of B1/rt.dcm: contour 1 is of type OPEN_PLANAR"),
    Case("open nonplanar", edit=set_items(ContourGeometricType="OPEN_NONPLANAR"),
         reason="unusable contour: ROI GTV-1 of B1/rt.dcm: contour 1 is of type OPEN_NONPLANAR"),
    Case("no type", edit=set_items(ContourGeometricType=""), reason="unusable contour: ROI GTV-1 of B1/rt.dcm: "
         "contour 1 has no type"),
    Case("not a number", edit=raw("nan\\1\\2\\3\\4\\5\\6\\7\\8"), reason="unusable contour: ROI GTV-1 of B1/rt.dcm: "
         "contour 1 holds coordinates that are no positions in a patient"),
    Case("far beyond any room", edit=raw("1e300\\1\\2\\3\\4\\5\\6\\7\\8"), reason="unusable contour: ROI GTV-1 of "
         "B1/rt.dcm: contour 1 holds coordinates that are no positions"),
    Case("words", edit=raw("one\\1\\2\\3\\4\\5\\6\\7\\8"), reason="unusable contour: ROI GTV-1 of B1/rt.dcm: "
         "contour 1 holds coordinates that are no numbers"),
    Case("half a point", edit=raw("1\\1\\2\\3\\4\\5\\6\\7"), reason="unusable contour: ROI GTV-1 of B1/rt.dcm: "
         "contour 1 holds 8 coordinates where 4 points are announced"),
    Case("points lost", edit=set_items(NumberOfContourPoints=5), reason="unusable contour: ROI GTV-1 of B1/rt.dcm: "
         "contour 1 holds 12 coordinates where 5 points are announced"),
]  # fmt: skip

BIG, SMALL = cube(), cube(3, 4, low=22, high=26)
ROIS = [
    Case("exact", {"GTV-1": SMALL, "my lesion": BIG}, options=pick(RoiRule(exact="MY LESION ")), voxels=300,
         says="my lesion, chosen by exact 'MY LESION '."),
    Case("glob", {"GTVn": SMALL, "tum-left": BIG}, options=pick(RoiRule(glob="tum-*")), voxels=300),
    Case("rules in their order", {"a": SMALL, "b": BIG},
         options=pick(RoiRule(exact="c"), RoiRule(glob="b*"), "^a$"), voxels=300, says="b, chosen by glob 'b*'."),
    Case("dicom type", {"x": SMALL, "y": BIG}, types("ORGAN", "GTV"), pick(RoiRule(type="gtv")), voxels=300,
         says="y, chosen by type 'gtv'."),
    Case("none", {"Heart": BIG, "GTW-1": SMALL}, types("ORGAN", ""), pick(RoiRule(exact="GTV-1")),
         reason="no tumour ROI: B1/rt.dcm has no ROI that tumour_roi matches; its ROIs are Heart (type ORGAN), GTW-1. "
         "Nearest is GTW-1. Draw"),
    Case("several", {"GTV-2": BIG, "GTV-3": SMALL}, reason="no tumour ROI: B1/rt.dcm has several tumour ROIs (GTV-2, "
         "GTV-3) by name"),
    Case("a tumour of another name beside a node", {"Tumor_RUL": BIG, "GTV_LN": SMALL}, voxels=300,
         says="Tumor_RUL, chosen by name"),
    Case("phase of a 4D CT", {"LN_c40": SMALL, "Tumor_c40": BIG}, voxels=300, says="Tumor_c40, chosen by name"),
    Case("two lobes", {"Tumor_RUL": BIG, "Tumor_LLL": SMALL}, reason="no tumour ROI: B1/rt.dcm has several tumour ROIs "
         "(Tumor_RUL, Tumor_LLL) by name"),
    Case("only a node", {"GTV lymph node": BIG, "Heart": SMALL}, reason="no tumour ROI: B1/rt.dcm has no ROI whose "
         "name says primary tumour; its ROIs are GTV lymph node, Heart. Draw"),
    Case("only a margin", {"GTV-PTV": BIG, "IGTV": SMALL}, reason="no tumour ROI: B1/rt.dcm has no ROI whose name says "
         "primary tumour; its ROIs are GTV-PTV, IGTV. Nearest is IGTV. Draw the tumour, or name it under [cohort] in "
         'the study file: tumour_roi = [{ exact = "IGTV" }].'),
    Case("several united", {"GTV-2": BIG, "GTV-3": SMALL}, options={"several_rois": "union"}, voxels=332,
         says="GTV-2 and GTV-3, chosen by name"),
    Case("several that overlap united", {"GTV-2": BIG, "GTV-3": cube(low=15, high=25)},
         options={"several_rois": "union"}, voxels=525),
    Case("the largest", {"GTV-2": SMALL, "GTV-3": BIG}, options={"several_rois": "largest"}, voxels=300,
         says="the largest of 2."),
    Case("several of one name", {"GTV": BIG, "GTV ": SMALL}, reason="no tumour ROI: B1/rt.dcm has several tumour ROIs "
         "(GTV, GTV)"),
    Case("other lesions", {"GTV-1": BIG, "GTV-2": SMALL, "Heart": SMALL}, options={"other_lesions": ("^GTV",)},
         voxels=300, others=32, says="GTV-2: 32 voxels, of which"),
    Case("other lesions that overlap", {"GTV-1": BIG, "GTV-2": cube(low=15, high=25)},
         options={"other_lesions": ("^GTV",)}, voxels=300, others=225),
    Case("the largest and the others", {"GTV-2": SMALL, "GTV-3": BIG, "GTV-4": []}, voxels=300, others=32,
         options={"several_rois": "largest", "other_lesions": (RoiRule(glob="GTV*"),)}),
    Case("no other lesions", options={"other_lesions": ("^GTV",)}, voxels=300, says="no other lesions"),
    Case("other lesion that is open", {"GTV-1": BIG, "GTV-2": SMALL},
         set_items(1, ContourGeometricType="OPEN_PLANAR"), {"other_lesions": ("^GTV",)},
         reason="unusable contour: ROI GTV-2 of B1/rt.dcm"),
    Case("other lesion that is wavy", {"GTV-1": BIG, "GTV-2": [np.add(square(5), np.outer((0, 0, 1, 0), (0, 0, 6.0)))]},
         options={"other_lesions": ("^GTV",)}, reason="contours without common planes: ROI GTV-2 of B1/rt.dcm: a"),
    Case("other lesion with a gap", {"GTV-1": BIG, "GTV-2": cube(0, 2, low=22, high=26)},
         options={"other_lesions": ("^GTV",)}, reason="slices without contour: ROI GTV-2 of B1/rt.dcm"),
    Case("empty candidate", {"GTV-2": [], "GTV-3": BIG}, voxels=300, says="GTV-3, chosen by"),
    Case("empty tumour", {"GTV-1": [], "GTV-2": BIG}, reason="empty contour: ROI GTV-1 of B1/rt.dcm has no closed"),
    Case("odd blanks and letters", {"  \uff27\uff34\uff36\u00a0-1  ": BIG}, lambda d, _: setattr(
         d, "SpecificCharacterSet", "ISO_IR 192"), pick(RoiRule(exact="gtv -1")), voxels=300),
    Case("no contours at all", edit=no_contours, reason="empty contour: ROI GTV-1 of B1/rt.dcm"),
    Case("contours of a ROI that is not listed", {"GTV-1": BIG, "x": SMALL}, unlisted, voxels=300),
    Case("one number for two", {"GTV-1": BIG, "x": SMALL}, same_number, reason="unreadable file: B1/rt.dcm gives the "
         "ROIs GTV-1, x one number (1)"),
    Case("contours listed twice", {"GTV-1": BIG, "x": SMALL}, listed_twice, reason="unusable contour: ROI GTV-1 of "
         "B1/rt.dcm: ROIContourSequence lists it 2 times"),
    Case("ROI in a frame of reference that nothing else names", edit=other_frame, voxels=300),
    Case("ROI in a second frame of reference that is listed", edit=second_frame, reason="RTSTRUCT of another CT: "
         "B1/rt.dcm names another frame of reference"),
]  # fmt: skip

CASES = SHAPES + PLANES + POINTS + ROIS
