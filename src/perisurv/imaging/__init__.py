"""Volume to Volume: resampling, filters, body and lungs, redrawn contours."""

from perisurv.imaging.anatomy import body_mask, lung_mask
from perisurv.imaging.filters import laplacian_of_gaussian
from perisurv.imaging.perturb import add_noise, perturb_contour
from perisurv.imaging.resample import resample_mask, resample_volume, round_hu

__all__ = [
    "add_noise",
    "body_mask",
    "laplacian_of_gaussian",
    "lung_mask",
    "perturb_contour",
    "resample_mask",
    "resample_volume",
    "round_hu",
]
