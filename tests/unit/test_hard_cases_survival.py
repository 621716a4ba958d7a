"""Every function that fits, on follow-up and features at the edge: our error, or the right answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hard_cases import CASES, Case, Checked, check_names, finite, pairs, partial_score

from agreement.lasso import residual
from perisurv.core import ConvergenceError, FeatureError, OutcomeError, SettingsError
from perisurv.survival import (
    CoxModel,
    FitOptions,
    LassoOptions,
    LassoPath,
    Signature,
    StabilityOptions,
    assign_folds,
    choose_ring,
    cv_lasso_cox,
    drop_redundant,
    fit_cox,
    fit_fusion,
    fit_signature,
    fit_standardisation,
    lasso_cox_path,
    nonnegative_weights,
    out_of_fold_risks,
    select_group,
    stability_selection,
    univariate_cox,
)

SHORT = LassoOptions(n_lambdas=20)
QUICK = FitOptions(univariate_p=0.5, lasso_lambdas=20, ring_repeats=1)
CENSORED = (OutcomeError, "All 24 patients are censored")
WITHOUT = (SettingsError, "Without fold 0 no patient has an event")
TOO_FEW = {
    "all censored": (OutcomeError, "at least 5 events .* 24 patients and all of them are censored"),
    "one death": (OutcomeError, "at least 5 events .* 24 patients and 1 of them had the event"),
    "three patients": (OutcomeError, "at least 5 events .* 3 patients and 2 of them had the event"),
    "one patient": (OutcomeError, "at least 5 events .* one sample .* and 1 of them had the event"),
}
NOT_IDENTIFIED = {
    "a sum of columns": (FeatureError, "x0, x1, x2 are collinear; drop one or use a ridge"),
    "copies of a column": (FeatureError, "x0, x1 are collinear; drop one or use a ridge"),
    "a constant column": (FeatureError, "x1 is constant among the patients at risk; drop one or use a ridge"),
    "only constant columns": (FeatureError, "x0 is constant among the patients at risk"),
    "three patients": (FeatureError, "x0, x1, x2 are collinear"),
    "one patient": (FeatureError, "x0 is constant among the patients at risk"),
    "more features than patients": (FeatureError, "are collinear; drop one or use a ridge"),
}
SEPARATED = {
    "one death": (ConvergenceError, "'x2' grows without bound, because it separates the patients with an event"),
    "separation": (ConvergenceError, "'x0' grows without bound, because it separates the patients with an event"),
}


def score_is_zero(case: Case, model: CoxModel) -> None:
    """At the maximum, columns of unit variance."""
    scale = np.where(case.x.std(axis=0) > 0, case.x.std(axis=0), 1.0)
    score = partial_score((case.x - case.x.mean(axis=0)) / scale, case.outcome, model.coef * scale, model.ties)
    np.testing.assert_allclose(score - model.ridge * model.coef / scale, 0.0, atol=1e-5)
    assert np.isfinite(model.baseline.hazard).all()
    assert (np.diff(model.baseline.hazard) >= 0).all()
    survival = model.survival(np.array([-1e4, 0.0, 1e4]), (float(case.time.min()), float(case.time.max())))
    assert ((survival >= 0) & (survival <= 1)).all()


def each_score_is_zero(case: Case, found: Any) -> None:
    for column in range(case.x.shape[1]):
        x = case.x[:, [column]]
        if np.isnan(found.coef[column]):
            assert np.isnan([found.se[column], found.z[column], found.p[column]]).all()
            assert no_finite_maximum(x, case), column
        else:
            z = (x - x.mean()) / x.std()
            np.testing.assert_allclose(
                partial_score(z, case.outcome, found.coef[[column]] * x.std(), "efron"), 0, atol=1e-6
            )
            assert 0 <= found.p[column] <= 1


def no_finite_maximum(x: np.ndarray, case: Case) -> bool:
    """Constant among those at risk, or the score keeps its sign however far one goes."""
    if x.std() == 0:
        return True
    z = (x - x.mean()) / x.std()
    up, down = (partial_score(z, case.outcome, np.array([b]), "efron")[0] for b in (200.0, -200.0))
    return bool(up > -1e-9 or down < 1e-9)


def path_is_optimal(case: Case, path: LassoPath) -> None:
    scale = np.where(case.x.std(axis=0) > 1e-12, case.x.std(axis=0), 1.0)
    z = (case.x - case.x.mean(axis=0)) / scale
    assert (np.diff(path.lambdas) < 0).all()
    assert np.isfinite(path.coef).all()
    if path.lambdas[0] < 1e-12:  # nothing has a gradient at zero, so nothing may move
        np.testing.assert_allclose(path.coef * scale, 0.0, atol=1e-9)
        return
    good = path.explained < 0.99  # beyond, given lambdas hold the coefficients where they are
    assert residual(z, case.outcome, path.lambdas[good], (path.coef * scale)[good], 1.0) < 1e-4
    constant = case.x.std(axis=0) == 0
    assert (path.coef[:, constant] == 0).all()


def distinct(case: Case, kept: tuple[str, ...]) -> None:
    names = [f"f{k}" for k in range(case.x.shape[1])]
    frame = pd.DataFrame(case.x, columns=names)
    assert list(kept) == [n for n in names if n in kept]
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = frame.rank().corr().abs().fillna(0.0)
    for name in names:
        others = [k for k in kept if k != name]
        if name in kept:
            assert (rho.loc[name, others] <= 0.9).all()
        elif frame[name].std() > 0:
            assert (rho.loc[name, others] > 0.9 - 1e-9).any()


def scaled(case: Case, found: Any) -> None:
    step, frame = found
    values = frame.to_numpy()
    np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(values.std(axis=0), 1.0, atol=1e-9)
    varies = case.x.std(axis=0) > 0
    assert step.names == tuple(f"f{k}" for k in np.flatnonzero(varies))


def fused(case: Case, found: Any) -> None:
    step, components = found
    finite(case, components)
    gram = step.loadings.T @ step.loadings
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-9)
    assert 0 < step.explained <= 1 + 1e-12


def usable(case: Case, signature: Signature) -> None:
    """It is saved, and it scores a new patient."""
    again = Signature.from_json(signature.to_json())
    new = case.table.frame.iloc[:1].set_axis(["new"])
    prediction = again.predict(type(case.table)(new), (float(case.time.min()),))
    assert np.isfinite(prediction.risk).all()
    assert ((prediction.survival >= 0) & (prediction.survival <= 1)).all()
    finite(case, signature.coefficients)


def chosen(case: Case, found: Any) -> None:
    assert set(found.selected) <= {f"f{k}" for k in range(case.x.shape[1])}
    assert found.candidates >= found.defined >= found.distinct >= found.associated >= len(found.selected)


def dealt(case: Case, folds: np.ndarray) -> None:
    assert sorted(np.unique(folds)) == list(range(3))
    deaths = [case.event[folds == f].sum() for f in range(3)]
    assert max(deaths) - min(deaths) <= 1


def frequencies(case: Case, found: Any) -> None:
    assert ((found.frequency >= 0) & (found.frequency <= 1)).all()
    constant = case.x.std(axis=0) == 0
    assert (found.frequency[constant] == 0).all()


def risks_of_others(case: Case, found: Any) -> None:
    """Nobody's risk comes from a model that saw the patient, which the table itself refuses; every risk is finite."""
    assert set(found.patients) == set(case.outcome.patients)
    finite(case, found)
    for patient in found.patients:
        assert patient not in found.fitted_on.get(patient, frozenset())


