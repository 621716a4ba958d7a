"""Strata by centre in the whole fit: R's stratified model at its end, no centre effect in what is selected before."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureError, FeatureTable, Outcome, SettingsError
from perisurv.survival import FitOptions, Signature, choose_ring, fit_signature, nonnegative_weights
from perisurv.survival.strata import labels_of_strata, strata_of

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "survival_cox.json").read_text())
TERMS = ["age", "sex", "ph.ecog", "wt.loss"]
CENTRES = ("north", "south", "west")
GROUPS = {"radiomics": ("tumour__",)}
QUICK = {"lasso_folds": 4, "lasso_lambdas": 20}
Data = tuple[FeatureTable, Outcome, dict[str, dict[str, float | str]]]


@pytest.fixture(scope="module")
def data() -> Data:
    """Centres differ in hazard. ``proxy`` tells the centre and nothing else, ``true`` the prognosis within a centre."""
    rng = np.random.default_rng(12)
    n = 180
    centre = np.arange(n) % 3
    true, proxy = rng.normal(size=n), centre + rng.normal(0, 0.3, n)
    death = rng.exponential(500 * np.exp(-0.8 * true - 1.2 * centre))
    censored = rng.uniform(300, 3000, n)
    ids = tuple(f"p{k:03d}" for k in range(n))
    frame = pd.DataFrame(rng.normal(size=(n, 6)), index=list(ids), columns=[f"tumour__n{k}" for k in range(6)])
    frame["tumour__true"], frame["tumour__proxy"] = true, proxy
    outcome = Outcome(ids, np.ceil(np.minimum(death, censored)), death <= censored)
    scans: dict[str, dict[str, float | str]] = {p: {"centre": CENTRES[c]} for p, c in zip(ids, centre, strict=True)}
    return FeatureTable(frame), outcome, scans


def fitted(data: Data, **options: object) -> Signature:
    table, outcome, scans = data
    own = FitOptions(**{**QUICK, **options})
    return fit_signature(
        table.take(table.patients[:150]), outcome, groups=GROUPS, options=own, rng=np.random.default_rng(1),
        acquisition=scans,
    )  # fmt: skip


def lung() -> Data:
    frame = pd.DataFrame(GOLDEN["data"])
    frame.index = pd.Index([f"p{k:03d}" for k in range(len(frame))])
    outcome = Outcome(tuple(frame.index), frame["month"].to_numpy(float), frame["event"].to_numpy() == 1)
    scans: dict[str, dict[str, float | str]] = {str(p): {"centre": str(c)} for p, c in frame["centre"].items()}
    return FeatureTable(frame[TERMS].astype(float)), outcome, scans


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_final_model_is_that_of_coxph_with_strata(ties: str) -> None:
    table, outcome, scans = lung()
    options = FitOptions(select=False, ridge=0.0, strata="centre", ties=ties)
    signature = fit_signature(
        table, outcome, groups={"all": ("",)}, options=options, rng=np.random.default_rng(0), acquisition=scans
    )
    expected = GOLDEN["models"][f"{ties}_strata_ones"]
    coef = np.array([signature.coefficients[c] for c in TERMS]) / table.frame.std(ddof=0).to_numpy()
    np.testing.assert_allclose(coef, expected["coef"], rtol=1e-9)
    labels, time = np.array([str(s) for s in expected["hazard_strata"]]), np.array(expected["hazard_time"], float)
    frame = table.frame.iloc[:5].set_axis([f"new{k}" for k in range(5)])
    new = FeatureTable(frame)
    for stratum in set(labels):
        own = labels == stratum
        at = {p: {"centre": stratum} for p in new.patients}
        survival = signature.predict(new, time[own].tolist(), acquisition=at).survival
        by_r = np.exp(-np.exp(frame.to_numpy() @ expected["coef"])[:, None] * np.array(expected["hazard"])[own])
        np.testing.assert_allclose(survival, by_r, rtol=1e-7, atol=1e-12)
    again = Signature.from_json(signature.to_json())
    unseen = again.predict(new, (12.0,), acquisition={p: {"centre": "elsewhere"} for p in new.patients}).survival
    pooled = signature.cox.survival(signature.risk(new), (12.0,))
    np.testing.assert_array_equal(unseen, pooled)
    np.testing.assert_array_equal(again.predict(new, (12.0,)).survival, pooled)


@pytest.mark.parametrize("rule", ["min", "stability"])
@pytest.mark.parametrize("select_by", ["group", "region"])
def test_what_only_tells_the_centre_is_not_selected(data: Data, rule: str, select_by: str) -> None:
    plain = fitted(data, lambda_rule=rule, select_by=select_by)
    within = fitted(data, lambda_rule=rule, select_by=select_by, strata="centre")
    assert {"tumour__true", "tumour__proxy"} <= set(plain.selected)
    assert "tumour__true" in within.selected
    assert "tumour__proxy" not in within.selected
    assert within.cox.strata == CENTRES


@pytest.mark.parametrize("fusion", ["late_ridge", "stacked"])
def test_late_fusion_weighs_within_centres(data: Data, fusion: str) -> None:
    """The out-of-fold risk of a group that only tells the centre gets next to no weight."""
    table, outcome, scans = data
    groups = {"real": ("tumour__true",), "centre": ("tumour__proxy",)}
    training = table.take(table.patients[:150])
    risks = {}
    for strata in ("none", "centre"):
        options = FitOptions(**QUICK, fusion=fusion, univariate_p=1.0, strata=strata)
        signature = fit_signature(
            training, outcome, groups=groups, options=options, rng=np.random.default_rng(2), acquisition=scans
        )
        risks[strata] = signature.coefficients
    assert risks["none"]["tumour__proxy"] > 0.5
    assert abs(risks["centre"].get("tumour__proxy", 0.0)) < 0.15
    assert risks["centre"]["tumour__true"] > 0.5


def test_stacked_weights_with_one_label_are_those_without(data: Data) -> None:
    table, outcome, scans = data
    risks = table.frame[["tumour__true", "tumour__proxy"]]
    one = nonnegative_weights(risks, outcome, "efron", 1.0)
    np.testing.assert_allclose(
        nonnegative_weights(risks, outcome, "efron", 1.0, strata=["a"] * len(outcome)), one, rtol=1e-12
    )
    within = nonnegative_weights(risks, outcome, "efron", 1.0, strata=[scans[p]["centre"] for p in outcome.patients])
    assert within[1] < one[1] / 3


@pytest.mark.parametrize("shrinkage", ["heuristic", "bootstrap", "ridge"])
def test_shrunken_models_keep_the_strata(data: Data, shrinkage: str) -> None:
    signature = fitted(data, strata="centre", shrinkage=shrinkage)
    assert signature.cox.strata == CENTRES
    assert "tumour__proxy" not in signature.selected


@pytest.mark.parametrize("score", ["concordance", "partial_likelihood"])
def test_the_ring_is_chosen_within_centres(data: Data, score: str) -> None:
    table, outcome, scans = data
    tables = {"proxy": table.select(["tumour__proxy", "tumour__n0"]), "true": table.select(["tumour__true"])}
    chosen = {}
    for strata in ("none", "centre"):
        options = FitOptions(**QUICK, ring_folds=3, ring_repeats=1, ring_score=score, univariate_p=1.0, strata=strata)
        chosen[strata] = choose_ring(tables, outcome, options, np.random.default_rng(1), acquisition=scans).ring
    assert chosen == {"none": "proxy", "centre": "true"}


def test_without_strata_the_centre_is_not_looked_at(data: Data) -> None:
    table, outcome, _ = data
    alone = fit_signature(
        table.take(table.patients[:150]), outcome, groups=GROUPS, options=FitOptions(**QUICK),
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert fitted(data).to_json() == alone.to_json()
    assert fitted(data).cox.strata == ()


@pytest.mark.parametrize("fusion", ["pca", "stacked"])
def test_one_centre_is_one_stratum(data: Data, fusion: str) -> None:
    table, outcome, _ = data
    same: Data = (table, outcome, {p: {"centre": "north"} for p in table.patients})
    one, none = fitted(same, strata="centre", fusion=fusion), fitted(data, fusion=fusion)
    assert one.cox.strata == ("north",)
    assert one.selected == none.selected
    np.testing.assert_allclose(list(one.coefficients.values()), list(none.coefficients.values()), rtol=1e-9)


def test_the_order_of_the_rows_changes_no_byte(data: Data) -> None:
    table, outcome, scans = data
    order = np.random.default_rng(5).permutation(180).tolist()
    mixed = [table.patients[k] for k in order]
    training = [p for p in mixed if p in table.patients[:150]]
    again = fit_signature(
        table.take(training), outcome.take(mixed), groups=GROUPS, options=FitOptions(**QUICK, strata="centre"),
        rng=np.random.default_rng(1), acquisition={p: scans[p] for p in mixed},
    )  # fmt: skip
    assert again.to_json() == fitted(data, strata="centre").to_json()


def test_a_centre_where_nobody_died_says_nothing(data: Data) -> None:
    """Its patients are in no risk set of a death; a new patient of it gets the baseline of all."""
    table, outcome, scans = data
    west = np.array([scans[p]["centre"] == "west" for p in outcome.patients])
    alive = Outcome(outcome.patients, outcome.time_days, outcome.event & ~west)
    signature = fitted((table, alive, scans), strata="centre", fusion="none")
    new = table.take(table.patients[150:])
    survival = signature.predict(new, (300.0,), acquisition=scans).survival[:, 0]
    pooled = signature.cox.survival(signature.risk(new), (300.0,))[:, 0]
    at_west = np.array([scans[p]["centre"] == "west" for p in new.patients])
    np.testing.assert_array_equal(survival[at_west], pooled[at_west])
    assert (survival[~at_west] != pooled[~at_west]).all()


def test_an_unknown_centre_is_named(data: Data) -> None:
    table, outcome, scans = data
    lacking = {p: ({} if p == "p003" else row) for p, row in scans.items()}
    with pytest.raises(FeatureError, match=r"p003 \(1 of 150\) have no 'centre'"):
        fitted((table, outcome, lacking), strata="centre")
    with pytest.raises(FeatureError, match="p000, p001"):
        strata_of(FitOptions(strata="centre"), None, table.patients)
    with pytest.raises(SettingsError, match="strata must be one of none, centre"):
        FitOptions(strata="scanner")


def test_labels_follow_the_outcome() -> None:
    outcome = Outcome(("b", "a"), np.array([1.0, 2.0]), np.array([True, True]))
    assert labels_of_strata({"a": "x", "b": "y", "c": "z"}, outcome) == ["y", "x"]
    assert labels_of_strata(None, outcome) is None
