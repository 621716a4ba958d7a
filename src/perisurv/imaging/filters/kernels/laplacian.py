"""Laplacian of Gaussian by sums over pairs of voxels: one addition serves the Gaussian and its second derivative.

Taps come as halves of even kernels, the middle first. Two pairs a pass, so that partial sums are loaded and stored half
as often; inner loops run along the last axis and become vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["in_space", "in_slices"]

Singles = NDArray[np.float32]
FAST = {"contract", "nsz", "reassoc"}


@njit(cache=True, nogil=True, fastmath=FAST)
def in_space(source: Singles, gauss: list[Singles], second: list[Singles], out: Singles) -> None:
    """Sum of the second derivatives along all axes.

    Parameters
    ----------
    source
        The image (k, j, i), larger than the result by the reach of the taps on all six sides.
    gauss, second
        Taps along each axis.
    out
        The result.
    """
    slices, rows, columns = len(source), out.shape[1], out.shape[2]
    planes = np.empty((rows, 2, slices, columns), np.float32)
    lines = np.empty((2, source.shape[2]), np.float32)
    for k in range(slices):
        for j in range(rows):
            _both(source[k], j, gauss[1], second[1], lines[0], lines[1])
            _along(lines[0], lines[1], gauss[2], second[2], planes[j, 0, k], planes[j, 1, k])
    for j in range(rows):
        for k in range(len(out)):
            _added(planes[j, 0], planes[j, 1], k, gauss[0], second[0], out[k, j])


@njit(cache=True, nogil=True, fastmath=FAST)
def in_slices(source: Singles, gauss: list[Singles], second: list[Singles], out: Singles) -> None:
    """Sum of the second derivatives along rows and columns; as :func:`in_space`, with taps of two axes."""
    lines = np.empty((2, source.shape[2]), np.float32)
    for k in range(len(out)):
        for j in range(out.shape[1]):
            _both(source[k], j, gauss[0], second[0], lines[0], lines[1])
            _curved(lines[0], lines[1], gauss[1], second[1], out[k, j])


@njit(cache=True, nogil=True, fastmath=FAST)
def _both(plane: Singles, row: int, gauss: Singles, second: Singles, smooth: Singles, curved: Singles) -> None:
    """Both kernels across the rows of a plane, for the row with the reach of the taps before it."""
    reach = len(gauss) - 1
    middle, n = row + reach, len(smooth)
    for i in range(n):
        smooth[i] = gauss[0] * plane[middle, i]
        curved[i] = second[0] * plane[middle, i]
    for t in range(1, reach, 2):
        g, h, d, e = gauss[t], gauss[t + 1], second[t], second[t + 1]
        a, b, p, q = middle - t, middle + t, middle - t - 1, middle + t + 1
        for i in range(n):
            near = plane[a, i] + plane[b, i]
            far = plane[p, i] + plane[q, i]
            smooth[i] = smooth[i] + g * near + h * far
            curved[i] = curved[i] + d * near + e * far
    if reach % 2:
        for i in range(n):
            pair = plane[middle - reach, i] + plane[middle + reach, i]
            smooth[i] += gauss[reach] * pair
            curved[i] += second[reach] * pair


@njit(cache=True, nogil=True, fastmath=FAST)
def _along(s: Singles, c: Singles, gauss: Singles, second: Singles, smooth: Singles, curved: Singles) -> None:
    """The Gaussian along a smoothed line; its second derivative and the Gaussian along a curved line, added."""
    reach = len(gauss) - 1
    n = len(smooth)
    u, v = s[reach : reach + n], c[reach : reach + n]
    for i in range(n):
        smooth[i] = gauss[0] * u[i]
        curved[i] = second[0] * u[i] + gauss[0] * v[i]
    for t in range(1, reach, 2):
        g, d, h, e = gauss[t], second[t], gauss[t + 1], second[t + 1]
        a, b = s[reach - t : reach - t + n], s[reach + t : reach + t + n]
        p, q = c[reach - t : reach - t + n], c[reach + t : reach + t + n]
        a2, b2 = s[reach - t - 1 : reach - t - 1 + n], s[reach + t + 1 : reach + t + 1 + n]
        p2, q2 = c[reach - t - 1 : reach - t - 1 + n], c[reach + t + 1 : reach + t + 1 + n]
        for i in range(n):
            pair = a[i] + b[i]
            pair2 = a2[i] + b2[i]
            smooth[i] = smooth[i] + g * pair + h * pair2
            curved[i] = curved[i] + d * pair + g * (p[i] + q[i]) + e * pair2 + h * (p2[i] + q2[i])
    if reach % 2:
        t = reach
        g, d = gauss[t], second[t]
        a, b = s[reach - t : reach - t + n], s[reach + t : reach + t + n]
        p, q = c[reach - t : reach - t + n], c[reach + t : reach + t + n]
        for i in range(n):
            pair = a[i] + b[i]
            smooth[i] = smooth[i] + g * pair
            curved[i] = curved[i] + d * pair + g * (p[i] + q[i])


@njit(cache=True, nogil=True, fastmath=FAST)
def _curved(smooth: Singles, curved: Singles, gauss: Singles, second: Singles, out: Singles) -> None:
    """Second derivative along a smoothed line and Gaussian along a curved one."""
    reach = len(gauss) - 1
    n = len(out)
    a, p = smooth[reach : reach + n], curved[reach : reach + n]
    for i in range(n):
        out[i] = second[0] * a[i] + gauss[0] * p[i]
    for t in range(1, reach + 1):
        g, d = gauss[t], second[t]
        a, b = smooth[reach - t : reach - t + n], smooth[reach + t : reach + t + n]
        p, q = curved[reach - t : reach - t + n], curved[reach + t : reach + t + n]
        for i in range(n):
            out[i] = out[i] + d * (a[i] + b[i]) + g * (p[i] + q[i])


@njit(cache=True, nogil=True, fastmath=FAST)
def _added(smooth: Singles, curved: Singles, row: int, gauss: Singles, second: Singles, out: Singles) -> None:
    """Second derivative across smoothed rows and Gaussian across curved ones."""
    reach = len(gauss) - 1
    middle, n = row + reach, len(out)
    for i in range(n):
        out[i] = second[0] * smooth[middle, i] + gauss[0] * curved[middle, i]
    for t in range(1, reach + 1):
        g, d = gauss[t], second[t]
        a, b = middle - t, middle + t
        for i in range(n):
            out[i] = out[i] + d * (smooth[a, i] + smooth[b, i]) + g * (curved[a, i] + curved[b, i])
