"""Boosting and a forest with the Cox objective."""

import sys

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureTable, InputError, LeakageError, Outcome
from perisurv.statistics import harrell_c
from perisurv.survival import BoostedCox, CoxModel, ForestCox, fit_cox

Data = tuple[FeatureTable, Outcome]


@pytest.fixture(scope="module")
def u_shape() -> Data:
    """300 patients whose hazard rises to both sides of a feature: a Cox model without its square sees nothing."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 6))
    death = rng.exponential(500 * np.exp(-(values[:, 0] ** 2)))
    censored = rng.uniform(200, 3000, 300)
    ids = tuple(f"p{k:03d}" for k in range(300))
    frame = pd.DataFrame(values, index=list(ids), columns=[f"f{k}" for k in range(6)])
    return FeatureTable(frame), Outcome(ids, np.minimum(death, censored) + 1, death <= censored)


@pytest.mark.parametrize("estimator", [BoostedCox(), ForestCox(n_trees=200)], ids=["boosted", "forest"])
def test_finds_what_a_linear_model_cannot(u_shape: Data, estimator: BoostedCox | ForestCox) -> None:
    table, outcome = u_shape
    training, new = table.patients[:220], table.patients[220:]
    estimator.fit(table.take(training), outcome)
    linear: CoxModel = fit_cox(table.take(training), outcome.take(training))
    held = outcome.take(new)
    plain = harrell_c(held.time_days, held.event, linear.risk(table.take(new)))
    assert estimator.score(table.take(new), outcome) > max(plain + 0.08, 0.62)
    with pytest.raises(LeakageError, match="p005"):
        estimator.predict(table.take(["p005"]))


def test_monotone_features_change_nothing(u_shape: Data) -> None:
    """Trees split by rank: another unit of a feature is another threshold, not another model."""
    table, outcome = u_shape
    training, new = table.patients[:200], table.patients[200:]
    other = FeatureTable(table.frame * 8.0)
    one = BoostedCox(n_trees=30).fit(table.take(training), outcome).predict(table.take(new))
    two = BoostedCox(n_trees=30).fit(other.take(training), outcome).predict(other.take(new))
    np.testing.assert_allclose(two, one, atol=1e-6)


def test_same_seed_same_trees(u_shape: Data) -> None:
    table, outcome = u_shape
    training, new = table.patients[:200], table.patients[200:]
    risks = [
        ForestCox(n_trees=40, seed=s).fit(table.take(training), outcome).predict(table.take(new)) for s in (1, 1, 2)
    ]
    np.testing.assert_array_equal(risks[0], risks[1])
    assert not np.array_equal(risks[0], risks[2])


def test_all_censored_is_refused(u_shape: Data) -> None:
    table, outcome = u_shape
    nobody = Outcome(outcome.patients, outcome.time_days, np.zeros(300, dtype=bool))
    with pytest.raises(InputError, match="needs a patient with an event"):
        ForestCox(n_trees=5).fit(table, nobody)


def test_without_xgboost_it_says_how_to_get_it(u_shape: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(InputError, match="pip install xgboost"):
        BoostedCox(n_trees=5).fit(*u_shape)
