"""Image filters as defined by IBSI-2: each turns an image into named response images."""

from perisurv.imaging.filters.base import Dimensions, ImageFilter, Pooling
from perisurv.imaging.filters.boundary import Boundary
from perisurv.imaging.filters.gabor import Gabor
from perisurv.imaging.filters.gaussian import LaplacianOfGaussian, laplacian_of_gaussian
from perisurv.imaging.filters.nonseparable import NonseparableWavelets
from perisurv.imaging.filters.riesz import Riesz
from perisurv.imaging.filters.table import filter_from_table, filter_to_table
from perisurv.imaging.filters.texture_energy import Laws, Mean
from perisurv.imaging.filters.wavelets import Wavelets

__all__ = [
    "Boundary",
    "Dimensions",
    "Gabor",
    "ImageFilter",
    "LaplacianOfGaussian",
    "Laws",
    "Mean",
    "NonseparableWavelets",
    "Pooling",
    "Riesz",
    "Wavelets",
    "filter_from_table",
    "filter_to_table",
    "laplacian_of_gaussian",
]
