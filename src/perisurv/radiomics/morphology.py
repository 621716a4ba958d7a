"""Shape of a region and where its intensities lie in it (IBSI 3.1, family HCUG).

The oriented minimum bounding box and the minimum volume enclosing ellipsoid are left out: the IBSI has no reference
values for their densities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.radiomics.hull import convex_surface
from perisurv.radiomics.mesh import surface
from perisurv.radiomics.raster import Raster

__all__ = ["intensity_shape", "shape"]

Floats = NDArray[np.float64]
Spacing = tuple[float, float, float]


def shape(raster: Raster, spacing_mm: Spacing, *, classic_mesh: bool = False) -> dict[str, float]:
    """The features that need no intensities: name -> value.

    Parameters
    ----------
    raster
        The region, at least one voxel.
    spacing_mm
        Size of a voxel along (slice, row, column).
    classic_mesh
        Surface as pyradiomics triangulates it (:func:`perisurv.radiomics.mesh.surface`).

    Returns
    -------
    dict
        Densities of the ellipsoid are NaN for a flat region.
    """
    area, volume = surface(raster.mask(), spacing_mm, classic=classic_mesh)
    axes = _axes(raster, spacing_mm)
    hull = convex_surface(raster.runs, spacing_mm)
    sphere = (36 * np.pi * volume**2) ** (1 / 3)
    sides = hull.corners_mm.max(axis=0) - hull.corners_mm.min(axis=0)
    box_area = 2 * (sides[0] * sides[1] + sides[0] * sides[2] + sides[1] * sides[2])
    ellipsoid = np.pi / 6 * np.prod(axes)
    nan = float("nan")
    found = {
        "morph_volume": volume,
        "morph_vol_approx": raster.n_voxels * np.prod(spacing_mm),
        "morph_area_mesh": area,
        "morph_av": area / volume,
        "morph_comp_1": volume / (np.sqrt(np.pi) * area**1.5),
        "morph_comp_2": 36 * np.pi * volume**2 / area**3,
        "morph_sph_dispr": area / sphere,
        "morph_sphericity": sphere / area,
        "morph_asphericity": area / sphere - 1,
        "morph_diam": hull.diameter_mm,
        "morph_pca_maj_axis": axes[0],
        "morph_pca_min_axis": axes[1],
        "morph_pca_least_axis": axes[2],
        "morph_pca_elongation": axes[1] / axes[0] if axes[0] > 0 else nan,
        "morph_pca_flatness": axes[2] / axes[0] if axes[0] > 0 else nan,
        "morph_vol_dens_aabb": volume / sides.prod(),
        "morph_area_dens_aabb": area / box_area,
        "morph_vol_dens_aee": volume / ellipsoid if ellipsoid > 0 else nan,
        "morph_area_dens_aee": area / _ellipsoid_area(axes) if ellipsoid > 0 else nan,
        "morph_vol_dens_conv_hull": volume / hull.volume_mm3,
        "morph_area_dens_conv_hull": area / hull.area_mm2,
    }
    return {name: float(value) for name, value in found.items()}


def intensity_shape(
    raster: Raster, intensities: Raster, values: NDArray[np.float32], spacing_mm: Spacing, volume_mm3: float
) -> dict[str, float]:
    """Centre of mass shift and integrated intensity.

    Parameters
    ----------
    raster
        The region.
    intensities, values
        Its voxels whose intensities count, and these, HU.
    spacing_mm
        Size of a voxel along (slice, row, column).
    volume_mm3
        Volume of the surface.

    Returns
    -------
    dict
        NaN where no voxel counts; the shift also where the intensities add up to zero.
    """
    from perisurv.radiomics.kernels.mesh import second_moments, weighted_sums  # noqa: PLC0415 (numba, only here)

    if values.size == 0:
        return {"morph_com": float("nan"), "morph_integ_int": float("nan")}
    n, *sums = second_moments(raster.runs)[:4]
    total, *weighted = weighted_sums(values, intensities.runs)
    shift = float("nan")
    if total != 0:
        moved = (np.array(weighted) / total - np.array(sums) / n) * spacing_mm
        shift = float(np.linalg.norm(moved))
    return {"morph_com": shift, "morph_integ_int": float(total / values.size * volume_mm3)}


def _axes(raster: Raster, spacing: Spacing) -> Floats:
    """Full lengths of the major, minor and least principal axes, mm; exactly 0 across a flat region."""
    from perisurv.radiomics.kernels.mesh import second_moments  # noqa: PLC0415 (numba, only here)

    # Indices from the corner of the region keep the integer sums small.
    local = raster.runs.copy()
    local[:, 2:] -= raster.runs[:, 2:].min(axis=0)
    n, *sums = (int(s) for s in second_moments(local))
    first, second = sums[:3], sums[3:]
    covariance = np.zeros((3, 3))
    for (a, b), total in zip(((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)), second, strict=True):
        # Exact integers up to the one division.
        value = (n * total - first[a] * first[b]) / (n * max(n - 1, 1))
        covariance[a, b] = covariance[b, a] = value * spacing[a] * spacing[b]
    eigenvalues = np.linalg.eigvalsh(covariance)[::-1]
    rounding = 1e-12 * eigenvalues[0]
    return np.asarray(4 * np.sqrt(np.where(eigenvalues > rounding, eigenvalues, 0.0)))


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
