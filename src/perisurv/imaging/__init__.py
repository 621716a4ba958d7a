"""Volume to Volume: resampling, filters, anatomy, redrawn contours. SciPy loads when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perisurv.imaging.anatomy import (
        Body,
        Lungs,
        airway_mask,
        body_mask,
        bone_mask,
        find_body,
        find_lungs,
        lung_mask,
        padding_mask,
        vessel_mask,
    )
    from perisurv.imaging.filters import laplacian_of_gaussian
    from perisurv.imaging.perturb import add_noise, perturb_contour
    from perisurv.imaging.resample import resample_mask, resample_volume, round_hu

__all__ = [
    "Body",
    "Lungs",
    "add_noise",
    "airway_mask",
    "body_mask",
    "bone_mask",
    "find_body",
    "find_lungs",
    "laplacian_of_gaussian",
    "lung_mask",
    "padding_mask",
    "perturb_contour",
    "resample_mask",
    "resample_volume",
    "round_hu",
    "vessel_mask",
]

_MODULE = {
    "Body": "anatomy",
    "Lungs": "anatomy",
    "add_noise": "perturb",
    "airway_mask": "anatomy",
    "body_mask": "anatomy",
    "bone_mask": "anatomy",
    "find_body": "anatomy",
    "find_lungs": "anatomy",
    "laplacian_of_gaussian": "filters",
    "lung_mask": "anatomy",
    "padding_mask": "anatomy",
    "perturb_contour": "perturb",
    "resample_mask": "resample",
    "resample_volume": "resample",
    "round_hu": "resample",
    "vessel_mask": "anatomy",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module 'perisurv.imaging' has no attribute {name!r}")
    return getattr(import_module(f"perisurv.imaging.{_MODULE[name]}"), name)
