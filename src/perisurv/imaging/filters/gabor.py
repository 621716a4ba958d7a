"""Gabor filter (IBSI-2, code Q88H): oriented waves under a Gaussian envelope, modulus of the response."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from perisurv.core import SettingsError, Volume
from perisurv.imaging.filters.base import (
    Pooling,
    Spacing,
    check_choice,
    check_number,
    number,
    pooled,
    whole,
)
from perisurv.imaging.filters.boundary import Boundary, Box, Singles, continued

__all__ = ["Gabor", "Planes"]

Planes = Literal["axial", "orthogonal"]
ENVELOPE = 5.0  # standard deviations at which the kernel ends
CHUNK = 16  # slices transformed together: they stay in the cache
PLANES = {"axial": (0,), "orthogonal": (0, 1, 2)}  # array axes across the planes


@dataclass(frozen=True, slots=True)
class Gabor:
    """Modulus of the response to a complex Gabor kernel in a plane (IBSI-2, code Q88H).

    The kernel is ``exp(-(u^2 + gamma^2 v^2) / (2 sigma^2) + 2 pi i u / wavelength)``, with u and v turned by theta
    against the axes of the plane; it is not normalised.

    Parameters
    ----------
    sigma_mm
        Standard deviation of the envelope along the wave, mm.
    wavelength_mm
        Wavelength, mm; two voxels or more, or else it cannot be told from a longer one.
    gamma
        Sigma along the wave by sigma along its crests.
    theta_degrees
        Angle of the wave in the plane, clockwise (from x towards y), degrees.
    theta_step_degrees
        Responses to this angle and all others at multiples of this step are pooled; it divides 180
        degrees. 0: one angle.
    planes
        ``axial``, or ``orthogonal``: responses in the three planes of the array axes are pooled.
    pooling
        ``max`` or ``average`` over angles and planes.
    boundary
        How the image goes on beyond its faces.

    Raises
    ------
    SettingsError
        If a setting lies outside its range.
    """

    sigma_mm: float
    wavelength_mm: float
    gamma: float = 1.0
    theta_degrees: float = 0.0
    theta_step_degrees: float = 0.0
    planes: Planes = "axial"
    pooling: Pooling = "average"
    boundary: Boundary = "mirror"

    def __post_init__(self) -> None:
        check_number("gabor", "sigma_mm", self.sigma_mm, 0, 100)
        check_number("gabor", "wavelength_mm", self.wavelength_mm, 0, 1000)
        check_number("gabor", "gamma", self.gamma, 0.05, 20)
        check_number("gabor", "theta_degrees", self.theta_degrees, -math.inf)
        step = self.theta_step_degrees
        if step != 0:
            check_number("gabor", "theta_step_degrees", step, 0)
            if abs(180 / step - round(180 / step)) > 1e-6 or step > 180:
                raise SettingsError(f"Filter gabor: theta_step_degrees must divide 180 degrees, got {step!r}.")
        check_choice("gabor", "planes", self.planes, get_args(Planes))
        check_choice("gabor", "pooling", self.pooling, get_args(Pooling))
        check_choice("gabor", "boundary", self.boundary, get_args(Boundary))

    @property
    def names(self) -> tuple[str, ...]:
        """``gabor_5mm_2mm_1.5_0deg``, ``gabor_5mm_2mm_1.5_0deg_step_22.5deg_orthogonal_average``."""
        kernel = f"gabor_{number(self.sigma_mm)}mm_{number(self.wavelength_mm)}mm_{number(self.gamma)}"
        turned = f"_{number(self.theta_degrees)}deg"
        if self.theta_step_degrees:
            turned += f"_step_{number(self.theta_step_degrees)}deg"
        planes = "_orthogonal" if self.planes == "orthogonal" else ""
        pools = self.theta_step_degrees or self.planes == "orthogonal"
        return (f"{kernel}{turned}{planes}{f'_{self.pooling}' if pools else ''}",)

    def margin_voxels(self, spacing_mm: Spacing) -> int | None:
        """Where the envelope has fallen to 4e-6, along the axis with the finest voxels."""
        if self.boundary == "periodic":
            return None
        steps = spacing_mm if self.planes == "orthogonal" else spacing_mm[1:]
        return max(self._reach(step) for step in steps)

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """The one response."""
        box = box or whole(volume.values.shape)
        spacing = volume.geometry.spacing_mm
        found = (one for across in PLANES[self.planes] for one in self._in_planes(volume.values, spacing, box, across))
        yield self.names[0], Volume(pooled(found, self.pooling), volume.geometry.crop(box))

    def _reach(self, step_mm: float) -> int:
        return math.ceil(ENVELOPE * self.sigma_mm * max(1.0, 1.0 / self.gamma) / step_mm)

    def _in_planes(self, values: Singles, spacing_mm: Spacing, box: Box, across: int) -> Iterator[Singles]:
        """Responses for every angle in the planes across an axis, inside the box."""
        from scipy import fft  # noqa: PLC0415 (only where a filter works in the Fourier domain)

        axes = [axis for axis in range(3) if axis != across]
        reach = {axis: self._reach(spacing_mm[axis]) for axis in axes}
        k, j, i = (slice(s.start - reach.get(a, 0), s.stop + reach.get(a, 0)) for a, s in enumerate(box))
        planes = np.ascontiguousarray(np.moveaxis(continued(values, (k, j, i), self.boundary), across, 0))
        lengths = [fft.next_fast_len(n) for n in planes.shape[1:]]
        spectra = [fft.fft2(planes[first : first + CHUNK], s=lengths) for first in range(0, len(planes), CHUNK)]
        rows, columns = (slice(reach[axis], reach[axis] + box[axis].stop - box[axis].start) for axis in axes)
        for theta in self._angles():
            transfer = self._transfer(theta, lengths, [spacing_mm[axis] for axis in axes], list(reach.values()))
            chunks = (np.abs(fft.ifft2(one * transfer)[:, rows, columns]) for one in spectra)
            yield np.ascontiguousarray(np.moveaxis(np.concatenate(list(chunks)), 0, across), dtype=np.float32)

    def _angles(self) -> list[float]:
        """Angles in radians; the modulus is the same at half a turn more."""
        count = round(180 / self.theta_step_degrees) if self.theta_step_degrees else 1
        return [math.radians(self.theta_degrees + n * self.theta_step_degrees) for n in range(count)]

    def _transfer(
        self, theta: float, lengths: list[int], spacing_mm: list[float], reach: list[int]
    ) -> NDArray[np.complex64]:
        """Spectrum of the kernel, its middle on the first voxel of a plane of these lengths."""
        from scipy import fft  # noqa: PLC0415 (only where a filter works in the Fourier domain)

        steps = [np.arange(-r, r + 1) for r in reach]
        y, x = np.meshgrid(*(n * mm for n, mm in zip(steps, spacing_mm, strict=True)), indexing="ij")
        u = x * math.cos(theta) + y * math.sin(theta)
        v = -x * math.sin(theta) + y * math.cos(theta)
        kernel = np.exp(-0.5 * (u**2 + (self.gamma * v) ** 2) / self.sigma_mm**2 + 2j * np.pi * u / self.wavelength_mm)
        plane = np.zeros(lengths, dtype=np.complex128)
        np.add.at(plane, np.ix_(*(n % length for n, length in zip(steps, lengths, strict=True))), kernel)
        return np.asarray(fft.fft2(plane), dtype=np.complex64)
