"""Fusion: joint and by group, late and stacked; every one a linear map that a saved signature can hold."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from perisurv.core import FeatureError, FeatureTable, LeakageError, Outcome, SettingsError
from perisurv.statistics import RiskSets
from perisurv.survival import (
    FitOptions,
    PcaFusion,
    Signature,
    fit_cox,
    fit_fusion,
    fit_signature,
    nonnegative_weights,
    out_of_fold_risks,
)

GROUPS = {"radiomics": ("tumour__",), "deep": ("deep_",)}
FUSIONS = ("pca", "pca_branch", "late_ridge", "stacked", "none")
Data = tuple[FeatureTable, Outcome]


def fitted(data: Data, **options: object) -> tuple[Signature, FeatureTable]:
    table, outcome = data
    training, new = table.patients[:60], table.patients[60:]
    rng = np.random.default_rng(0)
    options = {"lasso_lambdas": 30, **options}
    signature = fit_signature(table.take(training), outcome, groups=GROUPS, options=FitOptions(**options), rng=rng)
    return signature, table.take(new)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_is_linear_can_be_saved_and_refuses_its_patients(cohort: Data, fusion: str) -> None:
    signature, new = fitted(cohort, fusion=fusion)
    z = signature.scaling.values(new.frame)
    by_hand = z.to_numpy() @ np.array(list(signature.coefficients.values()))
    np.testing.assert_allclose(signature.risk(new), by_hand, atol=1e-12)
    truth = new.frame["tumour__a"] + new.frame["deep_000"]
    assert np.corrcoef(by_hand, truth)[0, 1] > 0.8
    again = Signature.from_json(signature.to_json())
    np.testing.assert_array_equal(again.risk(new), signature.risk(new))
    assert again.to_json() == signature.to_json()
    with pytest.raises(LeakageError, match="p003"):
        signature.predict(cohort[0].take(["p003"]))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_order_of_rows_changes_nothing(cohort: Data, fusion: str) -> None:
    table, outcome = cohort
    training = list(table.patients[:60])
    options = FitOptions(fusion=fusion, lasso_lambdas=20, lasso_folds=4)  # type: ignore[arg-type]
    one = fit_signature(table.take(training), outcome, groups=GROUPS, options=options, rng=np.random.default_rng(3))
    np.random.default_rng(8).shuffle(training)
    two = fit_signature(table.take(training), outcome, groups=GROUPS, options=options, rng=np.random.default_rng(3))
    assert one.to_json() == two.to_json()


# --- principal components ----------------------------------------------------------------------------------------


def frame_of(n: int = 50, p: int = 6, seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(size=(n, p)) @ np.random.default_rng(seed + 1).normal(size=(p, p))
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    return pd.DataFrame(values, index=[f"p{k:02d}" for k in range(n)], columns=[f"f{k}" for k in range(p)])


def test_components_of_a_group_are_those_of_the_group_alone() -> None:
    x = frame_of()
    groups = {"a": ["f0", "f1", "f2"], "b": ["f3", "f4", "f5"]}
    step, components = fit_fusion(x, frozenset(x.index), 0.9, groups=groups)
    for group, names in groups.items():
        alone, own = fit_fusion(x[names], frozenset(x.index), 0.9)
        columns = [c for c in step.components if c.startswith(f"{group}_")]
        assert columns == [f"{group}_{c}" for c in alone.components]
        np.testing.assert_allclose(components[columns], own, atol=1e-12)
    assert 0.9 <= step.explained <= 1.0


def test_a_fixed_count_of_components() -> None:
    x = frame_of()
    step, components = fit_fusion(x, frozenset(x.index), 0.5, 2)
    assert step.components == ("pc_01", "pc_02")
    variance = np.linalg.eigvalsh(np.cov(x.to_numpy().T, bias=True))[::-1]
    np.testing.assert_allclose(components.var(ddof=0), variance[:2], rtol=1e-10)
    assert step.explained == pytest.approx(variance[:2].sum() / 6, rel=1e-10)
    everything, _ = fit_fusion(x.assign(f5=x["f4"]), frozenset(x.index), 0.5, 100)
    assert len(everything.components) == 5  # the rank


def test_plain_columns_pass_as_they_are() -> None:
    x = frame_of()
    step, components = fit_fusion(x, frozenset(x.index), 0.8, plain=["f1", "f5"])
    alone, own = fit_fusion(x[["f0", "f2", "f3", "f4"]], frozenset(x.index), 0.8)
    assert step.components == (*alone.components, "f1", "f5")
    np.testing.assert_array_equal(components[["f1", "f5"]], x[["f1", "f5"]])
    np.testing.assert_allclose(components[list(alone.components)], own, atol=1e-12)


@pytest.mark.parametrize("columns", [[], ["f0"]])
def test_nothing_to_compress(columns: list[str]) -> None:
    x = frame_of()[columns]
    step, components = fit_fusion(x, frozenset(x.index), 0.9)
    assert (step.components, step.explained) == (tuple(columns), 1.0)
    np.testing.assert_array_equal(components, x)


def test_estimator_refuses_other_settings() -> None:
    with pytest.raises(SettingsError, match="n_components"):
        PcaFusion(n_components=-1).fit(frame_of())
    table = FeatureTable(frame_of())
    assert PcaFusion(n_components=3).fit_transform(table).frame.shape == (50, 3)


# --- risks out of fold --------------------------------------------------------------------------------------------


def test_risk_of_a_fold_knows_nothing_of_its_patients(cohort: Data) -> None:
    """Whatever happens to the outcome of a patient, the patient's own out-of-fold risk stays."""
    table, outcome = cohort
    options = FitOptions(fusion="stacked", lasso_lambdas=20, lasso_folds=4)
    columns = {g: [c for c in table.names if c.startswith(p)] for g, p in GROUPS.items()}
    first = out_of_fold_risks(table, outcome, columns, options, np.random.default_rng(1))
    for patient in ("p003", "p041"):
        at = outcome.patients.index(patient)
        time = outcome.time_days.copy()
        time[at] = time.max() + 500 if time[at] < np.median(time) else 1.0
        changed = Outcome(outcome.patients, time, outcome.event)
        second = out_of_fold_risks(table, changed, columns, options, np.random.default_rng(1))
        assert patient not in first.fitted_on[patient]
        np.testing.assert_array_equal(second.frame.loc[patient], first.frame.loc[patient])
        assert not second.frame.equals(first.frame)


