"""What a scanner makes of a body: pixels, slices, kernel, noise, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import irfft2, rfft2

from perisurv.core import Geometry
from perisurv.simulation.options import CentreOptions
from perisurv.simulation.tubes import axes_mm

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

__all__ = ["average_onto", "digitise", "scan"]

SLAB = 12


def average_onto(values: Array, fine: Geometry, coarse: Geometry) -> tuple[tuple[slice, slice, slice], Array]:
    """Mean of a fine field over the voxels of a coarse axial grid, zero outside; with the box that it fills."""
    box, weights = [], []
    for axis in range(3):
        matrix = _overlap(fine, coarse, axis)
        rows = np.flatnonzero(matrix.any(axis=1))
        first, last = (int(rows[0]), int(rows[-1]) + 1) if rows.size else (0, 0)
        box.append(slice(first, last))
        weights.append(matrix[first:last])
    wz, wy, wx = weights
    planes = np.matmul(wz, values.reshape(len(values), -1)).reshape(len(wz), *values.shape[1:])
    return (box[0], box[1], box[2]), np.matmul(np.matmul(wy, planes), wx.T)


def scan(rng: Generator, hu: Array, geometry: Geometry, centre: CentreOptions) -> NDArray[np.int16]:
    """Kernel, noise and calibration of one centre, slab by slab; the image is changed in place and digitised.

    Noise: ramp times Gaussian roll-off (filtered back-projection), stronger in the middle of the body and at
    the shoulders; neighbouring slices are independent.
    """
    rows, columns = geometry.shape[1:]
    pixel = geometry.spacing_mm[1]
    frequency = np.hypot(np.fft.fftfreq(rows, pixel)[:, None], np.fft.rfftfreq(columns, pixel)[None, :])
    transfer, power = _kernel(frequency, centre)
    z, y, x = axes_mm(geometry)
    middle = 0.5 + 0.5 * np.exp(-((x / 170.0) ** 2) - ((y / 120.0) ** 2))
    top = 1.0 + 0.3 / (1.0 + np.exp(-(z - z[-1] + 50.0) / 10.0))
    stored = np.empty(geometry.shape, dtype=np.int16)
    for first in range(0, len(hu), SLAB):
        part = slice(first, first + SLAB)
        spectrum = rfft2(hu[part])
        shape = (*spectrum.shape, 2)
        white = rng.standard_normal(shape, dtype=np.float32).view(np.complex64)[..., 0]
        noise = irfft2(white * power, s=(rows, columns))
        image = irfft2(spectrum * transfer, s=(rows, columns))
        image += noise * (middle * top[part])
        stored[part] = digitise(image + centre.offset_hu)
    return stored


def digitise(hu: Array) -> NDArray[np.int16]:
    """Whole HU in the 12-bit range of a scanner."""
    return np.clip(np.rint(hu), -1024, 3071).astype(np.int16)


def _kernel(frequency: NDArray[np.float64], centre: CentreOptions) -> tuple[Array, Array]:
    """Modulation transfer, and amplitude of the noise for unit white noise in half-complex form."""
    relative = frequency / centre.mtf50_per_mm
    lift = 1.0 + centre.edge_enhancement * np.sin(np.pi * np.clip(relative, 0.0, 1.0)) ** 2
    transfer = np.exp(-np.log(2.0) * relative**2) * lift
    # The ramp f exp(-f^2 / 2 p^2) has its maximum at p.
    amplitude = np.sqrt(frequency * np.exp(-0.5 * (frequency / centre.noise_peak_per_mm) ** 2))
    rows = frequency.shape[0]
    columns = 2 * (frequency.shape[1] - 1)
    both = np.full(frequency.shape[1], 2.0)
    both[[0, -1]] = 1.0
    # irfft2 divides by rows * columns; the real and imaginary part each carry unit variance.
    variance = float((2.0 * amplitude**2 * both).sum()) / (rows * columns) ** 2
    return transfer.astype(np.float32), (amplitude * centre.noise_hu / np.sqrt(variance)).astype(np.float32)


def _overlap(fine: Geometry, coarse: Geometry, axis: int) -> Array:
    """(coarse, fine) shares of the coarse voxels that the fine voxels fill along one axis."""
    edges = []
    for grid in (fine, coarse):
        step = grid.spacing_mm[axis]
        low = grid.origin_mm[2 - axis] + step * (np.arange(grid.shape[axis]) - 0.5)
        edges.append((low, low + step))
    (fine_low, fine_high), (low, high) = edges
    shared = np.minimum(high[:, None], fine_high) - np.maximum(low[:, None], fine_low)
    return np.asarray(np.clip(shared, 0.0, None) / coarse.spacing_mm[axis], dtype=np.float32)
