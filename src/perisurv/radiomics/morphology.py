"""Shape of a region and the spatial arrangement of its intensities (IBSI 3.1, family HCUG)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len, rfftn
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

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
        NaN where the catalogue says so: ellipsoid of a flat region, intensities of an empty intensity mask.
    """
    vertices, faces = _mesh(mask)
    volume, area = _mesh_volume(vertices, faces), _mesh_area(vertices, faces)
    spacing = np.asarray(mask.geometry.spacing_mm)
    points = np.argwhere(mask.values) * spacing
    axes = _axes(points)
    hull = ConvexHull(vertices)
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
        _diameter(vertices[hull.vertices]),
        *(float(a) for a in axes),
        float(axes[1] / axes[0]) if axes[0] > 0 else float("nan"),
        float(axes[2] / axes[0]) if axes[0] > 0 else float("nan"),
        float(volume / box.prod()),
        float(area / box_area),
        float(volume / ellipsoid) if ellipsoid > 0 else float("nan"),
        area / _ellipsoid_area(axes) if ellipsoid > 0 else float("nan"),
        volume / float(hull.volume),
        area / float(hull.area),
        *_intensity_features(image, intensity_mask, volume),
    )


def _mesh(mask: Mask) -> tuple[Floats, NDArray[np.int64]]:
    from skimage.measure import marching_cubes  # noqa: PLC0415 (heavy, only here)

    padded = np.pad(mask.values, 1).astype(np.float32)
    vertices, faces, _, _ = marching_cubes(padded, 0.5, method="lorensen")
    return vertices.astype(float) * mask.geometry.spacing_mm, faces.astype(np.int64)


def _mesh_volume(vertices: Floats, faces: NDArray[np.int64]) -> float:
    a, b, c = (vertices[faces[:, n]] - vertices.mean(axis=0) for n in range(3))
    return abs(float((a * np.cross(b, c)).sum())) / 6


def _mesh_area(vertices: Floats, faces: NDArray[np.int64]) -> float:
    a, b, c = (vertices[faces[:, n]] for n in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2


def _axes(points: Floats) -> Floats:
    """Full lengths of the major, minor and least principal axes, mm; exactly 0 across a flat region."""
    centred = points - points.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(centred.T @ centred / max(len(points) - 1, 1))[::-1]
    rounding = 1e-12 * eigenvalues[0]
    return np.asarray(4 * np.sqrt(np.where(eigenvalues > rounding, eigenvalues, 0.0)))


def _diameter(corners: Floats) -> float:
    """Largest distance between two corners of the convex hull, which is that between two points of the surface."""
    blocks = (corners[n : n + 512] for n in range(0, len(corners), 512))
    return max(float(cdist(block, corners).max()) for block in blocks)


def _ellipsoid_area(axes: Floats) -> float:
    """Surface of the ellipsoid with these full axes as IBSI RDD2 writes it, to degree 20.

    The IBSI takes alpha^2 = 1 - b^2/a^2 and beta^2 = 1 - c^2/a^2. The exact surface has beta^2 = 1 - c^2/b^2 and
    alpha^2 = 1 - c^2/a^2 instead; the reference values need the formula as written.
    """
    a, b, c = axes / 2
    alpha2, beta2 = 1 - (b / a) ** 2, 1 - (c / a) ** 2
    # (alpha beta)^n P_n((alpha^2 + beta^2) / (2 alpha beta)) by Legendre's recurrence, finite where alpha is 0.
    terms = [1.0, (alpha2 + beta2) / 2]
    for n in range(1, 20):
        terms.append(((2 * n + 1) * terms[1] * terms[n] - n * alpha2 * beta2 * terms[n - 1]) / (n + 1))
    degrees = np.arange(21)
    return float(4 * np.pi * a * b * (np.array(terms) / (1 - 4.0 * degrees**2)).sum())


def _centre_shift(image: Volume, points: Floats, intensity_mask: Mask) -> float:
    values = image.values[intensity_mask.values].astype(float)
    if values.sum() == 0:
        return float("nan")
    grey = np.argwhere(intensity_mask.values) * np.asarray(intensity_mask.geometry.spacing_mm)
    return float(np.linalg.norm(points.mean(axis=0) - (grey * values[:, None]).sum(axis=0) / values.sum()))


def _intensity_features(image: Volume, mask: Mask, volume: float) -> tuple[float, float, float]:
    """Integrated intensity; Moran's I and Geary's C with weights 1 / distance over all pairs of voxels.

    The sums over pairs of voxels are correlations of the box with itself under the weights: four Fourier transforms
    (Parseval) instead of n^2 distances.
    """
    inside = mask.values
    values = image.values[inside].astype(float)
    n = values.size
    if n == 0:
        return (float("nan"),) * 3
    mean = float(values.mean())
    if values.min() == values.max():
        return mean * volume, float("nan"), float("nan")
    x = np.zeros(inside.shape)
    x[inside] = values - mean
    spread = float((x**2).sum())
    shape = [next_fast_len(2 * size - 1, real=True) for size in inside.shape]
    weight = rfftn(_inverse_distance(shape, inside.shape, mask.geometry.spacing_mm), shape).real
    weight /= np.prod(shape)
    # A real transform keeps one of each pair of conjugate frequencies along the last axis.
    weight[..., 1 : (shape[2] + 1) // 2] *= 2
    members = rfftn(inside.astype(float), shape)
    total = _pair_sum(members, members, weight)
    squares = _pair_sum(rfftn(x**2, shape), members, weight)
    deviations = rfftn(x, shape)
    products = _pair_sum(deviations, deviations, weight)
    moran = n / total * products / spread
    geary = (n - 1) / total * (squares - products) / spread
    return mean * volume, moran, geary


def _pair_sum(a: NDArray[np.complex128], b: NDArray[np.complex128], weight: Floats) -> float:
    """Sum of weight * a * b over all ordered pairs, from the transforms; the transform of the weight is real."""
    return float(((a.real * b.real + a.imag * b.imag) * weight).sum())


def _inverse_distance(shape: list[int], size: tuple[int, ...], spacing: tuple[float, float, float]) -> Floats:
    """1 / distance in mm of every displacement of the circular correlation; 0 for none."""
    squared = np.zeros(shape)
    for axis, (n, extent, step) in enumerate(zip(shape, size, spacing, strict=True)):
        number = np.arange(n)
        offset = np.where(number < extent, number, number - n) * step
        squared += (offset**2).reshape([-1 if a == axis else 1 for a in range(3)])
    squared[0, 0, 0] = np.inf
    return np.asarray(1 / np.sqrt(squared))
