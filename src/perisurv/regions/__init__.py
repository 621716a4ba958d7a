"""Scan to RegionSet: signed distance, rings, barriers, audit."""

from perisurv.regions.audit import audit_ring
from perisurv.regions.distance import signed_distance_mm
from perisurv.regions.options import RingOptions
from perisurv.regions.rings import rings
from perisurv.regions.store import load_regions, save_regions

__all__ = ["RingOptions", "audit_ring", "load_regions", "rings", "save_regions", "signed_distance_mm"]
