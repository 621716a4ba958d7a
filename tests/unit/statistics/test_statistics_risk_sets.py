"""Risk sets with strata, weights and ties against loops over the deaths; sums far apart; what is refused."""

import numpy as np
import pytest

from perisurv.core import ConvergenceError, FeatureError, OutcomeError
from perisurv.statistics import RiskSets, derivatives, maximise

RNG = np.random.default_rng(5)
N = 40
TIME = np.ceil(RNG.exponential(8, N))
EVENT = RNG.random(N) < 0.7
STRATA = RNG.integers(3, size=N)
WEIGHT = RNG.integers(0, 4, size=N) / 2
X = RNG.normal(size=(N, 2))
ties_each = pytest.mark.parametrize("ties", ["efron", "breslow"])


def by_loop(ties: str, eta: np.ndarray, strata: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Log likelihood and gradient, death by death from the definition."""
    value, gradient = 0.0, np.zeros(2)
    ratio = weight * np.exp(eta)
    for stratum in np.unique(strata):
        inside = strata == stratum
        for t in np.unique(TIME[inside & EVENT & (weight > 0)]):
            tied = inside & EVENT & (weight > 0) & (t == TIME)
            at_risk = inside & (t <= TIME)
            mean_weight = weight[tied].mean()
            value += weight[tied] @ eta[tied]
            gradient += weight[tied] @ X[tied]
            for k in range(tied.sum()):
                share = k / tied.sum() if ties == "efron" else 0.0
                now = ratio * at_risk * (1 - share * tied)
                value -= mean_weight * np.log(now.sum())
                gradient -= mean_weight * (now @ X) / now.sum()
    return value, gradient


@ties_each
@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_likelihood_and_gradient_by_their_definition(ties: str, stratified: bool, weighted: bool) -> None:
    strata = STRATA if stratified else np.zeros(N, dtype=int)
    weight = WEIGHT if weighted else np.ones(N)
    sets = RiskSets.of(TIME, EVENT, ties, strata.tolist(), weight)
    coef = np.array([0.4, -1.1])
    value, gradient = by_loop(ties, X @ coef, strata, weight)
    assert sets.log_likelihood((X @ coef)[sets.order]) == pytest.approx(value, rel=1e-12)
    found, information = derivatives(X[sets.order], sets, coef, np.zeros(2))
    np.testing.assert_allclose(found, gradient, atol=1e-11)
    step = 1e-5
    for k in range(2):
        ahead = by_loop(ties, X @ (coef + step * np.eye(2)[k]), strata, weight)[1]
        behind = by_loop(ties, X @ (coef - step * np.eye(2)[k]), strata, weight)[1]
        np.testing.assert_allclose(information[k], -(ahead - behind) / (2 * step), atol=1e-6)


@ties_each
def test_at_risk_and_up_to_are_one_matrix_and_its_transpose(ties: str) -> None:
    sets = RiskSets.of(TIME, EVENT, ties, STRATA.tolist())
    matrix = sets.at_risk(np.eye(N))
    np.testing.assert_allclose(sets.up_to(np.eye(len(sets.deaths))), matrix.T, atol=1e-12)
    assert ((matrix >= 0) & (matrix <= 1)).all()
    assert (matrix[np.arange(len(sets.deaths)), sets.deaths] > 0).all()


@ties_each
def test_derivatives_where_hazards_lie_further_apart_than_a_float_can_hold(ties: str) -> None:
    """The gradient of a risk set that underflowed is that of the same set alone."""
    time, event = np.array([1.0, 2, 2, 3, 4]), np.array([True, True, True, True, False])
    x = np.array([[1400.0], [2.0], [3.0], [-1.0], [1.0]])
    sets = RiskSets.of(time, event, ties)
    gradient, information = derivatives(x, sets, np.ones(1), np.zeros(1))
    later = RiskSets.of(time[1:], event[1:], ties)
    alone, of_alone = derivatives(x[1:], later, np.ones(1), np.zeros(1))
    np.testing.assert_allclose(gradient, alone, rtol=1e-12)  # the first death explains itself
    np.testing.assert_allclose(information, of_alone, rtol=1e-6)


def test_a_stratum_far_from_another_changes_nothing() -> None:
    strata = ["a"] * 20 + ["b"] * 20
    shift = np.where(np.arange(N) < 20, 0.0, -900.0)
    sets = RiskSets.of(TIME, EVENT, "efron", strata)
    near, far = (X @ [0.3, 0.2])[sets.order], (X @ [0.3, 0.2] + shift)[sets.order]
    assert sets.log_likelihood(far) == pytest.approx(sets.log_likelihood(near), rel=1e-12)
    assert np.isfinite(sets.log_at_risk(far)).all()


def test_mean_within_ties() -> None:
    sets = RiskSets.of(np.array([1.0, 1, 2]), np.array([True, True, True]), "efron")
    np.testing.assert_allclose(sets.within_ties(np.array([1.0, 3.0, 5.0])), [2, 2, 5])


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_scale_of_the_weights_changes_no_coefficient(scale: float) -> None:
    names = ("a", "b")
    order = RiskSets.of(TIME, EVENT, "efron", None, WEIGHT).order
    plain, _ = maximise(X[order], RiskSets.of(TIME, EVENT, "efron", None, WEIGHT), np.zeros(2), names)
    scaled, _ = maximise(X[order], RiskSets.of(TIME, EVENT, "efron", None, scale * WEIGHT), np.zeros(2), names)
    np.testing.assert_allclose(scaled, plain, rtol=1e-8)


def test_a_column_that_is_constant_in_every_stratum_is_refused() -> None:
    sets = RiskSets.of(TIME, EVENT, "efron", STRATA.tolist())
    with pytest.raises(FeatureError, match="centre is constant among the patients at risk"):
        maximise(STRATA[sets.order, None].astype(float), sets, np.zeros(1), ("centre",))


def test_two_columns_that_separate_together_are_refused() -> None:
    time, event = np.arange(1.0, 21), np.arange(20) < 10
    base = np.random.default_rng(0).normal(size=20)
    x = np.column_stack([base, 30.0 - 2 * time - base])
    sets = RiskSets.of(time, event, "efron")
    with pytest.raises(ConvergenceError, match="grows without bound"):
        maximise((x - x.mean(axis=0)) / x.std(axis=0), sets, np.zeros(2), ("a", "b"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strata": ["a"]}, "1 labels for 3 patients"),
        ({"strata": ["a", None, "b"]}, "stratum of a patient is missing"),
        ({"strata": [1.0, np.nan, 2.0]}, "stratum of a patient is missing"),
        ({"weight": np.ones(2)}, "one for each of the 3 patients"),
        ({"weight": np.array([1.0, -1, 1])}, "not negative"),
        ({"weight": np.array([1.0, np.nan, 1])}, "finite"),
        ({"weight": np.zeros(3)}, "no event was observed"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(OutcomeError, match=message):
        RiskSets.of(np.array([1.0, 2, 3]), np.array([True, True, False]), "efron", **change)
