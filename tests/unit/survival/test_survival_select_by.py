"""One selection a group, a region or a family; groups that stay whole."""

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureTable, Outcome
from perisurv.survival import FitOptions, fit_signature

GROUPS = {"radiomics": ("tumour__", "ring_3mm__"), "clinical": ("clinical__",)}


@pytest.fixture
def data() -> tuple[FeatureTable, Outcome]:
    """Many features of one family that carry one signal, one of another family that carries a weaker one."""
    rng = np.random.default_rng(2)
    n = 120
    strong, weak = rng.normal(size=n), rng.normal(size=n)
    columns = {f"tumour__o__cm_{k}": strong + 0.4 * rng.normal(size=n) for k in range(6)}
    columns |= {"tumour__o__szm_0": weak, "tumour__o__szm_1": rng.normal(size=n)}
    columns |= {f"ring_3mm__o__cm_{k}": rng.normal(size=n) for k in range(3)}
    columns |= {"clinical__age_decades": rng.normal(size=n), "clinical__male": rng.integers(0, 2, n).astype(float)}
    ids = tuple(f"p{k:03d}" for k in range(n))
    death, censored = rng.exponential(500 * np.exp(-strong - 0.9 * weak)), rng.uniform(200, 2500, n)
    return (
        FeatureTable(pd.DataFrame(columns, index=list(ids))),
        Outcome(ids, np.minimum(death, censored) + 1, death <= censored),
    )


def selection_of(data: tuple[FeatureTable, Outcome], **options: object) -> dict[tuple[str, str], tuple[int, set[str]]]:
    quick = {"lasso_folds": 4, "lasso_lambdas": 20, "redundancy_rho": 1.0, **options}
    signature = fit_signature(*data, groups=GROUPS, options=FitOptions(**quick), rng=np.random.default_rng(0))
    return {(s.group, s.part): (s.candidates, set(s.selected)) for s in signature.selection}


def test_parts_are_what_they_are_called(data: tuple[FeatureTable, Outcome]) -> None:
    sizes = {
        by: {k: n for k, (n, _) in selection_of(data, select_by=by).items()} for by in ("group", "region", "family")
    }
    assert sizes["group"] == {("radiomics", ""): 11, ("clinical", ""): 2}
    assert sizes["region"] == {
        ("radiomics", "tumour"): 8, ("radiomics", "ring_3mm"): 3, ("clinical", "clinical"): 2,
    }  # fmt: skip
    assert sizes["family"] == {
        ("radiomics", "tumour__cm"): 6, ("radiomics", "tumour__szm"): 2, ("radiomics", "ring_3mm__cm"): 3,
        ("clinical", "clinical__age"): 1, ("clinical", "clinical__male"): 1,
    }  # fmt: skip


def test_a_small_family_is_heard(data: tuple[FeatureTable, Outcome]) -> None:
    found = selection_of(data, select_by="family")
    assert "tumour__o__szm_0" in found["radiomics", "tumour__szm"][1]
    assert found["radiomics", "tumour__cm"][1]


@pytest.mark.parametrize("by", ["group", "family"])
@pytest.mark.parametrize("fusion", ["pca", "pca_branch", "late_ridge"])
def test_a_group_that_is_not_penalised_stays_whole(data: tuple[FeatureTable, Outcome], by: str, fusion: str) -> None:
    options = FitOptions(
        unpenalised=("clinical",), select_by=by, fusion=fusion, lasso_folds=4, lasso_lambdas=15  # type: ignore[arg-type]
    )  # fmt: skip
    signature = fit_signature(*data, groups=GROUPS, options=options, rng=np.random.default_rng(0))
    assert {"clinical__age_decades", "clinical__male"} <= set(signature.selected)
    if fusion != "late_ridge":
        assert {"clinical__age_decades", "clinical__male"} <= set(signature.fusion.components)


def test_an_elastic_net_keeps_more_of_like_features(data: tuple[FeatureTable, Outcome]) -> None:
    lasso = selection_of(data)["radiomics", ""][1]
    net = selection_of(data, lasso_alpha=0.1)["radiomics", ""][1]
    like = {f"tumour__o__cm_{k}" for k in range(6)}
    assert len(net & like) > len(lasso & like)


def test_lasso_chooses_what_adds_to_the_columns_that_stay() -> None:
    """A copy of the stage that radiomics holds is worth a place only where the stage is not there already."""
    rng = np.random.default_rng(6)
    n = 150
    stage, texture = rng.normal(size=n), rng.normal(size=n)
    columns = {
        "tumour__o__cm_copy": stage + 0.3 * rng.normal(size=n),
        "tumour__o__cm_own": texture,
        **{f"tumour__o__cm_{k}": rng.normal(size=n) for k in range(4)},
        "clinical__stage": stage,
    }
    ids = tuple(f"p{k:03d}" for k in range(n))
    death, censored = rng.exponential(500 * np.exp(-stage - texture)), rng.uniform(300, 3000, n)
    outcome = Outcome(ids, np.minimum(death, censored) + 1, death <= censored)
    table = FeatureTable(pd.DataFrame(columns, index=list(ids)))
    groups = {"radiomics": ("tumour__",), "clinical": ("clinical__",)}
    chosen = {}
    for stays in ((), ("clinical",)):
        options = FitOptions(unpenalised=stays, lambda_rule="1se", lasso_lambdas=40, lasso_folds=5)
        signature = fit_signature(table, outcome, groups=groups, options=options, rng=np.random.default_rng(0))
        chosen[stays] = set(signature.selection[0].selected)
        assert "tumour__o__cm_own" in chosen[stays]
    assert "tumour__o__cm_copy" in chosen[()]
    assert "tumour__o__cm_copy" not in chosen["clinical",]


def test_repeats_and_ties_of_the_lasso_are_used(data: tuple[FeatureTable, Outcome]) -> None:
    """With rounded times ties matter; more repeats smooth the curve that chooses lambda."""
    table, outcome = data
    rounded = Outcome(outcome.patients, np.ceil(outcome.time_days / 300) * 300, outcome.event)

    def penalty(**options: object) -> float:
        quick = FitOptions(lasso_folds=4, lasso_lambdas=60, **options)  # type: ignore[arg-type]
        signature = fit_signature(table, rounded, groups=GROUPS, options=quick, rng=np.random.default_rng(0))
        return signature.selection[0].penalty

    assert penalty(lasso_ties="efron") != penalty()
    repeated = {penalty(lasso_repeats=repeats) for repeats in (1, 2, 5)}
    assert len(repeated) > 1
