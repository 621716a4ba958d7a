"""Which new patients resemble the training patients enough to be given a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureError, FeatureTable
from perisurv.core.brief import Brief
from perisurv.survival.firewall import refuse_seen
from perisurv.survival.options import FitOptions
from perisurv.survival.standardise import Standardisation

__all__ = ["Acquisition", "Domain", "fit_domain"]

Floats = NDArray[np.float64]
Acquisition = Mapping[str, Mapping[str, float | str]]

SPACINGS = {"slice_spacing_mm": "slice spacing", "pixel_spacing_mm": "pixel spacing"}
NAMED = 3  # features named in one sentence


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Domain(Brief):
    """The part of feature space that the training patients cover.

    Parameters
    ----------
    scaling
        Imputation and scaling of the selected features; the rest counts in its units.
    lower, upper
        Accepted range of each feature, shape (features,): the training range, widened to the training median -+
        ``robust_sd`` robust standard deviations (1.4826 x median absolute deviation).
    robust_sd
        See above.
    precision
        Inverse of the shrunken covariance, shape (features, features).
    max_distance
        Largest accepted distance sqrt(z' precision z / features).
    max_missing
        Largest number of selected features without a value in a training patient.
    max_spacing_mm
        Largest accepted ``slice_spacing_mm`` and ``pixel_spacing_mm``, where the training values were given.
    fitted_on
        Patients that must not be judged.
    """

    scaling: Standardisation
    lower: Floats
    upper: Floats
    robust_sd: float
    precision: Floats
    max_distance: float
    max_missing: int
    max_spacing_mm: dict[str, float]
    fitted_on: frozenset[str]

    def __post_init__(self) -> None:
        p = len(self.scaling.names)
        if not (self.lower.shape == self.upper.shape == (p,) and self.precision.shape == (p, p)):
            raise FeatureError(f"The domain of {p} features got arrays of other shapes.")

    def judge(self, table: FeatureTable, acquisition: Acquisition | None = None) -> dict[str, str]:
        """Patients outside the domain with the reasons, one sentence each.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        """
        refuse_seen(table, self.fitted_on, "training domain")
        frame = table.select(self.scaling.names).frame
        outside = {}
        for patient, row in zip(table.patients, frame.to_numpy(), strict=True):
            reasons = self.reasons(row, (acquisition or {}).get(patient, {}))
            if reasons:
                outside[patient] = " ".join(reasons)
        return outside

    def reasons(self, row: Floats, acquisition: Mapping[str, float | str] | None = None) -> tuple[str, ...]:
        """Why these raw feature values (features,) lie outside the domain; empty if they do not."""
        missing = int(np.isnan(row).sum())
        z = (np.where(np.isnan(row), self.scaling.median, row) - self.scaling.mean) / self.scaling.sd
        found = []
        if missing > self.max_missing:
            found.append(
                f"{missing} of {len(row)} selected features have no value (at most {self.max_missing} in training)."
            )
        far = np.flatnonzero((z < self.lower) | (z > self.upper))
        if len(far):
            named = ", ".join(self.scaling.names[n] for n in far[:NAMED])
            more = f" and {len(far) - NAMED} more" if len(far) > NAMED else ""
            found.append(f"Outside the training range and {self.robust_sd:g} robust SD from the median: {named}{more}.")
        distance = _distance(z[None], self.precision)[0]
        if distance > self.max_distance:
            found.append(
                f"The selected features together lie at distance {distance:.2f} from the training mean "
                f"(accepted: {self.max_distance:.2f})."
            )
        return (*found, *self._spacing_reasons(acquisition or {}))

    def _spacing_reasons(self, acquisition: Mapping[str, float | str]) -> list[str]:
        return [
            f"The {SPACINGS[key]} of {value:g} mm is above the accepted {limit:g} mm."
            for key, limit in self.max_spacing_mm.items()
            if isinstance(value := acquisition.get(key), int | float) and value > limit
        ]


def fit_domain(
    raw: pd.DataFrame, scaling: Standardisation, options: FitOptions, acquisition: Acquisition | None
) -> Domain:
    """Fit on the training patients.

    The covariance is shrunk towards unit variance by the share p / (n + p), for p features of n patients. The accepted
    distance is a quantile of the training distances, each without the patient's own part in the covariance; at the
    default quantile and fewer than 200 patients it is the largest, which an exchangeable patient exceeds about once in
    n + 1.

    Parameters
    ----------
    raw
        Selected features of the training patients, as extracted.
    scaling
        Their imputation and scaling.
    options
        Limits.
    acquisition
        Of the training patients: patient -> ``slice_spacing_mm``, ``pixel_spacing_mm``, ...
    """
    z = scaling.values(raw).to_numpy()
    n, p = z.shape
    shrinkage = p / (n + p)
    precision = np.linalg.inv((1 - shrinkage) * z.T @ z / n + shrinkage * np.eye(p))
    precision = (precision + precision.T) / 2
    leverage = np.square(_distance(z, precision)) * p
    left_out = np.sqrt(leverage / (1 - (1 - shrinkage) * leverage / n) / max(p, 1))
    lower, upper = _ranges(z, options.domain_robust_sd)
    return Domain(
        scaling=scaling,
        lower=lower,
        upper=upper,
        robust_sd=options.domain_robust_sd,
        precision=precision,
        max_distance=float(np.quantile(left_out, options.domain_quantile, method="higher")),
        max_missing=int(raw.isna().sum(axis=1).max()),
        max_spacing_mm=_spacing_limits(acquisition or {}, raw.index, options.domain_spacing_factor),
        fitted_on=scaling.fitted_on,
    )


def _distance(z: Floats, precision: Floats) -> Floats:
    square = np.einsum("ij,jk,ik->i", z, precision, z)
    return np.asarray(np.sqrt(np.maximum(square, 0.0) / max(z.shape[1], 1)))


def _ranges(z: Floats, robust_sd: float) -> tuple[Floats, Floats]:
    if not z.shape[1]:
        return np.zeros(0), np.zeros(0)
    median = np.median(z, axis=0)
    spread = 1.4826 * np.median(np.abs(z - median), axis=0)
    spread = np.where(spread > 0, spread, 1.0)  # more than half of the values equal: the standard deviation, here 1
    lower = np.minimum(z.min(axis=0), median - robust_sd * spread)
    upper = np.maximum(z.max(axis=0), median + robust_sd * spread)
    # A hair wider: a value at the edge must not fall out by rounding.
    return lower - 1e-9 * np.abs(lower), upper + 1e-9 * np.abs(upper)


def _spacing_limits(acquisition: Acquisition, patients: pd.Index, factor: float) -> dict[str, float]:
    limits = {}
    for key in SPACINGS:
        known = [acquisition[p].get(key) for p in patients if p in acquisition]
        values = [float(v) for v in known if isinstance(v, int | float) and v > 0]
        if values:
            limits[key] = factor * max(values)
    return limits
