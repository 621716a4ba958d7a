"""Which features survive another drawing of the contour, another scan, another reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.survival.estimator import Features, FollowUp, TableTransformer
from perisurv.survival.kept import KeptFeatures

__all__ = [
    "Intraclass",
    "IntraclassForm",
    "StableFeatures",
    "icc_1_1",
    "intraclass_correlation",
    "stable_features",
]

Floats = NDArray[np.float64]
IntraclassForm = Literal["1_1", "2_1", "3_1", "1_k", "2_k", "3_k"]
Bound = Literal["point", "lower"]


@dataclass(frozen=True, slots=True, eq=False)
class Intraclass:
    """Intraclass correlations of many features, one entry a feature.

    Parameters
    ----------
    form
        As Shrout and Fleiss name them.
    icc, lower, upper
        Estimate and the limits of its interval, shape (features,). At most 1; negative where repeats of one subject
        differ more than subjects do. NaN where it is undefined: all values are equal, or a value is NaN.
    f, df1, df2, p
        F test of no difference between subjects, shape (features,).
    subjects
        Subjects that counted, shape (features,).
    """

    form: IntraclassForm
    icc: Floats
    lower: Floats
    upper: Floats
    f: Floats
    df1: Floats
    df2: Floats
    p: Floats
    subjects: NDArray[np.intp]


def intraclass_correlation(
    values: ArrayLike,
    form: IntraclassForm = "1_1",
    *,
    confidence: float = 0.95,
    incomplete: Literal["undefined", "drop"] = "undefined",
) -> Intraclass:
    """Intraclass correlation of each feature with its interval, as ``psych::ICC`` in R without lme4.

    Shrout and Fleiss 1979, Psychol Bull 86(2):420-428.

    Parameters
    ----------
    values
        Shape (subjects, repeats, features); at least two of each of the first two.
    form
        ``"1_1"`` one-way: repeats are exchangeable (redrawn contours). ``"2_1"`` two-way, repeats (readers, scanners)
        are a sample, their offsets count as error. ``"3_1"`` two-way, these repeats only, offsets do not count.
        ``"1_k"``, ``"2_k"``, ``"3_k"``: of the mean of all repeats.
    confidence
        Of the two-sided interval.
    incomplete
        What a NaN does: ``"undefined"`` makes the correlation of the feature NaN; ``"drop"`` leaves the subject out for
        that feature (fewer than two left: NaN).

    Raises
    ------
    FeatureError
        If the array has another shape.
    SettingsError
        If form, confidence or incomplete is none of the above.
    """
    if form not in get_args(IntraclassForm) or not 0 < confidence < 1 or incomplete not in {"undefined", "drop"}:
        raise SettingsError(
            f"ICC: form must be one of {', '.join(get_args(IntraclassForm))}, confidence within 0..1 and incomplete "
            f"undefined or drop; got {form!r}, {confidence!r}, {incomplete!r}."
        )
    data = np.asarray(values, dtype=float)
    if data.ndim != 3 or data.shape[0] < 2 or data.shape[1] < 2:
        raise FeatureError(
            f"ICC needs an array (subjects, repeats, features) with two subjects and repeats, got {data.shape}."
        )
    found, subjects = _each_pattern(data, form, confidence, incomplete)
    icc, lower, upper, df1, df2, f, p = found
    return Intraclass(form, icc, lower, upper, f, df1, df2, p, subjects)


def icc_1_1(values: ArrayLike) -> Floats:
    """ICC(1,1), one-way random effects, single measurement: (MSB - MSW) / (MSB + (k - 1) MSW).

    Parameters
    ----------
    values
        Shape (subjects, repeats, features); at least two of each of the first two.

    Returns
    -------
    Shape (features,); NaN where a value is NaN or all values are equal. At most 1; negative where repeats of one
    subject differ more than subjects do.

    Raises
    ------
    FeatureError
        If the array has another shape.
    """
    return intraclass_correlation(values).icc


def stable_features(
    values: ArrayLike, threshold: float = 0.75, *, form: IntraclassForm = "1_1", by: Bound = "point"
) -> NDArray[np.bool_]:
    """Whether the intraclass correlation of each feature reaches the threshold, shape (features,).

    Parameters
    ----------
    values
        Shape (subjects, repeats, features).
    threshold
        Smallest correlation of a stable feature.
    form
        See :func:`intraclass_correlation`.
    by
        ``"point"``: the estimate; ``"lower"``: the lower limit of its 95 % interval. Undefined counts as unstable.
    """
    if by not in get_args(Bound):
        raise SettingsError(f"by must be point or lower; got {by!r}.")
    found = intraclass_correlation(values, form)
    with np.errstate(invalid="ignore"):
        return np.asarray((found.icc if by == "point" else found.lower) >= threshold)


class StableFeatures(TableTransformer):
    """Keep the features that survive repeated measurement of the training patients.

    Parameters
    ----------
    threshold, form, by
        See :func:`stable_features`.

    Attributes
    ----------
    icc_, icc_lower_
        Of each feature that came in, shape (features,).
    """

    step_: KeptFeatures
    icc_: Floats
    icc_lower_: Floats

    def __init__(self, *, threshold: float = 0.75, form: IntraclassForm = "1_1", by: Bound = "point") -> None:
        self.threshold = threshold
        self.form = form
        self.by = by

    def fit(self, X: Features, y: FollowUp | None = None, *, repeats: Sequence[Features] | None = None) -> Self:
        """Fit on training patients measured again; the follow-up is not looked at.

        Parameters
        ----------
        X
            Features as first measured.
        y
            Not used.
        repeats
            One table or more of the same features, measured again. Rows of a FeatureTable, and of a DataFrame whose
            index holds names, are found by patient: the tables may hold all patients of a study, and only those of X
            are looked at. Rows of an array are those of X, in the same order.

        Raises
        ------
        FeatureError
            If repeats are not given or do not hold the patients and features of X.
        """

        def fit(table: FeatureTable, _: object) -> KeptFeatures:
            if not repeats:
                raise FeatureError("StableFeatures needs repeats: tables of the same features, measured again.")
            if len(table) < 2:
                raise FeatureError("StableFeatures needs two patients at least; there is 1 sample.")
            values = np.stack([table.frame.to_numpy(), *(_same_rows(r, table) for r in repeats)], axis=1)
            found = intraclass_correlation(values, self.form)
            self.icc_, self.icc_lower_ = found.icc, found.lower
            stable = stable_features(values, self.threshold, form=self.form, by=self.by)
            names = tuple(name for name, keep in zip(table.names, stable, strict=True) if keep)
            return KeptFeatures(names, frozenset(table.patients) | table.seen)

        return self._learn(X, y, fit)


def _each_pattern(
    data: Floats, form: IntraclassForm, confidence: float, incomplete: str
) -> tuple[Floats, NDArray[np.intp]]:
    """Numbers (7, features) and subjects that counted; features with the same gaps are computed together."""
    n, _, features = data.shape
    missing: NDArray[np.bool_] = np.asarray(np.isnan(data).any(axis=1))
    if not missing.any():
        return _correlation(data, form, confidence), np.full(features, n, dtype=np.intp)
    found = np.full((7, features), np.nan)
    subjects = np.zeros(features, dtype=np.intp)
    patterns, group = np.unique(np.packbits(missing, axis=0), axis=1, return_inverse=True)
    for pattern in range(patterns.shape[1]):
        at = np.flatnonzero(group == pattern)
        kept = ~missing[:, at[0]]
        if kept.all() or (incomplete == "drop" and kept.sum() >= 2):
            found[:, at] = _correlation(data[kept][:, :, at], form, confidence)
            subjects[at] = kept.sum()
    return found, subjects


def _same_rows(repeat: Features, table: FeatureTable) -> Floats:
    """The values of a repeat for the patients and features of a table."""
    if isinstance(repeat, FeatureTable):
        return repeat.take(table.patients).select(table.names).frame.to_numpy()
    if isinstance(repeat, pd.DataFrame) and not isinstance(repeat.index, pd.RangeIndex):
        return _same_rows(FeatureTable(repeat), table)
    values = np.asarray(repeat, dtype=float)
    if values.shape != table.frame.shape:
        raise FeatureError(f"A repeat of shape {values.shape} does not fit features of shape {table.frame.shape}.")
    return values


def _correlation(x: Floats, form: IntraclassForm, confidence: float) -> Floats:
    """Estimate, limits, degrees of freedom, F and p, shape (7, features), of complete values."""
    n, k, _ = x.shape
    squares = _mean_squares(x)
    varies = squares[4]
    single = _one_way(squares, n, k, confidence) if form[0] == "1" else _two_way(squares, n, k, confidence, form)
    estimate, df2, f = single[:3], single[3], single[4]
    if form[-1] == "k":
        with np.errstate(divide="ignore", invalid="ignore"):
            estimate = k * estimate / (1 + (k - 1) * estimate)
    p = special.fdtrc(n - 1, df2, f)
    found = np.stack([*estimate, np.full_like(f, n - 1), df2, f, p])
    found[:, varies == 0] = np.nan
    return found


def _mean_squares(x: Floats) -> Floats:
    """Mean squares between subjects, within, between repeats, of the error; 1 where a feature varies, (5, features)."""
    n, k, _ = x.shape
    largest = np.maximum(x.max(axis=(0, 1)), -x.min(axis=(0, 1)))
    mean = x.mean(axis=1)
    centre = mean.mean(axis=0)
    subject = mean - centre
    repeat = x.mean(axis=0) - centre
    residual = x - mean[:, None]
    within = np.einsum("ijk,ijk->k", residual, residual)
    residual -= repeat
    error = np.einsum("ijk,ijk->k", residual, residual)
    between = k * (subject**2).sum(axis=0) / (n - 1)
    varies = between + within > 1e-24 * largest**2
    return np.stack(
        [
            between,
            within / (n * (k - 1)),
            n * (repeat**2).sum(axis=0) / (k - 1),
            error / ((n - 1) * (k - 1)),
            varies.astype(float),
        ]
    )


def _one_way(squares: Floats, n: int, k: int, confidence: float) -> Floats:
    """ICC(1,1), its limits, degrees of freedom of the error and F, shape (5, features)."""
    between, within = squares[0], squares[1]
    df2 = float(n * (k - 1))
    upper = (1 + confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        f = between / within
        low = f / special.fdtri(n - 1, df2, upper)
        high = f * special.fdtri(df2, n - 1, upper)
    return np.stack([_of_ratio(f, k), _of_ratio(low, k), _of_ratio(high, k), np.full_like(f, df2), f])


def _two_way(squares: Floats, n: int, k: int, confidence: float, form: IntraclassForm) -> Floats:
    """ICC(2,1) or ICC(3,1), its limits, degrees of freedom of the error and F, shape (5, features)."""
    between, _, repeat, error, _ = squares
    df2 = float((n - 1) * (k - 1))
    upper = (1 + confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        f = between / error
        if form[0] == "3":
            low = f / special.fdtri(n - 1, df2, upper)
            high = f * special.fdtri(df2, n - 1, upper)
            return np.stack([_of_ratio(f, k), _of_ratio(low, k), _of_ratio(high, k), np.full_like(f, df2), f])
        icc = (between - error) / (between + (k - 1) * error + k * (repeat - error) / n)
        # Satterthwaite's degrees of freedom, both sides multiplied by the squared mean square of the error.
        own = n * (1 + (k - 1) * icc) - k * icc
        v = (
            (k - 1)
            * (n - 1)
            * (k * icc * repeat + own * error) ** 2
            / ((n - 1) * (k * icc * repeat) ** 2 + (own * error) ** 2)
        )
        above, below = special.fdtri(n - 1, v, upper), special.fdtri(v, n - 1, upper)
        rest = k * repeat + (k * n - k - n) * error
        low = n * (between - above * error) / (above * rest + n * between)
        high = n * (below * between - error) / (rest + n * below * between)
    return np.stack([icc, low, high, np.full_like(f, df2), f])


def _of_ratio(f: Floats, k: int) -> Floats:
    """(f - 1) / (f + k - 1); 1 where repeats agree exactly."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(f), 1.0, (f - 1) / (f + k - 1))
