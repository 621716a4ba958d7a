"""Shape of a region and the spatial arrangement of its intensities (IBSI 3.1, family HCUG)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfftn, next_fast_len, rfftn
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from perisurv.core import Mask, Volume

__all__ = ["morphology"]

Floats = NDArray[np.float64]


def morphology(image: Volume, mask: Mask, intensity_mask: Mask) -> tuple[float, ...]:
    """The features in the order of the catalogue.

    Parameters
    ----------
    image
        CT in HU, cropped to the region.
    mask
        The region; its surface is a triangle mesh at half occupancy.
    intensity_mask
        The region without re-segmented voxels, for everything that uses intensities.

    Returns
    -------
    tuple
        NaN where a feature has no value: axes of a flat region, hull of a flat region, intensities of an empty mask.
    """
    vertices, faces = _mesh(mask)
    volume, area = _mesh_volume(vertices, faces), _mesh_area(vertices, faces)
    spacing = np.asarray(mask.geometry.spacing_mm)
    points = np.argwhere(mask.values) * spacing
    axes = _axes(points)
    hull = _hull(vertices)
    sphere = (36 * np.pi * volume**2) ** (1 / 3)
    box = np.ptp(vertices, axis=0)
    box_area = 2 * (box[0] * box[1] + box[0] * box[2] + box[1] * box[2])
    ellipsoid = np.pi / 6 * np.prod(axes)
    return (
        volume,
        mask.voxel_count * mask.geometry.voxel_volume_mm3,
        area,
        area / volume,
        volume / (np.sqrt(np.pi) * area**1.5),
        36 * np.pi * volume**2 / area**3,
        area / sphere,
        sphere / area,
        area / sphere - 1,
        _centre_shift(image, points, intensity_mask),
        _diameter(vertices, hull),
        *(float(a) for a in axes),
        float(axes[1] / axes[0]) if axes[0] > 0 else float("nan"),
        float(axes[2] / axes[0]) if axes[0] > 0 else float("nan"),
        float(volume / box.prod()),
        float(area / box_area),
        float(volume / ellipsoid) if ellipsoid > 0 else float("nan"),
        area / _ellipsoid_area(axes) if ellipsoid > 0 else float("nan"),
        volume / float(hull.volume) if hull is not None else float("nan"),
        area / float(hull.area) if hull is not None else float("nan"),
        *_intensity_features(image, intensity_mask, volume),
    )


def _mesh(mask: Mask) -> tuple[Floats, NDArray[np.int64]]:
    from skimage.measure import marching_cubes  # noqa: PLC0415 (heavy, only here)

    padded = np.pad(mask.values, 1).astype(np.float32)
    vertices, faces, _, _ = marching_cubes(padded, 0.5, spacing=mask.geometry.spacing_mm, method="lorensen")
    return vertices.astype(float), faces.astype(np.int64)


def _mesh_volume(vertices: Floats, faces: NDArray[np.int64]) -> float:
    a, b, c = (vertices[faces[:, n]] - vertices.mean(axis=0) for n in range(3))
    return abs(float((a * np.cross(b, c)).sum())) / 6


def _mesh_area(vertices: Floats, faces: NDArray[np.int64]) -> float:
    a, b, c = (vertices[faces[:, n]] for n in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2


def _axes(points: Floats) -> Floats:
    """Full lengths of the major, minor and least principal axes, mm."""
    centred = points - points.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(centred.T @ centred / max(len(points) - 1, 1))[::-1]
    return np.asarray(4 * np.sqrt(np.maximum(eigenvalues, 0.0)))


def _hull(vertices: Floats) -> Any:
    try:
        return ConvexHull(vertices)
    except QhullError:
        return None


def _diameter(vertices: Floats, hull: Any) -> float:
    """Largest distance between two points of the surface: between two corners of its convex hull."""
    corners = vertices if hull is None else vertices[hull.vertices]
    return float(pdist(corners).max())


def _ellipsoid_area(axes: Floats) -> float:
    """Surface of an ellipsoid with these full axes by Legendre polynomials to degree 20 (IBSI RDD2)."""
    a, b, c = axes / 2
    alpha, beta = np.sqrt(1 - (b / a) ** 2), np.sqrt(1 - (c / a) ** 2)
    if alpha * beta == 0:
        x, series_base = 1.0, 0.0
    else:
        x, series_base = (alpha**2 + beta**2) / (2 * alpha * beta), alpha * beta
    degrees = np.arange(21)
    legendre = np.array([np.polynomial.legendre.Legendre.basis(n)(x) for n in degrees])
    return float(4 * np.pi * a * b * (series_base**degrees / (1 - 4.0 * degrees**2) * legendre).sum())


def _centre_shift(image: Volume, points: Floats, intensity_mask: Mask) -> float:
    values = image.values[intensity_mask.values].astype(float)
    if values.sum() == 0:
        return float("nan")
    grey = np.argwhere(intensity_mask.values) * np.asarray(intensity_mask.geometry.spacing_mm)
    return float(np.linalg.norm(points.mean(axis=0) - (grey * values[:, None]).sum(axis=0) / values.sum()))


def _intensity_features(image: Volume, mask: Mask, volume: float) -> tuple[float, float, float]:
    """Integrated intensity; Moran's I and Geary's C with weights 1 / distance over all pairs of voxels.

    The sums over pairs are correlations of the box with itself, so that their cost is that of a Fourier transform.
    """
    inside = mask.values
    n = int(inside.sum())
    if n < 2:
        return (float("nan"),) * 3
    values = np.where(inside, image.values, 0.0).astype(float)
    mean = values.sum() / n
    x = np.where(inside, values - mean, 0.0)
    spread = float((x**2).sum())
    if spread == 0:
        return mean * volume, float("nan"), float("nan")
    shape = [next_fast_len(2 * size - 1, real=True) for size in inside.shape]
    weight = _inverse_distance(shape, inside.shape, mask.geometry.spacing_mm)
    m, fx = rfftn(inside.astype(float), shape), rfftn(x, shape)
    total = _pair_sum(m, m, weight, shape)
    products = _pair_sum(fx, fx, weight, shape)
    squares = _pair_sum(rfftn(x**2, shape), m, weight, shape)
    moran = n / total * products / spread
    geary = (n - 1) / (2 * total) * (2 * squares - 2 * products) / spread
    return mean * volume, moran, geary


def _pair_sum(a: Any, b: Any, weight: Floats, shape: list[int]) -> float:
    return float((irfftn(a * np.conj(b), shape) * weight).sum())


def _inverse_distance(shape: list[int], size: tuple[int, ...], spacing: tuple[float, float, float]) -> Floats:
    """1 / distance in mm of every displacement of the circular correlation; 0 for none."""
    squared = np.zeros(shape)
    for axis, (n, extent, step) in enumerate(zip(shape, size, spacing, strict=True)):
        number = np.arange(n)
        offset = np.where(number < extent, number, number - n) * step
        squared += (offset**2).reshape([-1 if a == axis else 1 for a in range(3)])
    squared[0, 0, 0] = np.inf
    return np.asarray(1 / np.sqrt(squared))