def test_features_that_the_training_patients_shaped_are_refused(cohort: Data) -> None:
    """A network of fold k saw the patients of other folds: what is stacked on its features has seen them too."""
    table, outcome = cohort
    half = frozenset(table.patients[:45]), frozenset(table.patients[45:])
    made = FeatureTable(table.frame, {p: half[p in half[0]] for p in table.patients})
    options = FitOptions(fusion="late_ridge", lasso_lambdas=10)
    with pytest.raises(LeakageError):
        fit_signature(made, outcome, groups=GROUPS, options=options, rng=np.random.default_rng(0))


def test_in_sample_risks_cannot_be_made_into_a_table(cohort: Data) -> None:
    table, outcome = cohort
    cox = fit_cox(table.take(table.patients[:60]).frame[["tumour__a"]], outcome.take(table.patients[:60]))
    risk = cox.linear_predictor(table.frame[["tumour__a"]].to_numpy())
    with pytest.raises(LeakageError, match="p000"):
        FeatureTable(
            pd.DataFrame({"risk": risk}, index=table.frame.index), dict.fromkeys(table.patients, cox.fitted_on)
        )


def test_late_fusion_is_a_cox_model_on_out_of_fold_risks(cohort: Data) -> None:
    """Loadings are each group's own Cox model; weights are those of a Cox model on risks dealt by the same stream."""
    table, outcome = cohort
    table = table.take(table.patients[:60])
    outcome = outcome.take(table.patients)
    options = FitOptions(fusion="late_ridge", lasso_lambdas=30)
    signature = fit_signature(table, outcome, groups=GROUPS, options=options, rng=np.random.default_rng(0))
    rng = np.random.default_rng(0)
    rng.integers(2**63)
    columns = {g: [c for c in table.names if c.startswith(p)] for g, p in GROUPS.items()}
    risks = out_of_fold_risks(table, outcome, columns, options, rng).frame
    scaled = (risks - risks.mean()) / risks.std(ddof=0)
    np.testing.assert_allclose(signature.cox.coef, fit_cox(scaled, outcome, ridge=1.0).coef, rtol=1e-10)
    assert signature.fusion.components == ("risk_radiomics", "risk_deep")
    z = signature.scaling.values(table.frame)
    for column, selection in enumerate(signature.selection):
        own = fit_cox(z[list(selection.selected)], outcome, ridge=1.0).coef / risks[selection.group].std(ddof=0)
        rows = [signature.selected.index(name) for name in selection.selected]
        np.testing.assert_allclose(signature.fusion.loadings[rows, column], own, rtol=1e-10)


