"""Who is told that the signature is not for them, and why."""

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureTable, Outcome
from perisurv.survival import Domain, FitOptions, fit_domain, fit_signature, fit_standardisation


def correlated(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    b = a + 0.2 * rng.normal(size=n)
    frame = {"a": a * 30 + 100, "b": b, "c": rng.normal(size=n)}
    return pd.DataFrame(frame, index=[f"p{seed}_{k:03d}" for k in range(n)])


def domain_of(frame: pd.DataFrame, acquisition: dict[str, dict[str, float | str]] | None = None) -> Domain:
    scaling, _ = fit_standardisation(FeatureTable(frame), 0.2)
    return fit_domain(frame, scaling, FitOptions(), acquisition)


def test_like_patients_are_inside() -> None:
    domain = domain_of(correlated(150, 0))
    outside = domain.judge(FeatureTable(correlated(400, 1)))
    assert len(outside) <= 400 * 0.03


def test_a_value_far_out_is_named() -> None:
    domain = domain_of(correlated(150, 0))
    reasons = domain.reasons(np.array([100.0, 0.0, 50.0]))
    assert "robust SD from the median: c." in reasons[0]


def test_an_unusual_combination_of_usual_values_is_outside() -> None:
    domain = domain_of(correlated(150, 0))
    assert domain.reasons(np.array([160.0, 2.0, 0.0])) == ()
    (reason,) = domain.reasons(np.array([160.0, -2.0, 0.0]))
    assert reason.startswith("The selected features together lie at distance")


def test_left_out_distance_is_that_of_a_covariance_without_the_patient() -> None:
    frame = correlated(40, 2)
    scaling, x = fit_standardisation(FeatureTable(frame), 0.2)
    domain = fit_domain(frame, scaling, FitOptions(domain_quantile=1.0), None)
    z, n, p = x.to_numpy(), 40, 3
    share = p / (n + p)
    distances = []
    for k in range(n):
        rest = np.delete(z, k, axis=0)
        covariance = (1 - share) * rest.T @ rest / n + share * np.eye(p)
        distances.append(np.sqrt(z[k] @ np.linalg.inv(covariance) @ z[k] / p))
    assert domain.max_distance == pytest.approx(max(distances), rel=1e-10)


def test_missing_values_beyond_those_of_training_are_a_reason() -> None:
    frame = correlated(60, 3)
    frame.iloc[0, 1] = np.nan
    domain = domain_of(frame)
    assert domain.reasons(np.array([100.0, np.nan, 0.0])) == ()
    assert domain.reasons(np.array([np.nan, np.nan, 0.0]))[0].startswith("2 of 3 selected features have no value")


def test_spacing_above_twice_the_training_maximum_is_a_reason() -> None:
    frame = correlated(60, 4)
    known = {p: {"slice_spacing_mm": 3.0 if k else 2.0, "kernel": "B"} for k, p in enumerate(frame.index[:50])}
    domain = domain_of(frame, known)
    inside = np.array([100.0, 0.0, 0.0])
    assert domain.reasons(inside, {"slice_spacing_mm": 6.0, "pixel_spacing_mm": 9.0}) == ()
    assert domain.reasons(inside, {"slice_spacing_mm": 6.5}) == (
        "The slice spacing of 6.5 mm is above the accepted 6 mm.",
    )


def test_prediction_abstains_with_the_reason(cohort: tuple[FeatureTable, Outcome]) -> None:
    table, outcome = cohort
    training, new = table.patients[:60], table.patients[60:]
    signature = fit_signature(
        table.take(training),
        outcome,
        groups={"radiomics": ("tumour__",)},
        options=FitOptions(),
        rng=np.random.default_rng(0),
        acquisition={p: {"slice_spacing_mm": 3.0} for p in training},
    )
    frame = table.take(new).frame.clip(-1.5, 1.5)
    frame.loc[new[0], "tumour__a"] = 40.0
    acquisition = {new[1]: {"slice_spacing_mm": 10.0}, new[2]: {"slice_spacing_mm": 5.0}}
    prediction = signature.predict(FeatureTable(frame), acquisition=acquisition)
    assert "tumour__a" in prediction.abstained[new[0]]
    assert prediction.abstained[new[1]] == "The slice spacing of 10 mm is above the accepted 6 mm."
    assert new[2] not in prediction.abstained
    assert np.isfinite(prediction.risk).all()