def two_risks(case: Case) -> pd.DataFrame:
    """In units of their largest."""
    largest = max(float(np.abs(case.risk).max()), 1e-9)
    return pd.DataFrame({"a": case.risk / largest, "b": case.other}, index=list(case.outcome.patients))


def best_weights(case: Case, found: np.ndarray) -> None:
    """Positive weights have no gradient, weights of zero none that points upwards (ridge 1)."""
    assert (found >= 0).all()
    x = two_risks(case).to_numpy()
    gradient = partial_score(x, case.outcome, found, "efron") - found
    np.testing.assert_allclose(gradient[found > 0], 0.0, atol=1e-4)
    assert (gradient[found == 0] < 1e-4).all()


def standardised(case: Case) -> pd.DataFrame:
    return fit_standardisation(case.table, 0.2)[1]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def folds_of(case: Case) -> np.ndarray:
    return assign_folds(case.outcome, 3, rng())


HALVES = (OutcomeError, "Stability selection halves the patients")
FUNCTIONS: dict[str, Checked] = {
    "fit_cox": Checked(
        lambda c: fit_cox(c.x, c.outcome),
        score_is_zero,
        {"all censored": CENSORED, **NOT_IDENTIFIED, **SEPARATED},
    ),
    "fit_cox, Breslow, ridge": Checked(
        lambda c: fit_cox(c.x, c.outcome, "breslow", ridge=1.0), score_is_zero, {"all censored": CENSORED}
    ),
    "univariate_cox": Checked(lambda c: univariate_cox(c.x, c.outcome), each_score_is_zero, {"all censored": CENSORED}),
    "lasso_cox_path": Checked(
        lambda c: lasso_cox_path(c.x, c.outcome, SHORT),
        path_is_optimal,
        {"all censored": CENSORED},
    ),
    "cv_lasso_cox": Checked(
        lambda c: cv_lasso_cox(c.x, c.outcome, folds_of(c), SHORT),
        lambda c, found: path_is_optimal(c, found.path),
        {
            "all censored": CENSORED,
            "one death": WITHOUT,
            "one patient": (SettingsError, "1 patients needs 2 to 1 folds, got 3"),
        },
    ),
    "drop_redundant": Checked(lambda c: drop_redundant(c.table), distinct),
    "fit_standardisation": Checked(lambda c: fit_standardisation(c.table, 0.2), scaled),
    "fit_fusion": Checked(lambda c: fit_fusion(standardised(c), frozenset(c.outcome.patients), 0.95), fused),
    "select_group": Checked(
        lambda c: select_group("all", standardised(c), c.outcome, QUICK, rng()),
        chosen,
        {"all censored": CENSORED, "one death": (SettingsError, "24 patients needs 2 to 24 folds, got 1")},
    ),
    "fit_signature": Checked(
        lambda c: fit_signature(c.table, c.outcome, groups={"all": ("",)}, options=QUICK, rng=rng()),
        usable,
        {**TOO_FEW, "no feature": (FeatureError, "Group 'all': no feature starts with")},
    ),
    "choose_ring": Checked(
        lambda c: choose_ring({"a": c.table, "b": c.table}, c.outcome, QUICK, rng()),
        lambda c, found: finite(c, found.scores),
        {
            **TOO_FEW,
            "all censored": (OutcomeError, "all of them are censored"),
            "one patient": (SettingsError, "1 patients needs 2 to 1 folds"),
            "three patients": (OutcomeError, "at least 5 events .* one sample .* and 1 of them had the event"),
            "one death": (OutcomeError, "at least 5 events .* 12 patients and all of them are censored"),
            "no feature": (FeatureError, "no feature starts with"),
        },
    ),
    "stability_selection": Checked(
        lambda c: stability_selection(c.x, c.outcome, rng(), StabilityOptions(pairs=3)),
        frequencies,
        dict.fromkeys(("all censored", "one death", "three patients", "one patient"), HALVES),
    ),
    "out_of_fold_risks": Checked(
        lambda c: out_of_fold_risks(c.table, c.outcome, {"all": c.table.names}, QUICK, rng()),
        risks_of_others,
        {
            "all censored": (OutcomeError, "All 12 patients are censored"),
            "one death": (OutcomeError, "All 12 patients are censored"),
            "one patient": (SettingsError, "1 patients needs 2 to 1 folds"),
        },
    ),
    "nonnegative_weights": Checked(
        lambda c: nonnegative_weights(two_risks(c), c.outcome, "efron", 1.0),
        best_weights,
        {"all censored": CENSORED},
    ),
    "assign_folds": Checked(
        lambda c: assign_folds(c.outcome, 3, rng()),
        dealt,
        {"one patient": (SettingsError, "Cross-validation of 1 patients needs 2 to 1 folds, got 3")},
    ),
}


@pytest.mark.parametrize(("function", "case"), pairs(FUNCTIONS))
def test_refuses_or_is_right(function: str, case: str) -> None:
    FUNCTIONS[function].run(case)


def test_every_refusal_names_a_case() -> None:
    check_names(FUNCTIONS)
    assert CASES["ordinary"].outcome.n_events > 10
