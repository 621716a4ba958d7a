"""Scan to RegionSet: signed distance, rings, barriers, audit."""

from perisurv.regions.audit import TISSUE_HU
from perisurv.regions.distance import signed_distance_mm
from perisurv.regions.options import Barrier, RingKind, RingOptions
from perisurv.regions.rings import rings
from perisurv.regions.store import load_regions, save_regions

__all__ = [
    "TISSUE_HU",
    "Barrier",
    "RingKind",
    "RingOptions",
    "load_regions",
    "rings",
    "save_regions",
    "signed_distance_mm",
]
