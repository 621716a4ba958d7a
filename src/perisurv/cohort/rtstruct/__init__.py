"""RTSTRUCT: which CT it belongs to, which ROI is meant, and contours to voxels in two independent ways."""

from perisurv.cohort.rtstruct.contours import Contour
from perisurv.cohort.rtstruct.drawing import Drawing, draw, union
from perisurv.cohort.rtstruct.gaps import between_planes
from perisurv.cohort.rtstruct.planes import Stack, outside_ct, stack_of
from perisurv.cohort.rtstruct.raster import rasterise
from perisurv.cohort.rtstruct.read import RTSTRUCT_CLASS, Roi, StructureSet, read_structure_set
from perisurv.cohort.rtstruct.rois import RoiChoice, RoiEntry, RoiRules, choose_rois, matching, nearest_name, taken

__all__ = [
    "RTSTRUCT_CLASS",
    "Contour",
    "Drawing",
    "Roi",
    "RoiChoice",
    "RoiEntry",
    "RoiRules",
    "Stack",
    "StructureSet",
    "between_planes",
    "choose_rois",
    "draw",
    "matching",
    "nearest_name",
    "outside_ct",
    "rasterise",
    "read_structure_set",
    "stack_of",
    "taken",
    "union",
]
