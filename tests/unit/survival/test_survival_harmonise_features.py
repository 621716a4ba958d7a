"""Harmonisation inside the fit: of training patients alone, again in every inner fold, by the stated policy outside."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureError, FeatureTable, LeakageError, ModelError, Outcome, SettingsError
from perisurv.survival import (
    CombatOptions,
    FitOptions,
    RobustOptions,
    Signature,
    SignatureRegressor,
    choose_ring,
    fit_combat,
    fit_harmonisation,
    fit_robust_scale,
    fit_signature,
    late_fusion,
    out_of_fold_risks,
)

GROUPS = {"radiomics": ("tumour__",), "clinical": ("clinical__",)}
QUICK = {"lasso_folds": 4, "lasso_lambdas": 20, "univariate_p": 0.2}
COMBAT = {"harmonise": "combat", "harmonise_by": "scanner"}
ROBUST = {"harmonise": "robust", "harmonise_by": "scanner"}
both = pytest.mark.parametrize("how", [COMBAT, ROBUST])
Scans = dict[str, dict[str, float | str]]
Data = tuple[FeatureTable, Outcome, Scans]


@pytest.fixture(scope="module")
def data() -> Data:
    """Scanners shift and stretch the radiomics; the last 12 patients come from a third one."""
    rng = np.random.default_rng(3)
    n = 162
    scanner = np.where(np.arange(n) < 150, np.arange(n) % 2, 2)
    values = rng.normal(size=(n, 8))
    death, censored = rng.exponential(500 * np.exp(-1.2 * values[:, 0])), rng.uniform(300, 3000, n)
    shift, scale = rng.normal(0, 2, (3, 8)), rng.uniform(0.5, 2, (3, 8))
    ids = tuple(f"p{k:03d}" for k in range(n))
    seen = values * scale[scanner] + shift[scanner]
    frame = pd.DataFrame(seen, index=list(ids), columns=[f"tumour__o__cm_{k}" for k in range(8)])
    frame["clinical__age"] = rng.normal(7, 1, n)
    scans: Scans = {p: {"scanner": "ABC"[s], "slice_spacing_mm": 3.0} for p, s in zip(ids, scanner, strict=True)}
    return FeatureTable(frame), Outcome(ids, np.minimum(death, censored) + 1, death <= censored), scans


def fitted(data: Data, patients: tuple[str, ...] | None = None, **options: object) -> Signature:
    table, outcome, scans = data
    training = table.take(patients or table.patients[:120])
    own = FitOptions(**{**QUICK, **options})
    return fit_signature(training, outcome, groups=GROUPS, options=own, rng=np.random.default_rng(1), acquisition=scans)


def known_new(data: Data) -> FeatureTable:
    return data[0].take(data[0].patients[120:150])


@both
def test_is_the_fit_on_features_harmonised_by_hand(data: Data, how: dict[str, str]) -> None:
    table, outcome, scans = data
    batch = {p: str(row["scanner"]) for p, row in scans.items()}
    training, new = table.take(table.patients[:120]), known_new(data)
    radiomics = training.starting_with("tumour__")
    step, own = (fit_combat if how is COMBAT else fit_robust_scale)(radiomics, batch)
    by_hand = FeatureTable(pd.concat([own, training.frame[["clinical__age"]]], axis=1))
    plain = fit_signature(
        by_hand, outcome, groups=GROUPS, options=FitOptions(**QUICK), rng=np.random.default_rng(1), acquisition=scans
    )
    signature = fitted(data, **how)
    assert signature.coefficients == plain.coefficients
    applied = step.apply(new.starting_with("tumour__"), batch).frame
    expected = plain.predict(FeatureTable(pd.concat([applied, new.frame[["clinical__age"]]], axis=1)))
    found = signature.predict(new, acquisition=scans)
    np.testing.assert_array_equal(found.risk, expected.risk)
    np.testing.assert_array_equal(found.risk, signature.risk(new, scans))
    np.testing.assert_array_equal(found.risk, signature.linear_predictor(new.frame, scans))
    assert found.abstained == expected.abstained  # the domain, too, sees harmonised values
    assert any("harmonised by scanner" in note for note in signature.notes)
    assert signature.harmonisation is not None
    assert set(signature.harmonisation.names) == {c for c in signature.selected if c.startswith("tumour__")}


def test_it_repairs_what_scanners_did(data: Data) -> None:
    new, scans = known_new(data), data[2]
    plain, repaired = fitted(data), fitted(data, **COMBAT)
    scanner = np.array([scans[p]["scanner"] for p in new.patients])

    def apart(risk: np.ndarray) -> float:
        return abs(risk[scanner == "A"].mean() - risk[scanner == "B"].mean()) / float(risk.std())

    assert "tumour__o__cm_0" in repaired.selected
    assert abs(repaired.coefficients["tumour__o__cm_0"]) > abs(plain.coefficients["tumour__o__cm_0"])
    assert apart(repaired.risk(new, scans)) < 0.6


@both
def test_patients_outside_the_training_part_change_nothing(data: Data, how: dict[str, str]) -> None:
    """A leak put in on purpose: features, scanners and follow-up of all others are turned over."""
    table, outcome, scans = data
    others = list(table.patients[120:])
    frame = table.frame.copy()
    frame.loc[others] *= -50.0
    turned: Scans = {p: {**row, "scanner": "B" if p in others else row["scanner"]} for p, row in scans.items()}
    held = np.isin(outcome.patients, others)
    known = Outcome(outcome.patients, np.where(held, 1.0, outcome.time_days), outcome.event | held)
    assert fitted((FeatureTable(frame), known, turned), **how).to_json() == fitted(data, **how).to_json()


@both
def test_training_patients_are_refused(data: Data, how: dict[str, str]) -> None:
    table, _, scans = data
    signature = fitted(data, **how)
    assert signature.harmonisation is not None
    assert signature.harmonisation.fitted_on == signature.fitted_on == frozenset(table.patients[:120])
    with pytest.raises(LeakageError, match="p005"):
        signature.harmonisation.apply(table.take(["p005", "p130"]), scans)
    with pytest.raises(LeakageError, match="p005"):
        signature.risk(table.take(["p005", "p130"]), scans)
    everyone, harmonised = fit_harmonisation(
        table.take(table.patients[:150]), {"radiomics": table.starting_with("tumour__").names},
        FitOptions(**how), scans,
    )  # fmt: skip
    assert everyone is not None
    with pytest.raises(ModelError, match="not fitted on the same patients"):
        replace(signature, harmonisation=everyone.narrow(signature.selected))
    assert harmonised.patients == table.patients[:150]


@both
def test_a_cohort_harmonised_as_a_whole_is_refused(data: Data, how: dict[str, str]) -> None:
    """The rows know who shaped them, so what was fitted on them cannot score these patients."""
    table, outcome, scans = data
    batch = {p: str(row["scanner"]) for p, row in scans.items()}
    radiomics = table.starting_with("tumour__")
    step, own = (fit_combat if how is COMBAT else fit_robust_scale)(radiomics, batch)
    whole = FeatureTable(own, fitted_together=step.fitted_on)
    signature = fit_signature(
        whole.take(table.patients[:120]), outcome, groups={"radiomics": ("tumour__",)},
        options=FitOptions(**QUICK, **how), rng=np.random.default_rng(1), acquisition=scans,
    )  # fmt: skip
    assert signature.fitted_on == frozenset(table.patients)
    with pytest.raises(LeakageError):
        signature.risk(radiomics.take(table.patients[120:150]), scans)


def test_every_inner_fold_fits_it_again(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    table, outcome, scans = data
    training = table.take(table.patients[:120])
    seen: list[frozenset[str]] = []

    def watched(*arguments: object) -> object:
        step, made = fit_harmonisation(*arguments)  # type: ignore[arg-type]
        assert step is not None
        seen.append(step.fitted_on)
        return step, made

    monkeypatch.setattr(late_fusion, "fit_harmonisation", watched)
    columns = {"radiomics": training.starting_with("tumour__").names, "clinical": ("clinical__age",)}
    options = FitOptions(**QUICK, **COMBAT, fusion="stacked", fusion_folds=4)
    rng = np.random.default_rng(2)
    risks = out_of_fold_risks(training, outcome.take(training.patients), columns, options, rng, acquisition=scans)
    assert len(seen) == 4
    left_out = [frozenset(training.patients) - own for own in seen]
    assert sorted(p for part in left_out for p in part) == sorted(training.patients)
    for own, part in zip(seen, left_out, strict=True):
        assert all(risks.fitted_on[p] == own for p in part)


def test_the_choice_of_the_ring_harmonises_in_every_fold(data: Data) -> None:
    """The prognosis that scanners hid is found again in the left-out folds, whose batches must be known."""
    table, outcome, scans = data
    training = table.take(table.patients[:120]).starting_with("tumour__")
    tables = {"one": training.select(training.names[:3]), "two": training.select(training.names[3:])}
    options = FitOptions(**QUICK, **COMBAT, ring_folds=3, ring_repeats=1)
    rng = np.random.default_rng(4)
    choice = choose_ring(tables, outcome, options, rng, acquisition=scans)
    assert choice.ring == "one"
    plain = choose_ring(
        tables, outcome, replace(options, harmonise="none"), np.random.default_rng(4), acquisition=scans
    )
    assert np.mean(choice.scores["one"]) > np.mean(plain.scores["one"])
    with pytest.raises(FeatureError, match="no scanner"):
        choose_ring(tables, outcome, options, np.random.default_rng(4))


@pytest.mark.parametrize("fusion", ["pca", "late_ridge"])
@both
def test_a_scanner_that_did_not_train_follows_the_policy(data: Data, how: dict[str, str], fusion: str) -> None:
    table, _, scans = data
    third = table.take(table.patients[150:])
    with pytest.raises(FeatureError, match="'C' was not among the training batches"):
        fitted(data, **how, fusion=fusion).predict(third, acquisition=scans)
    signature = fitted(data, **how, fusion=fusion, unseen="as_is")
    risk = signature.predict(third, acquisition=scans).risk
    assert signature.harmonisation is not None
    step = signature.harmonisation.step
    raw = third.frame[list(step.names)]
    values = signature.harmonisation.values(third.frame, scans)[list(step.names)]
    if how is COMBAT:
        pd.testing.assert_frame_equal(values, raw)
    else:
        np.testing.assert_allclose(values, (raw - step.pooled_centre) / step.pooled_spread)
    assert np.isfinite(risk).all()


@pytest.mark.parametrize("scans", [None, {}, {"p121": {"scanner": "A"}}])
def test_a_batch_that_is_not_known_is_named(data: Data, scans: Scans | None) -> None:
    signature = fitted(data, **COMBAT)
    with pytest.raises(FeatureError, match="p120.* have no scanner, so their batch by scanner is unknown"):
        signature.predict(known_new(data), acquisition=scans)
    table, outcome, _ = data
    with pytest.raises(FeatureError, match="no scanner"):
        fit_signature(
            table, outcome, groups=GROUPS, options=FitOptions(**COMBAT), rng=np.random.default_rng(0), acquisition=scans
        )


@both
@pytest.mark.parametrize("fusion", ["pca", "stacked"])
def test_saved_and_read_it_predicts_the_same_bytes(data: Data, how: dict[str, str], fusion: str) -> None:
    signature = fitted(data, **how, fusion=fusion)
    text = signature.to_json()
    again = Signature.from_json(text)
    assert again.to_json() == text
    new, scans = known_new(data), data[2]
    one, two = signature.predict(new, acquisition=scans), again.predict(new, acquisition=scans)
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame(), check_exact=True)
    assert one.abstained == two.abstained
    assert fitted(data, **how, fusion=fusion).to_json() == text


def test_a_damaged_harmonisation_is_refused(data: Data) -> None:
    body = json.loads(fitted(data, **COMBAT).to_json())

    def with_step(change: object) -> str:
        other = json.loads(json.dumps(body))
        other["content"]["harmonisation"]["step"] = change
        return json.dumps(other)

    step = body["content"]["harmonisation"]["step"]
    with pytest.raises(ModelError, match="harmonisation.step lacks the field 'batches'"):
        Signature.from_json(with_step({k: v for k, v in step.items() if k != "batches"}))
    robust = json.loads(fitted(data, **ROBUST).to_json())["content"]["harmonisation"]["step"]
    with pytest.raises(ModelError, match="harmonisation.step lacks the field 'spread'"):
        Signature.from_json(with_step({k: v for k, v in robust.items() if k != "spread"}))
    with pytest.raises(ModelError, match="harmonisation.step must be an object"):
        Signature.from_json(with_step(None))
    with pytest.raises(ModelError, match="positive scales"):
        Signature.from_json(with_step({**step, "sd": {**step["sd"], "values": [-v for v in step["sd"]["values"]]}}))
    with pytest.raises(ModelError, match="not fitted on the same patients"):
        Signature.from_json(with_step({**step, "fitted_on": step["fitted_on"][1:]}))
    body["content"]["harmonisation"] = None
    with pytest.raises(ModelError, match="harmonisation must be an object"):
        Signature.from_json(json.dumps(body))


def test_without_harmonisation_there_is_no_trace_of_it(data: Data) -> None:
    signature = fitted(data)
    assert signature.harmonisation is None
    assert "harmonisation" not in json.loads(signature.to_json())["content"]
    assert not any("harmonised" in note for note in signature.notes)


@both
def test_undefined_values_stay_undefined_and_shift_no_batch(data: Data, how: dict[str, str]) -> None:
    table, outcome, scans = data
    frame = table.frame.copy()
    gaps = list(table.patients[:120:2])[:15]  # all of scanner A
    frame.loc[gaps, "tumour__o__cm_1"] = np.nan
    frame.loc[table.patients[121], "tumour__o__cm_0"] = np.nan
    frame["tumour__o__cm_sparse"] = np.where(np.arange(len(frame)) % 2, frame["tumour__o__cm_0"], np.nan)
    holed = FeatureTable(frame)
    columns = {"radiomics": holed.starting_with("tumour__").names}
    step, made = fit_harmonisation(holed.take(table.patients[:120]), columns, FitOptions(**how), scans)
    assert step is not None
    assert "tumour__o__cm_sparse" not in step.names
    assert made.frame["tumour__o__cm_1"].isna().sum() == 15
    pd.testing.assert_series_equal(
        made.frame["tumour__o__cm_sparse"], frame.loc[list(made.patients), "tumour__o__cm_sparse"], check_names=False
    )
    own = made.frame["tumour__o__cm_1"]
    scanner = np.array([scans[p]["scanner"] for p in made.patients])
    medians = [float(own[scanner == s].median()) for s in "AB"]
    assert abs(medians[0] - medians[1]) < 0.5 * float(own.std())
    signature = fitted((holed, outcome, scans), **how)
    new = holed.take(table.patients[120:150])
    assert np.isfinite(signature.risk(new, scans)).all()
    # An undefined value becomes the training median of the harmonised values.
    imputed = signature.scaling.median[signature.selected.index("tumour__o__cm_0")]
    assert imputed == pytest.approx(float(np.median(made.frame["tumour__o__cm_0"])))


def test_only_the_groups_that_are_named_are_touched(data: Data) -> None:
    table, _, scans = data
    training = table.take(table.patients[:120])
    columns = {"radiomics": training.starting_with("tumour__").names, "clinical": ("clinical__age",)}
    options = FitOptions(**COMBAT, harmonise_groups=("clinical",))
    step, made = fit_harmonisation(training, columns, options, scans)
    assert step is not None
    assert step.names == ("clinical__age",)
    pd.testing.assert_frame_equal(
        made.frame.drop(columns="clinical__age"), training.frame.drop(columns="clinical__age")
    )
    with pytest.raises(SettingsError, match="the groups of this fit are radiomics, clinical"):
        fit_harmonisation(training, columns, replace(options, harmonise_groups=("deep",)), scans)
    for bad in ({"harmonise": "sva"}, {"unseen": "sample"}, {"harmonise_by": "nurse"}):
        with pytest.raises(SettingsError, match="must be one of"):
            FitOptions(**bad)


def test_one_batch_changes_no_coefficient(data: Data) -> None:
    table, outcome, scans = data
    same: Scans = {p: {**row, "scanner": "A"} for p, row in scans.items()}
    one, none = fitted((table, outcome, same), **COMBAT), fitted(data)
    assert one.coefficients == none.coefficients


@both
def test_the_order_of_the_rows_changes_no_byte(data: Data, how: dict[str, str]) -> None:
    table, outcome, scans = data
    order = [table.patients[k] for k in np.random.default_rng(9).permutation(120)]
    mixed = fitted((table, outcome.take([*order, *table.patients[120:]]), scans), tuple(order), **how)
    assert mixed.to_json() == fitted(data, **how).to_json()


def test_the_narrowed_step_is_the_step(data: Data) -> None:
    table, _, scans = data
    training, new = table.take(table.patients[:120]), known_new(data)
    batch = {p: str(row["scanner"]) for p, row in scans.items()}
    names = ["tumour__o__cm_5", "tumour__o__cm_2"]
    for step in (
        fit_combat(training, batch, CombatOptions())[0],
        fit_robust_scale(training, batch, RobustOptions())[0],
    ):
        pd.testing.assert_frame_equal(step.narrow(names).apply(new, batch).frame, step.apply(new, batch).frame[names])


def test_the_estimator_knows_the_scans(data: Data) -> None:
    table, outcome, scans = data
    training = table.take(table.patients[:120])
    options = FitOptions(**QUICK, **COMBAT, strata="centre")
    with_centres: Scans = {p: {**row, "centre": "A"} for p, row in scans.items()}
    estimator = SignatureRegressor(groups=GROUPS, options=options, seed=1, acquisition=with_centres)
    estimator.fit(training, outcome.take(training.patients))
    np.testing.assert_array_equal(
        estimator.predict(known_new(data)), estimator.signature_.risk(known_new(data), with_centres)
    )
    with pytest.raises(FeatureError, match="'C' was not among"):
        estimator.predict(table.take(table.patients[150:]))
