"""DICOM SEG: which CT it belongs to, its segments, and their frames to voxels of the CT."""

from perisurv.cohort.dicomseg.frames import read_segments
from perisurv.cohort.dicomseg.read import SEG_CLASSES, SegFrame, Segmentation, read_segmentation

__all__ = ["SEG_CLASSES", "SegFrame", "Segmentation", "read_segmentation", "read_segments"]
