"""What must hold for any cohort, not only for the ones we thought of."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import FeatureTable, Outcome, OutcomeError
from perisurv.survival import FitOptions, Signature, drop_redundant, fit_cox, fit_signature, icc_1_1, univariate_cox

OPTIONS = FitOptions(lasso_folds=5, lasso_lambdas=20, univariate_p=0.3)
GROUPS = {"radiomics": ("tumour__",), "deep": ("deep_",)}
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=8, deadline=None, derandomize=True)
many = settings(max_examples=40, deadline=None, derandomize=True)


def cohort(seed: int, n: int = 60, tied: bool = False) -> tuple[FeatureTable, Outcome]:
    rng = np.random.default_rng(seed)
    names = [f"tumour__{k}" for k in range(6)] + [f"deep_{k}" for k in range(4)]
    values = rng.normal(size=(n, len(names)))
    values[:, 1] = values[:, 0] + 0.2 * values[:, 1]
    death = rng.exponential(500 * np.exp(-values[:, 0] - 0.7 * values[:, 7])) + 1
    censored = rng.uniform(200, 3000, n)
    time = np.minimum(death, censored)
    ids = tuple(f"p{k:02d}" for k in range(n))
    table = FeatureTable(pd.DataFrame(values, index=list(ids), columns=names))
    return table, Outcome(ids, np.ceil(time / 100) * 100 if tied else time, death <= censored)


def fit(table: FeatureTable, outcome: Outcome, seed: int = 0) -> Signature:
    return fit_signature(table, outcome, groups=GROUPS, options=OPTIONS, rng=np.random.default_rng(seed))


@few
@given(seed=seeds)
def test_order_of_rows_changes_no_byte(seed: int) -> None:
    table, outcome = cohort(seed)
    training = list(table.patients[:45])
    shuffled = [training[k] for k in np.random.default_rng(seed).permutation(45)]
    assert fit(table.take(training), outcome).to_json() == fit(table.take(shuffled), outcome.take(shuffled)).to_json()


@few
@given(seed=seeds)
def test_units_of_the_features_change_no_risk(seed: int) -> None:
    table, outcome = cohort(seed)
    rng = np.random.default_rng(seed)
    scale = rng.choice([-1, 1], 10) * 10 ** rng.uniform(-4, 4, 10)
    other = FeatureTable(table.frame * scale + rng.normal(size=10) * scale)
    training, new = table.patients[:45], table.patients[45:]
    one, two = fit(table.take(training), outcome), fit(other.take(training), outcome)
    assert one.selected == two.selected
    np.testing.assert_allclose(two.risk(other.take(new)), one.risk(table.take(new)), atol=1e-6)
    assert one.predict(table.take(new)).abstained.keys() == two.predict(other.take(new)).abstained.keys()


@few
@given(seed=seeds, column=st.integers(0, 9), sign=st.sampled_from([1.0, -2.0]))
def test_a_copy_of_a_feature_changes_no_risk(seed: int, column: int, sign: float) -> None:
    table, outcome = cohort(seed)
    frame = table.frame.copy()
    name = frame.columns[column]
    frame[f"{name}_copy"] = sign * frame[name]
    copied = FeatureTable(frame)
    training, new = table.patients[:45], table.patients[45:]
    one, two = fit(table.take(training), outcome), fit(copied.take(training), outcome)
    np.testing.assert_allclose(two.risk(copied.take(new)), one.risk(table.take(new)), atol=1e-9)


@few
@given(seed=seeds)
def test_a_patient_is_scored_alone_as_among_others(seed: int) -> None:
    table, outcome = cohort(seed)
    signature = fit(table.take(table.patients[:45]), outcome)
    together = signature.predict(table.take(table.patients[45:]))
    for row, patient in enumerate(together.patients[:4]):
        alone = signature.predict(table.take([patient]))
        np.testing.assert_allclose(alone.risk[0], together.risk[row], atol=1e-12)
        np.testing.assert_allclose(alone.survival[0], together.survival[row], atol=1e-12)


@many
@given(seed=seeds, ties=st.sampled_from(["efron", "breslow"]))
def test_reversing_a_feature_reverses_its_coefficient(seed: int, ties: str) -> None:
    table, outcome = cohort(seed, tied=True)
    x = table.frame.to_numpy()[:, :3]
    one, two = fit_cox(x, outcome, ties), fit_cox(x * [-1, 1, 1], outcome, ties)
    np.testing.assert_allclose(two.coef, one.coef * [-1, 1, 1], atol=1e-8)
    np.testing.assert_allclose(two.log_likelihood, one.log_likelihood, rtol=1e-12)


@many
@given(seed=seeds)
def test_only_the_order_of_times_counts(seed: int) -> None:
    table, outcome = cohort(seed, tied=True)
    later = Outcome(outcome.patients, outcome.time_days**2 + 5, outcome.event)
    one, two = univariate_cox(table, outcome), univariate_cox(table, later)
    np.testing.assert_array_equal(one.coef, two.coef)


@many
@given(seed=seeds)
def test_the_gradient_is_zero_at_the_maximum(seed: int) -> None:
    """Breslow score by a loop over the deaths, independent of the code under test."""
    table, outcome = cohort(seed, tied=True)
    x = table.frame.to_numpy()[:, :4]
    weight = np.exp(x @ fit_cox(x, outcome, "breslow").coef)
    score = np.zeros(4)
    for i in np.flatnonzero(outcome.event):
        at_risk = outcome.time_days >= outcome.time_days[i]
        score += x[i] - weight[at_risk] @ x[at_risk] / weight[at_risk].sum()
    np.testing.assert_allclose(score, 0, atol=1e-4)


@many
@given(seed=seeds, rho=st.floats(0.1, 0.99))
def test_redundancy_ignores_units_and_rows(seed: int, rho: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 12)) + 0.3 * rng.normal(size=(30, 12))
    frame = pd.DataFrame(values, columns=[f"f{k}" for k in range(12)])
    kept = drop_redundant(frame, rho)
    assert drop_redundant(np.exp(frame / frame.abs().max()), rho) == kept
    assert drop_redundant(frame.iloc[rng.permutation(30)], rho) == kept
    assert drop_redundant(frame[list(kept)], rho) == kept


@many
@given(seed=seeds, subjects=st.integers(2, 12), repeats=st.integers(2, 5))
def test_icc_lies_within_its_bounds(seed: int, subjects: int, repeats: int) -> None:
    values = np.random.default_rng(seed).normal(size=(subjects, repeats, 4))
    icc = icc_1_1(values)
    assert (icc <= 1 + 1e-12).all()
    assert (icc >= -1 / (repeats - 1) - 1e-12).all()
    np.testing.assert_allclose(icc_1_1(values * 3 - 7), icc, atol=1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=seeds,
    n=st.integers(8, 50),
    p=st.integers(1, 40),
    select=st.booleans(),
    limit=st.sampled_from([0.05, 1.0]),
)
def test_nasty_cohorts_give_a_usable_signature(seed: int, n: int, p: int, select: bool, limit: float) -> None:
    """Heavy tails, rare categories, ties, gaps, more features than patients, hazards that separate."""
    table, outcome = nasty(np.random.default_rng(seed), n, p)
    training, new = table.patients[: -(n // 4)], table.patients[-(n // 4) :]
    options = FitOptions(select=select, univariate_p=limit, lasso_folds=5, lasso_lambdas=40)
    try:
        signature = fit_signature(
            table.take(training), outcome, groups={"all": ("",)}, options=options, rng=np.random.default_rng(seed)
        )
    except OutcomeError:
        assert outcome.take(training).n_events < options.minimum_events
        return
    prediction = signature.predict(table.take(new), (1.0, 50.0))
    assert np.isfinite(prediction.risk).all()
    assert ((prediction.survival[:, 0] >= 0) & (prediction.survival[:, 0] <= 1)).all()
    assert Signature.from_json(signature.to_json()).to_json() == signature.to_json()


def nasty(rng: np.random.Generator, n: int, p: int) -> tuple[FeatureTable, Outcome]:
    values = rng.normal(size=(n, p))
    kind = rng.integers(5, size=p)
    values[:, kind == 0] = np.exp(3 * values[:, kind == 0])
    values[:, kind == 1] = values[:, kind == 1] > 1.2
    values[:, kind == 2] = np.round(values[:, kind == 2])
    hazard = rng.choice([0.0, 1.0, 4.0]) * values[:, 0].clip(-3, 3)
    values[rng.random((n, p)) < 0.03] = np.nan
    ids = tuple(f"p{k:02d}" for k in range(n))
    time = np.ceil(rng.exponential(30 * np.exp(-hazard))) + 1
    frame = pd.DataFrame(values, index=list(ids), columns=[f"f{k}" for k in range(p)])
    return FeatureTable(frame), Outcome(ids, time, rng.random(n) < rng.uniform(0.2, 1))