def test_a_group_that_says_nothing_gets_no_weight(cohort: Data) -> None:
    table, outcome = cohort
    frame = table.frame.copy()
    frame[[c for c in frame.columns if c.startswith("deep_")]] = np.random.default_rng(5).normal(size=(90, 8))
    signature, _ = fitted((FeatureTable(frame), outcome), fusion="stacked", univariate_p=1.0)
    weights = dict(zip(signature.fusion.components, signature.cox.coef, strict=True))
    assert weights.get("risk_deep", 0.0) < 0.3 * weights["risk_radiomics"]
    assert min(weights.values()) > 0


def test_no_group_at_all_is_a_null_signature(cohort: Data) -> None:
    for fusion in ("late_ridge", "stacked"):
        signature, new = fitted(cohort, fusion=fusion, univariate_p=0.0)
        assert signature.selected == ()
        assert (signature.risk(new) == 0).all()


# --- non-negative weights ----------------------------------------------------------------------------------------


def log_likelihood(weights: np.ndarray, x: pd.DataFrame, outcome: Outcome, ridge: float) -> float:
    sets = RiskSets.of(outcome.time_days, outcome.event, "efron")
    return sets.log_likelihood((x.to_numpy() @ weights)[sets.order]) - ridge / 2 * float(weights @ weights)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ridge", [0.0, 2.0])
def test_nonnegative_weights_are_the_bounded_maximum(seed: int, ridge: float) -> None:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=80)
    x = pd.DataFrame({f"m{k}": common + 0.7 * rng.normal(size=80) for k in range(5)})
    x = (x - x.mean()) / x.std(ddof=0)
    outcome = Outcome(
        tuple(f"p{k}" for k in range(80)), rng.exponential(300 * np.exp(-0.5 * common)) + 1, rng.random(80) < 0.7
    )
    weights = nonnegative_weights(x, outcome, "efron", ridge)
    best = minimize(
        lambda w: -log_likelihood(w, x, outcome, ridge), np.full(5, 0.1), bounds=[(0, None)] * 5, method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    assert (weights >= 0).all()
    assert log_likelihood(weights, x, outcome, ridge) >= -best.fun - 1e-9
    np.testing.assert_allclose(weights, best.x, atol=2e-4)
    free = fit_cox(x.set_axis(list(outcome.patients)), outcome, ridge=ridge).coef
    if (free > 0).all():
        np.testing.assert_allclose(weights, free, atol=1e-8)


def test_risks_that_only_mislead_get_no_weight(cohort: Data) -> None:
    table, outcome = cohort
    x = -table.frame[["tumour__a", "deep_000"]]
    assert (nonnegative_weights(x, outcome, "efron", 1.0) == 0).all()


def test_loadings_must_fit() -> None:
    with pytest.raises(FeatureError, match="Loadings of 2 features"):
        fit_fusion(frame_of(), frozenset(), 0.9)[0].__class__(("a", "b"), ("c",), np.eye(2), 1.0, frozenset())


@pytest.mark.parametrize("method", ["heuristic", "bootstrap", "ridge"])
def test_shrinkage_of_the_final_model(cohort: Data, method: str) -> None:
    plain, new = fitted(cohort, ridge=0.0)
    shrunken, _ = fitted(cohort, shrinkage=method)
    assert shrunken.selected == plain.selected
    ratio = shrunken.cox.coef / plain.cox.coef
    assert 0 < np.linalg.norm(shrunken.cox.coef) < np.linalg.norm(plain.cox.coef)
    if method != "ridge":
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-8)
    again = Signature.from_json(shrunken.to_json())
    np.testing.assert_array_equal(again.risk(new), shrunken.risk(new))
