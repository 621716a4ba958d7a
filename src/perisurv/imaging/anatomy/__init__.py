"""Where body and lungs lie in a CT, found by HU, connectivity and shape on a grid of a few mm."""

from perisurv.imaging.anatomy.body import body_mask
from perisurv.imaging.anatomy.lungs import Lungs, find_lungs, lung_mask

__all__ = ["Lungs", "body_mask", "find_lungs", "lung_mask"]
