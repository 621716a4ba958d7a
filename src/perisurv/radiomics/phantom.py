"""Phantoms of the IBSI: the digital one with its image, the CT phantom's configurations, and all reference values."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from importlib.resources import files
from math import inf
from typing import Literal, get_args

import numpy as np

from perisurv.core import FeatureError, Geometry, Mask, Region, RegionSet, Volume
from perisurv.imaging import resample_mask, resample_volume, round_hu
from perisurv.radiomics.extract import extract
from perisurv.radiomics.options import ExtractOptions, Family
from perisurv.radiomics.texture import AGGREGATIONS, TEXTURES, Aggregation

__all__ = ["CONFIGURATIONS", "Configuration", "SelfTestRow", "digital_phantom", "reference_values", "self_test"]

# Slices, each of four rows of five grey levels.
_LEVELS = (
    "14411 14611 41641 44641",
    "14411 11611 11311 44611",
    "14411 11111 11911 11611",
    "14411 11111 11111 11611",
)
_INSIDE = (
    "11111 11111 11111 11111",
    "11111 11111 01111 11111",
    "11100 11111 11011 11111",
    "11100 11111 11111 11111",
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """How the IBSI pre-processes a phantom.

    Parameters
    ----------
    options
        Re-segmentation and bins.
    spacing_mm
        Grid that image and mask are interpolated to, (slice, row, column); 0 keeps the native spacing of an axis.
    order
        Interpolation of the image: 1 linear, 3 cubic B-spline. The result is rounded to whole HU.
    planar
        Whether textures are computed in two dimensions.
    """

    options: ExtractOptions
    spacing_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    order: Literal[1, 3] = 1
    planar: bool = False


_PLAIN = ExtractOptions(filters=())
_ISOTROPIC = (2.0, 2.0, 2.0)
DIGITAL = "digital_phantom"
CONFIGURATIONS = {
    # Bins of width 1 from 1 on leave the grey levels of the digital phantom as they are.
    DIGITAL: Configuration(replace(_PLAIN, resegment_hu=(1.0, 6.0), bin_width_hu=1.0)),
    "A": Configuration(replace(_PLAIN, resegment_hu=(-500.0, 400.0)), planar=True),
    "B": Configuration(replace(_PLAIN, resegment_hu=(-500.0, 400.0), ct_bins=32), (0.0, 2.0, 2.0), planar=True),
    "C": Configuration(replace(_PLAIN, ivh_bin_width_hu=2.5), _ISOTROPIC),
    "D": Configuration(replace(_PLAIN, resegment_hu=(-inf, inf), outlier_sigma=3.0, ct_bins=32), _ISOTROPIC),
    "E": Configuration(replace(_PLAIN, outlier_sigma=3.0, ct_bins=32, ivh_bins=1000), _ISOTROPIC, order=3),
}
_ENDINGS: dict[Aggregation, str] = {
    "2d_averaged": "_2D_avg",
    "2d_slice_merged": "_2D_comb",
    "2.5d_direction_merged": "_2_5D_avg",
    "2.5d_merged": "_2_5D_comb",
    "3d_averaged": "_3D_avg",
    "3d_merged": "_3D_comb",
}


@dataclass(frozen=True, slots=True)
class SelfTestRow:
    """One reference value and what this installation computes."""

    configuration: str
    family: str
    tag: str
    expected: float
    got: float
    tolerance: float
    ok: bool


def digital_phantom() -> tuple[Volume, Mask]:
    """Image and mask, 4 x 4 x 5 voxels of 2 mm."""
    geometry = Geometry((4, 4, 5), (2.0, 2.0, 2.0))
    return Volume(_array(_LEVELS).astype(np.float32), geometry), Mask(_array(_INSIDE) == 1, geometry)


def self_test(configuration: str = DIGITAL, image: Volume | None = None, mask: Mask | None = None) -> list[SelfTestRow]:
    """Every reference value of a configuration of the IBSI.

    Parameters
    ----------
    configuration
        Key of :data:`CONFIGURATIONS`.
    image, mask
        The CT phantom of the IBSI on its native grid, for configurations A to E.

    Raises
    ------
    FeatureError
        If a configuration of the CT phantom is asked for without its image and mask.
    """
    if image is None or mask is None:
        if configuration != DIGITAL:
            raise FeatureError(f"Configuration {configuration} needs image and mask of the IBSI CT phantom.")
        image, mask = digital_phantom()
    got = _features(CONFIGURATIONS[configuration], image, mask)
    return [
        SelfTestRow(configuration, family, tag, expected, got[tag], tolerance, _agrees(got[tag], expected, tolerance))
        for family, tag, expected, tolerance in reference_values(configuration)
    ]


def reference_values(configuration: str) -> list[tuple[str, str, float, float]]:
    """(family, tag, value, tolerance) of a configuration; a tolerance of 0 means: to the three published digits."""
    text = (files("perisurv.radiomics") / "ibsi_reference.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return [
        (row["family"], row["tag"], float(row["value"]), float(row["tolerance"]))
        for row in rows
        if row["configuration"] == configuration
    ]


def _features(configuration: Configuration, image: Volume, mask: Mask) -> dict[str, float]:
    """Tag of the reference tables -> value, for every aggregation of the configuration."""
    if any(configuration.spacing_mm):
        native = image.geometry.spacing_mm
        k, j, i = (new or old for new, old in zip(configuration.spacing_mm, native, strict=True))
        grid = image.geometry.resampled((k, j, i))
        image, mask = round_hu(resample_volume(image, grid, order=configuration.order)), resample_mask(mask, grid)
    regions = RegionSet("phantom", image, (Region("tumour", mask),))
    both = image.geometry.shape[0] < 10  # of the digital phantom the IBSI publishes two and three dimensions
    found: dict[str, float] = {}
    for aggregation, ending in _ENDINGS.items():
        if not both and AGGREGATIONS[aggregation].planar != configuration.planar:
            continue
        families = get_args(Family) if not found else TEXTURES
        table = extract(regions, replace(configuration.options, aggregation=aggregation, families=families))
        for column, value in table.frame.iloc[0].items():
            name = str(column).split("__")[-1]
            found[name + _ending(name.split("_")[0], ending)] = float(value)
    return found


def _ending(family: str, ending: str) -> str:
    """How the reference tables name the aggregation: in full for families with directions, else 2D or 3D."""
    if family in {"cm", "rlm"}:
        return ending
    return ending.rsplit("_", 1)[0] if family in TEXTURES else ""


def _agrees(got: float, expected: float, tolerance: float) -> bool:
    return abs(got - expected) <= tolerance or float(f"{got:.3g}") == expected


def _array(slices: tuple[str, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array([[[int(c) for c in row] for row in plane.split()] for plane in slices])
