"""Features from sorted intensities and from counts: the sums of their definitions in one or two passes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.compiled import kernel

__all__ = ["cooccurrence_features", "emphasis_features", "moments"]

Floats = NDArray[np.float64]
Counts = NDArray[np.float64]


@kernel(nogil=True)
def moments(x: NDArray[np.float32], median: float, low: float, high: float) -> Floats:
    """Means over ascending intensities in two passes.

    In this order: the value; its second, third and fourth central moment; its absolute deviation from the mean, within
    [low, high] from the mean there (NaN if none lies there), from the median; its square.
    """
    n = x.size
    total, squares, inner = 0.0, 0.0, 0.0
    n_inner = np.int64(0)
    for value in x:
        v = np.float64(value)
        total += v
        squares += v * v
        within = low <= v <= high
        inner += v if within else 0.0
        n_inner += within
    # The mean of a constant may differ from it by rounding, which skewness and kurtosis would blow up.
    mean = total / n if x[0] < x[-1] else np.float64(x[0])
    inner_mean = inner / n_inner if n_inner else np.nan
    second, third, fourth, absolute, robust, from_median = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for value in x:
        v = np.float64(value)
        c = v - mean
        second += c * c
        third += c * c * c
        fourth += c * c * c * c
        absolute += abs(c)
        from_median += abs(v - median)
        robust += abs(v - inner_mean) if low <= v <= high else 0.0
    inner_deviation = robust / n_inner if n_inner else np.nan
    return np.array(
        [mean, second / n, third / n, fourth / n, absolute / n, inner_deviation, from_median / n, squares / n]
    )


@kernel(nogil=True)
def cooccurrence_features(counts: Counts) -> Floats:
    """The 25 features of one matrix of one-way counts [level, neighbour's level]; row and column 0 belong to nothing.

    Everything but maximum, energy, entropy and autocorrelation follows from the distributions of the level, of the
    difference and of the sum of a pair. HXY1 and HXY2 of the IBSI both equal twice the entropy of the level.
    """
    n = counts.shape[0] - 1
    level, difference, summed = np.zeros(n + 1), np.zeros(n), np.zeros(2 * n + 1)
    total = 0.0
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            total += counts[i, j]
    if total == 0.0:
        return np.full(25, np.nan)
    highest, energy, entropy, product = 0.0, 0.0, 0.0, 0.0
    for i in range(1, n + 1):
        for j in range(i, n + 1):
            c = np.float64(counts[i, j]) + (np.float64(counts[j, i]) if i != j else np.float64(counts[i, j]))
            if c == 0.0:
                continue
            p = c / (2.0 * total)
            # Off the diagonal the symmetric matrix has this cell twice.
            times = 1.0 if i == j else 2.0
            highest = max(highest, p)
            energy += times * p * p
            entropy -= times * p * np.log2(p)
            product += times * p * i * j
            level[i] += p
            if i != j:
                level[j] += p
            difference[j - i] += times * p
            summed[i + j] += times * p
    out = np.empty(25)
    mean, level_entropy = 0.0, 0.0
    for i in range(1, n + 1):
        mean += level[i] * i
        if level[i] > 0:
            level_entropy -= level[i] * np.log2(level[i])
    variance = 0.0
    for i in range(1, n + 1):
        variance += level[i] * (i - mean) ** 2
    out[0], out[1], out[2], out[3], out[10], out[19] = highest, mean, variance, entropy, energy, product
    _difference_features(difference, out)
    _sum_features(summed, mean, out)
    out[18] = (product - mean * mean) / variance if variance > 1e-12 else np.nan
    out[23] = (entropy - 2 * level_entropy) / level_entropy if level_entropy > 0 else np.nan
    out[24] = np.sqrt(max(1 - np.exp(-2 * (2 * level_entropy - entropy)), 0.0))
    return out


@kernel(nogil=True)
def _difference_features(p: Floats, out: Floats) -> None:
    """Features of the distribution of the absolute difference of a pair."""
    n = p.size
    out[11:18] = 0.0
    mean, entropy = 0.0, 0.0
    for k in range(n):
        mean += p[k] * k
        if p[k] > 0:
            entropy -= p[k] * np.log2(p[k])
        out[11] += p[k] * k * k
        out[13] += p[k] / (1 + k)
        out[14] += p[k] / (1 + k / n)
        out[15] += p[k] / (1 + k * k)
        out[16] += p[k] / (1 + (k / n) ** 2)
        if k > 0:
            out[17] += p[k] / (k * k)
    variance = 0.0
    for k in range(n):
        variance += p[k] * (k - mean) ** 2
    out[4], out[5], out[6], out[12] = mean, variance, entropy, mean


@kernel(nogil=True)
def _sum_features(p: Floats, level_mean: float, out: Floats) -> None:
    """Features of the distribution of the sum of a pair."""
    out[7:10] = 0.0
    out[20:23] = 0.0
    for s in range(2, p.size):
        out[7] += p[s] * s
        if p[s] > 0:
            out[9] -= p[s] * np.log2(p[s])
        centred = s - 2 * level_mean
        out[20] += p[s] * centred**2
        out[21] += p[s] * centred**3
        out[22] += p[s] * centred**4
    for s in range(2, p.size):
        out[8] += p[s] * (s - out[7]) ** 2


@kernel(nogil=True)
def emphasis_features(counts: Counts, lengths: Floats, n_voxels: float) -> Floats:
    """The sixteen features of counts [level, length], see :mod:`perisurv.radiomics.emphasis`.

    Level 0 and length 0 belong to nothing.
    """
    n, m = counts.shape
    by_level, by_length = np.zeros(n), np.zeros(m)
    total = 0.0
    for i in range(1, n):
        for j in range(m):
            total += counts[i, j] if lengths[j] > 0 else 0.0
    out = np.zeros(16)
    level_mean, length_mean = 0.0, 0.0
    for i in range(1, n):
        high = np.float64(i) * i
        for j in range(m):
            if counts[i, j] == 0 or lengths[j] == 0:
                continue
            p = counts[i, j] / total
            long = lengths[j] * lengths[j]
            out[0] += p / long
            out[1] += p * long
            out[2] += p / high
            out[3] += p * high
            out[4] += p / (long * high)
            out[5] += p * high / long
            out[6] += p * long / high
            out[7] += p * long * high
            out[15] -= p * np.log2(p)
            by_level[i] += counts[i, j]
            by_length[j] += counts[i, j]
            level_mean += p * i
            length_mean += p * lengths[j]
    for i in range(1, n):
        out[8] += by_level[i] ** 2 / total
        out[13] += by_level[i] / total * (i - level_mean) ** 2
    for j in range(m):
        out[10] += by_length[j] ** 2 / total
        out[14] += by_length[j] / total * (lengths[j] - length_mean) ** 2
    out[9], out[11], out[12] = out[8] / total, out[10] / total, total / n_voxels
    return out
