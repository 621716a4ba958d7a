"""Gradient and information of many Cox models with one feature each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.compiled import kernel

__all__ = ["slopes"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


def _slopes(
    x: Floats,
    weight: Floats,
    strata: Integers,
    deaths: Integers,
    start: Integers,
    tie_start: Integers,
    fraction: Floats,
    death_weight: Floats,
) -> tuple[Floats, Floats]:
    """Sums over the deaths of the mean and of the variance of x in the risk set, each of shape (features,).

    ``x`` and ``weight`` (case weight times hazard ratio) have shape (patients, features), rows in the order of the risk
    sets; the rest is as in RiskSets. The inner loops run over features, so that the compiler vectorises them.
    """
    n, p = x.shape
    s0, s1, s2 = np.zeros(p), np.zeros(p), np.zeros(p)
    t0, t1, t2 = np.zeros(p), np.zeros(p), np.zeros(p)
    mean, variance = np.zeros(p), np.zeros(p)
    group = len(tie_start) - 1
    last = len(deaths)
    stratum = len(strata) - 2
    for i in range(n - 1, -1, -1):
        if i < strata[stratum]:
            stratum -= 1
            s0[:], s1[:], s2[:] = 0.0, 0.0, 0.0
        for b in range(p):
            e = weight[i, b]
            ex = e * x[i, b]
            s0[b] += e
            s1[b] += ex
            s2[b] += ex * x[i, b]
        if group < 0 or i != start[tie_start[group]]:
            continue
        first = tie_start[group]
        if fraction[last - 1] > 0.0:
            t0[:], t1[:], t2[:] = 0.0, 0.0, 0.0
            for d in range(first, last):
                for b in range(p):
                    e = weight[deaths[d], b]
                    ex = e * x[deaths[d], b]
                    t0[b] += e
                    t1[b] += ex
                    t2[b] += ex * x[deaths[d], b]
            for d in range(first, last):
                f, w = fraction[d], death_weight[d]
                for b in range(p):
                    one = 1.0 / (s0[b] - f * t0[b])
                    m = (s1[b] - f * t1[b]) * one
                    mean[b] += w * m
                    variance[b] += w * ((s2[b] - f * t2[b]) * one - m * m)
        else:
            w = death_weight[first] * (last - first)
            for b in range(p):
                one = 1.0 / s0[b]
                m = s1[b] * one
                mean[b] += w * m
                variance[b] += w * (s2[b] * one - m * m)
        last = first
        group -= 1
    return mean, variance


slopes = kernel(nogil=True, error_model="numpy")(_slopes)
