"""Where body, lungs, airways, bones and vessels lie in a CT, found by HU, connectivity and shape."""

from perisurv.imaging.anatomy.airways import airway_mask
from perisurv.imaging.anatomy.body import Body, body_mask, find_body
from perisurv.imaging.anatomy.bones import bone_mask
from perisurv.imaging.anatomy.lungs import Lungs, find_lungs, lung_mask
from perisurv.imaging.anatomy.padding import padding_mask
from perisurv.imaging.anatomy.vessels import vessel_mask

__all__ = [
    "Body",
    "Lungs",
    "airway_mask",
    "body_mask",
    "bone_mask",
    "find_body",
    "find_lungs",
    "lung_mask",
    "padding_mask",
    "vessel_mask",
]
