"""Laplacian of Gaussian by sums over pairs of voxels: one addition serves the Gaussian and its second derivative.

Taps come as halves of even kernels, the middle first. Inner loops run along the last axis and become vector
instructions, which are a third faster on lines that start at multiples of 64 bytes: hence the arrays to work in.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from perisurv.compiled import kernel

__all__ = ["aligned", "in_slices", "in_space"]

Singles = NDArray[np.float32]
Taps = tuple[Singles, Singles]
FAST = {"contract", "nsz", "reassoc"}


def aligned(shape: tuple[int, ...]) -> Singles:
    """Zeros, the last axis rounded up to whole cache lines of 16 values, every line at their beginning."""
    width = -(-shape[-1] // 16) * 16
    size = math.prod(shape[:-1]) * width
    memory = np.zeros(size + 16, dtype=np.float32)
    first = -(memory.ctypes.data // 4) % 16
    return memory[first : first + size].reshape(*shape[:-1], width)


@kernel(nogil=True, fastmath=FAST)
def in_space(source: Singles, taps: tuple[Taps, ...], planes: Singles, lines: Singles, out: Singles) -> None:
    """Sum of the second derivatives along all axes.

    Parameters
    ----------
    source
        The image (k, j, i), larger than the result by the reach of the taps on all six sides; aligned.
    taps
        Gaussian and second derivative along each axis.
    planes
        To work in, aligned: some rows of the result, 2, as many slices as the source has, columns of the result.
    lines
        To work in, aligned: 3, columns of the source and 16 more.
    out
        The result.
    """
    wide, narrow, columns = source.shape[2], planes.shape[3], out.shape[2]
    line = lines[2, :narrow]
    for first in range(0, out.shape[1], len(planes)):
        rows = min(len(planes), out.shape[1] - first)
        for k in range(len(source)):
            for j in range(rows):
                _both(source[k], first + j, taps[1], lines[0, :wide], lines[1, :wide])
                _smooth(lines[0], taps[2], planes[j, 0, k])
                _curved(lines[0], lines[1], taps[2], planes[j, 1, k])
        for j in range(rows):
            for k in range(len(out)):
                _added(planes[j, 0], planes[j, 1], k, taps[0], line)
                out[k, first + j] = line[:columns]


@kernel(nogil=True, fastmath=FAST)
def in_slices(source: Singles, taps: tuple[Taps, ...], lines: Singles, out: Singles) -> None:
    """Sum of the second derivatives along rows and columns; as :func:`in_space`."""
    wide, columns = source.shape[2], out.shape[2]
    for k in range(len(out)):
        for j in range(out.shape[1]):
            _both(source[k], j, taps[0], lines[0, :wide], lines[1, :wide])
            _curved(lines[0], lines[1], taps[1], lines[2, :columns])
            out[k, j] = lines[2, :columns]


@kernel(nogil=True, fastmath=FAST)
def _both(plane: Singles, row: int, taps: Taps, smooth: Singles, curved: Singles) -> None:
    """Both kernels across the rows of a plane, for the row with the reach of the taps before it; two pairs a pass."""
    gauss, second = taps
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


@kernel(nogil=True, fastmath=FAST)
def _smooth(line: Singles, taps: Taps, out: Singles) -> None:
    """The Gaussian along a line; two pairs a pass."""
    gauss = taps[0]
    reach = len(gauss) - 1
    n = len(out)
    middle = line[reach : reach + n]
    for i in range(n):
        out[i] = gauss[0] * middle[i]
    for t in range(1, reach, 2):
        g, h = gauss[t], gauss[t + 1]
        a, b = line[reach - t : reach - t + n], line[reach + t : reach + t + n]
        p, q = line[reach - t - 1 : reach - t - 1 + n], line[reach + t + 1 : reach + t + 1 + n]
        for i in range(n):
            out[i] = out[i] + g * (a[i] + b[i]) + h * (p[i] + q[i])
    if reach % 2:
        a, b = line[:n], line[2 * reach : 2 * reach + n]
        for i in range(n):
            out[i] += gauss[reach] * (a[i] + b[i])


@kernel(nogil=True, fastmath=FAST)
def _curved(smooth: Singles, curved: Singles, taps: Taps, out: Singles) -> None:
    """Second derivative along a smoothed line and Gaussian along a curved one."""
    gauss, second = taps
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


@kernel(nogil=True, fastmath=FAST)
def _added(smooth: Singles, curved: Singles, row: int, taps: Taps, out: Singles) -> None:
    """Second derivative across smoothed rows and Gaussian across curved ones."""
    gauss, second = taps
    reach = len(gauss) - 1
    middle, n = row + reach, len(out)
    for i in range(n):
        out[i] = second[0] * smooth[middle, i] + gauss[0] * curved[middle, i]
    for t in range(1, reach + 1):
        g, d = gauss[t], second[t]
        a, b = middle - t, middle + t
        for i in range(n):
            out[i] = out[i] + d * (smooth[a, i] + smooth[b, i]) + g * (curved[a, i] + curved[b, i])
