"""Batches, covariates, unseen centres, hard cases, and what goes through pipelines and files."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from perisurv.core import ConvergenceError, FeatureError, FeatureTable, LeakageError, ModelError, Outcome, SettingsError
from perisurv.survival import (
    ComBat,
    CombatOptions,
    Harmonisation,
    RobustOptions,
    RobustScale,
    Standardiser,
    batches,
    codec,
    fit_combat,
    fit_robust_scale,
)
from perisurv.survival.harmonise import empirical_bayes

FEATURES = 30


def site(name: str, n: int, seed: int, *, shift: float = 0.0, scale: float = 1.0) -> FeatureTable:
    """Patients ``name00``, ...; every feature is moved by about ``shift`` and stretched by about ``scale``."""
    rng = np.random.default_rng(seed)
    moved, wide = rng.normal(shift, 0.2, FEATURES), scale * np.exp(rng.normal(0, 0.1, FEATURES))
    values = 10 + moved + wide * rng.normal(size=(n, FEATURES))
    return FeatureTable(
        pd.DataFrame(values, [f"{name}{k:02d}" for k in range(n)], [f"f{k:02d}" for k in range(FEATURES)])
    )


A, B, C = site("a", 40, 1), site("b", 30, 2, shift=2, scale=1.5), site("c", 40, 3, shift=-1, scale=0.7)
TRAINING = FeatureTable.stack([A, B])
CENTRES = {p: p[0].upper() for t in (A, B, C) for p in t.patients}


def step_of(table: FeatureTable = TRAINING, **options: Any) -> Harmonisation:
    return fit_combat(table, CENTRES, CombatOptions(**options))[0]


def with_values(table: FeatureTable, patients: list[str], name: str, value: float) -> FeatureTable:
    frame = table.frame.copy()
    frame.loc[patients, name] = value
    return FeatureTable(frame)


# --- batches -----------------------------------------------------------------------------------------------------

SCANS = {
    "p1": {"centre": "A", "scanner": "SIEMENS Biograph", "kernel": "B30f", "slice_spacing_mm": 1.0},
    "p2": {"centre": "B", "scanner": "GE Discovery", "kernel": " STANDARD ", "slice_spacing_mm": 2.5000001},
    "p3": {"centre": "B", "scanner": "GE Discovery", "kernel": "B30f", "slice_spacing_mm": 5.0},
}


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        ("centre", ["A", "B", "B"]),
        ("scanner", ["SIEMENS Biograph", "GE Discovery", "GE Discovery"]),
        ("kernel", ["B30f", "STANDARD", "B30f"]),
        ("slice_thickness", ["up to 1.5 mm", "1.5 to 2.5 mm", "over 4 mm"]),
    ],
)
def test_batches(by: Any, labels: list[str]) -> None:
    assert list(batches(SCANS, by).values()) == labels


def test_a_number_is_a_name_unless_it_is_a_thickness() -> None:
    assert batches({"p1": {"centre": 2}}, "centre") == {"p1": "2"}
    assert batches({"p1": {"slice_spacing_mm": np.float32(3)}}, "slice_thickness") == {"p1": "2.5 to 4 mm"}


def test_bins_of_slice_thickness_can_be_chosen() -> None:
    assert list(batches(SCANS, "slice_thickness", edges_mm=[3]).values()) == ["up to 3 mm", "up to 3 mm", "over 3 mm"]
    with pytest.raises(SettingsError, match="rise"):
        batches(SCANS, "slice_thickness", edges_mm=[3, 1])


@pytest.mark.parametrize("value", [None, "", " ", float("nan")])
@pytest.mark.parametrize("by", ["kernel", "slice_thickness"])
def test_a_patient_without_the_value_is_named(by: Any, value: Any) -> None:
    key = "kernel" if by == "kernel" else "slice_spacing_mm"
    with pytest.raises(FeatureError, match=f"p2 have no {key}"):
        batches(SCANS | {"p2": {key: value}}, by)


def test_batches_go_by_what_is_known_of_a_scan() -> None:
    with pytest.raises(SettingsError, match="centre, scanner, kernel, slice_thickness; got 'colour'"):
        batches(SCANS, "colour")  # type: ignore[arg-type]


def test_a_patient_without_batch_is_named() -> None:
    with pytest.raises(FeatureError, match="a07 have no batch"):
        fit_combat(TRAINING, {p: c for p, c in CENTRES.items() if p != "a07"})


# --- what ComBat does --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", ["parametric", "nonparametric"])
def test_new_patients_of_known_centres_come_together(prior: Any) -> None:
    a, b = site("a", 150, 1), site("b", 150, 2, shift=2, scale=1.5)
    training = FeatureTable.stack([a.take(a.patients[:50]), b.take(b.patients[:50])])
    new_a, new_b = a.take(a.patients[50:]), b.take(b.patients[50:])
    centres = {p: p[0].upper() for t in (a, b) for p in t.patients}
    step, _ = fit_combat(training, centres, CombatOptions(prior=prior))
    before = (new_b.frame.mean() - new_a.frame.mean()).abs().mean()
    done_a, done_b = (step.apply(t, centres).frame for t in (new_a, new_b))
    assert before > 1.9
    assert (done_b.mean() - done_a.mean()).abs().mean() < 0.3
    assert 0.9 < (done_b.std() / done_a.std()).mean() < 1.1
    assert step.apply(new_a, centres).seen == set(training.patients)


def test_the_effect_of_a_covariate_is_kept() -> None:
    """One centre has few old patients; without the covariate, what age does is taken for what the centre does."""
    rng = np.random.default_rng(0)
    old = np.array([1.0] * 30 + [0.0] * 10 + [1.0] * 5 + [0.0] * 35)
    ids = [f"a{k:02d}" for k in range(40)] + [f"b{k:02d}" for k in range(40)]
    shift = np.repeat([0.0, 2.0], 40)[:, None]
    frame = pd.DataFrame(3 * old[:, None] + shift + rng.normal(size=(80, 30)), ids, [f"f{k}" for k in range(30)])
    table, covariates = FeatureTable(frame), pd.DataFrame({"old": old}, ids)
    centres = {p: p[0] for p in ids}

    def differences(covariates: pd.DataFrame | None) -> tuple[float, float]:
        """Old against young within the centres, B against A within the ages."""
        done = fit_combat(table, centres, covariates=covariates)[1].mean(axis=1)
        of = done.groupby([[p[0] for p in ids], old]).mean()
        ages, sites = of.xs(1, level=1) - of.xs(0, level=1), of.loc["b"] - of.loc["a"]
        return float(ages.mean()), float(sites.mean())

    age, centre = differences(covariates)
    assert age == pytest.approx(3, abs=0.15)
    assert centre == pytest.approx(0, abs=0.15)
    assert abs(differences(None)[1]) > 1


def test_covariates_of_new_patients_are_needed() -> None:
    rng = np.random.default_rng(0)
    covariates = pd.DataFrame({"age": rng.normal(60, 9, len(CENTRES))}, list(CENTRES))
    step, values = fit_combat(TRAINING, CENTRES, CombatOptions(unseen="as_is"), covariates)
    np.testing.assert_array_equal(values, step.values(TRAINING.frame, CENTRES, covariates))
    assert step.apply(C, CENTRES, covariates).patients == C.patients
    with pytest.raises(FeatureError, match="fitted with covariates age"):
        step.apply(C, CENTRES)
    with pytest.raises(FeatureError, match="c00, c01, c02, c03, c04 have no covariates"):
        step.apply(C, CENTRES, covariates.loc[list(TRAINING.patients)])
    with pytest.raises(FeatureError, match="'age' is not among"):
        step.apply(C, CENTRES, covariates.rename(columns={"age": "years"}))
    gap = covariates.copy()
    gap.loc["c03", "age"] = np.nan
    with pytest.raises(FeatureError, match="'age' is missing for patient c03"):
        step.apply(C, CENTRES, gap)


def test_one_batch_changes_nothing() -> None:
    for batch in (None, dict.fromkeys(A.patients, "A")):
        step, values = fit_combat(A, batch)
        np.testing.assert_array_equal(values, A.frame)
        assert step.batches == ("all" if batch is None else "A",)


# --- unseen batches ----------------------------------------------------------------------------------------------


def test_an_unseen_centre_is_refused_by_name() -> None:
    with pytest.raises(FeatureError, match=r"Batch 'C' was not among the training batches \(A, B\).*unseen='sample'"):
        step_of().apply(C, CENTRES)
    with pytest.raises(FeatureError, match="with_sample estimates it"):
        step_of(unseen="sample").apply(C, CENTRES)


def test_an_unseen_centre_left_as_it_is() -> None:
    step = step_of(unseen="as_is")
    mixed = FeatureTable.stack([C, site("a9", 3, 5)])
    batch = CENTRES | dict.fromkeys(mixed.patients[-3:], "A")
    done = step.apply(mixed, batch)
    np.testing.assert_array_equal(done.frame.loc[list(C.patients)], C.frame)
    assert not np.allclose(done.frame.iloc[-3:], mixed.frame.iloc[-3:])
    notes = step.notes(mixed.patients, batch)
    assert set(notes) == set(C.patients)
    assert "'C'" in notes["c00"]


@pytest.mark.parametrize("options", [{}, {"prior": "nonparametric"}, {"prior": "none"}, {"mean_only": True}])
def test_a_sample_gives_what_a_fit_with_that_batch_would(options: dict[str, Any]) -> None:
    """With A as reference, its mean and standard deviation are those of A alone: only the way to B differs."""
    both = step_of(reference="A", **options)
    alone = step_of(A, unseen="sample", **options)
    later = alone.with_sample(B, "B")
    np.testing.assert_allclose(later.location, both.location, atol=1e-12)
    np.testing.assert_allclose(later.scale, both.scale, atol=1e-12)
    assert (later.batches, later.sizes) == (("A", "B"), (40, 30))


def test_the_patients_of_a_sample_are_not_scored() -> None:
    sample, new = C.take(C.patients[:15]), C.take(C.patients[15:])
    step = step_of(unseen="sample").with_sample(sample, "C")
    done = step.apply(new, CENTRES)
    assert done.seen == {*TRAINING.patients, *sample.patients}
    pooled = step.values(TRAINING.frame, CENTRES).mean()
    assert (done.frame.mean() - pooled).abs().mean() < 0.3 * (new.frame.mean() - pooled).abs().mean()
    for table in (sample, TRAINING):
        with pytest.raises(LeakageError, match=table.patients[0]):
            step.apply(table, CENTRES)


def test_what_no_sample_can_be() -> None:
    step = step_of(unseen="sample")
    with pytest.raises(SettingsError, match="is 'refuse'"):
        step_of().with_sample(C, "C")
    with pytest.raises(FeatureError, match="9 patients of batch 'C' are too few .* at least 10"):
        step.with_sample(C.take(C.patients[:9]), "C")
    with pytest.raises(FeatureError, match="name of a new batch; got 'B'"):
        step.with_sample(C, "B")
    with pytest.raises(LeakageError, match="a00"):
        step.with_sample(FeatureTable.stack([C, A.take(["a00"])]), "C")
    with pytest.raises(FeatureError, match="'f03' is missing"):
        step.with_sample(with_values(C, ["c01"], "f03", np.nan), "C")


def test_a_feature_that_is_constant_in_a_sample_stays_as_it_is_there() -> None:
    flat = with_values(C, list(C.patients), "f04", 3.0)
    step = step_of(unseen="sample").with_sample(flat.take(C.patients[:20]), "C")
    assert step.unadjusted == {"f04": "constant in the sample of batch 'C'"}
    new = flat.take(C.patients[20:])
    np.testing.assert_array_equal(step.apply(new, CENTRES).frame["f04"], new.frame["f04"])
    assert np.isfinite(step.apply(new, CENTRES).frame.to_numpy()).all()


def test_several_centres_can_be_sampled_one_after_another() -> None:
    d = site("d", 20, 9, shift=5)
    step = step_of(A, unseen="sample").with_sample(C, "C").with_sample(d, "D")
    assert step.batches == ("A", "C", "D")
    assert step.fitted_on == {*A.patients, *C.patients, *d.patients}


# --- covariates that cannot be -----------------------------------------------------------------------------------


FOLLOW_UP = ("time_days", "event", "OS", "Survival.time", "Dead", "deadstatus.event")


def covariate(name: str, values: Any) -> pd.DataFrame:
    return pd.DataFrame({"age": np.arange(70) % 13, name: values}, list(TRAINING.patients))


@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        (covariate("dose_gy", 60.0), "'dose_gy' is the same for all"),
        (covariate("phase", [0.0] * 40 + [1.0] * 30), "'phase' is confounded with the batch and age"),
        (covariate("months", 12.0 * (np.arange(70) % 13)), "'months' is confounded with the batch and age"),
        (covariate("sex", ["f", "m"] * 35), "'sex' is no number"),
        *(
            (covariate(n, np.arange(70) % 5), "looks like follow-up")
            for n in ("time_days", "event", "OS", "Survival.time", "Dead")
        ),
    ],
)
def test_covariates_that_are_refused(covariates: pd.DataFrame, message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        fit_combat(TRAINING, CENTRES, covariates=covariates)


def test_the_outcome_is_no_covariate() -> None:
    outcome = Outcome(TRAINING.patients, np.arange(1.0, 71), np.ones(70, dtype=bool))
    with pytest.raises(FeatureError, match=r"not known for new patients \(got Outcome\)"):
        fit_combat(TRAINING, CENTRES, covariates=outcome)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["performance_status", "smoking_status", "vital_capacity", "timeliness", "age_days"])
def test_covariates_that_only_sound_like_it(name: str) -> None:
    assert fit_combat(TRAINING, CENTRES, covariates=covariate(name, np.arange(70) % 5))[0].covariates == ("age", name)


# --- hard cases --------------------------------------------------------------------------------------------------


def test_a_batch_of_one_patient() -> None:
    table = FeatureTable.stack([TRAINING, C.take(["c00"])])
    for options in (
        CombatOptions(),
        CombatOptions(mean_only=True, prior="none"),
        CombatOptions(mean_only=True, reference="C"),
    ):
        with pytest.raises(FeatureError, match="'C' has one patient"):
            fit_combat(table, CENTRES, options)
    done = fit_combat(table, CENTRES, CombatOptions(mean_only=True))[1]
    pooled = done.loc[list(TRAINING.patients)].mean()
    assert 0 < (done.loc["c00"] - pooled).abs().mean() < (C.frame.loc["c00"] - pooled).abs().mean()


def test_constant_features_are_left_as_they_are_and_named() -> None:
    table = with_values(with_values(TRAINING, list(TRAINING.patients), "f01", 4.0), list(B.patients), "f02", 0.1)
    step, done = fit_combat(table, CENTRES)
    assert step.unadjusted == {"f01": "constant within batch 'A'", "f02": "constant within batch 'B'"}
    np.testing.assert_array_equal(done[["f01", "f02"]], table.frame[["f01", "f02"]])
    others = [n for n in table.names if n not in step.unadjusted]
    np.testing.assert_allclose(done[others], fit_combat(TRAINING.select(others), CENTRES)[1], atol=1e-12)


def test_a_feature_that_is_a_covariate_is_kept() -> None:
    table = FeatureTable(TRAINING.frame.assign(f05=covariate("x", 0)["age"]))
    step, done = fit_combat(table, CENTRES, covariates=covariate("x", 0)[["age"]])
    assert step.unadjusted == {"f05": "explained by batch and covariates"}
    np.testing.assert_array_equal(done["f05"], table.frame["f05"])


def test_a_batch_of_copies_is_refused() -> None:
    frame = TRAINING.frame.copy()
    frame.loc[list(B.patients)] = B.frame.iloc[0].to_numpy()
    with pytest.raises(FeatureError, match="No feature varies within batch 'B'"):
        fit_combat(FeatureTable(frame), CENTRES)


def test_missing_values_are_refused_by_name() -> None:
    bad = with_values(TRAINING, ["b03"], "f07", np.nan)
    with pytest.raises(FeatureError, match="'f07' is missing"):
        fit_combat(bad, CENTRES)
    with pytest.raises(FeatureError, match="'f07' is missing"):
        fit_robust_scale(bad, CENTRES)
    with pytest.raises(FeatureError, match="'f07' is missing"):
        step_of(unseen="as_is").apply(with_values(C, ["c01"], "f07", np.nan), CENTRES)


def test_one_feature_has_no_prior() -> None:
    table = TRAINING.select(["f00"])
    with pytest.raises(FeatureError, match="found 1 that can be adjusted; use prior='none'"):
        fit_combat(table, CENTRES)
    assert np.isfinite(fit_combat(table, CENTRES, CombatOptions(prior="none"))[1].to_numpy()).all()


def test_features_that_are_all_alike() -> None:
    """Neither locations nor scales vary over the features: the prior is a point, and everything goes there."""
    frame = pd.concat([TRAINING.frame[["f00"]].rename(columns={"f00": f"g{k}"}) for k in range(4)], axis=1)
    for prior in ("parametric", "nonparametric", "none"):
        done = fit_combat(FeatureTable(frame), CENTRES, CombatOptions(prior=prior))[1].to_numpy()  # type: ignore[arg-type]
        alone = fit_combat(TRAINING.select(["f00"]), CENTRES, CombatOptions(prior="none"))[1].to_numpy()
        np.testing.assert_allclose(done, np.repeat(alone, 4, axis=1), atol=1e-9)


def test_the_nonparametric_prior_of_a_large_batch() -> None:
    """The likelihood of 3000 values is below the smallest number; its plain product is 0 / 0."""
    rng = np.random.default_rng(0)
    ids = [f"{'ab'[k % 2]}{k}" for k in range(6000)]
    frame = pd.DataFrame(rng.normal(size=(6000, 5)), ids, list("vwxyz"))
    done = fit_combat(FeatureTable(frame), {p: p[0] for p in ids}, CombatOptions(prior="nonparametric"))[1]
    np.testing.assert_allclose(done, frame.to_numpy(), atol=0.5)


def test_too_few_patients_for_the_covariates() -> None:
    few = TRAINING.take(["a00", "a01", "b00", "b01"])
    covariates = pd.DataFrame({"age": [1.0, 2, 4, 3], "dose": [1.0, 3, 1, 4]}, list(few.patients))
    with pytest.raises(FeatureError, match="4 patients are too few for 2 batches and 2 covariates"):
        fit_combat(few, CENTRES, covariates=covariates)


@pytest.mark.parametrize(
    "options",
    [
        {"prior": "flat"},
        {"unseen": "guess"},
        {"m_combat": True},
        {"m_combat": True, "reference": "A", "mean_only": True},
        {"tolerance": 0.0},
        {"minimum_sample": 1},
    ],
)
def test_settings_that_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        CombatOptions(**options)


def test_an_unknown_reference() -> None:
    with pytest.raises(FeatureError, match="'Z' is none of the training batches A, B"):
        step_of(reference="Z")


def test_an_iteration_that_does_not_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(empirical_bayes, "MAX_ITERATIONS", 1)
    with pytest.raises(ConvergenceError, match="did not settle"):
        step_of()


# --- robust scaling ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", ["iqr", "mad"])
def test_robust_scaling_brings_batches_together(spread: Any) -> None:
    step, done = fit_robust_scale(TRAINING, CENTRES, RobustOptions(spread=spread))
    for patients in (A.patients, B.patients):
        of = done.loc[list(patients)]
        np.testing.assert_allclose(of.median(), 0, atol=1e-12)
        if spread == "iqr":
            width = (of.quantile(0.75) - of.quantile(0.25)) / 1.3489795003921634
        else:
            width = of.abs().median() / 0.6744897501960817
        np.testing.assert_allclose(width, 1, rtol=1e-9)
    assert step.sizes == (40, 30)


def test_spreads_are_standard_deviations_of_normal_values() -> None:
    rng = np.random.default_rng(0)
    table = FeatureTable(
        pd.DataFrame(3 + 2 * rng.normal(size=(20_000, 2)), [f"p{k}" for k in range(20_000)], ["x", "y"])
    )
    for spread in ("iqr", "mad"):
        step, _ = fit_robust_scale(table, None, RobustOptions(spread=spread))  # type: ignore[arg-type]
        np.testing.assert_allclose(step.spread, 2, rtol=0.03)


def test_an_outlier_does_not_move_the_others() -> None:
    wild = with_values(TRAINING, ["a00"], "f00", 1e6)
    others = [p for p in TRAINING.patients if p != "a00"]
    one, other = (fit_robust_scale(t, CENTRES)[1].loc[others] for t in (TRAINING, wild))
    assert (one - other).abs().to_numpy().max() < 0.3


def test_a_feature_without_spread_in_a_batch_has_that_of_the_others() -> None:
    table = with_values(with_values(TRAINING, list(A.patients), "f00", 7.0), list(TRAINING.patients), "f01", 7.0)
    step, done = fit_robust_scale(table, CENTRES)
    assert step.spread[0, 0] == step.spread[1, 0] > 0
    assert step.spread[:, 1].tolist() == [1.0, 1.0]
    assert not done.loc[list(A.patients), "f00"].any()
    assert not done["f01"].any()


def test_robust_scaling_of_an_unseen_centre() -> None:
    with pytest.raises(FeatureError, match="'C' was not among"):
        fit_robust_scale(TRAINING, CENTRES)[0].apply(C, CENTRES)
    pooled = fit_robust_scale(TRAINING, CENTRES, RobustOptions(unseen="as_is"))[0]
    q = TRAINING.frame.quantile([0.25, 0.5, 0.75])
    expected = (C.frame - q.loc[0.5]) / ((q.loc[0.75] - q.loc[0.25]) / 1.3489795003921634)
    np.testing.assert_allclose(pooled.apply(C, CENTRES).frame, expected, rtol=1e-12)
    assert set(pooled.notes(C.patients, CENTRES)) == set(C.patients)
    step = fit_robust_scale(TRAINING, CENTRES, RobustOptions(unseen="sample"))[0]
    sample, new = C.take(C.patients[:20]), C.take(C.patients[20:])
    later = step.with_sample(sample, "C")
    assert later.apply(new, CENTRES).frame.median().abs().mean() < 0.4
    with pytest.raises(LeakageError, match="c00"):
        later.apply(sample, CENTRES)
    with pytest.raises(LeakageError, match="a00"):
        step.with_sample(A, "X")


def test_a_batch_too_small_for_quartiles() -> None:
    with pytest.raises(FeatureError, match="'C' has 4 patients"):
        fit_robust_scale(FeatureTable.stack([TRAINING, C.take(C.patients[:4])]), CENTRES)


@pytest.mark.parametrize("options", [{"spread": "sd"}, {"unseen": "own"}, {"minimum_batch": 1}])
def test_robust_settings_that_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        RobustOptions(**options)


# --- pipelines and files -----------------------------------------------------------------------------------------


def test_a_pipeline_knows_the_batch_of_new_patients() -> None:
    training, new = TRAINING.take(TRAINING.patients[::2]), TRAINING.take(TRAINING.patients[1::2])
    pipeline = make_pipeline(ComBat(batch=CENTRES), Standardiser()).fit(training)
    done = pipeline.transform(new)
    by_hand = fit_combat(training, CENTRES)
    scaled = Standardiser().fit(FeatureTable(by_hand[1])).step_.values(by_hand[0].apply(new, CENTRES).frame)
    np.testing.assert_array_equal(done.frame, scaled)
    with pytest.raises(LeakageError, match=training.patients[0]):
        pipeline.transform(training)
    with pytest.raises(FeatureError, match="'C' was not among"):
        pipeline.transform(C)


def test_a_pipeline_learns_a_sample() -> None:
    fitted = ComBat(batch=CENTRES, unseen="sample").fit(TRAINING)
    later = fitted.with_sample(C.take(C.patients[:12]), "C")
    assert later.transform(C.take(C.patients[12:])).patients == C.patients[12:]
    with pytest.raises(LeakageError, match="c00"):
        later.transform(C)
    with pytest.raises(FeatureError, match="'C' was not among"):
        fitted.transform(C)


def test_rows_without_names_have_no_batch() -> None:
    numbers = TRAINING.frame.to_numpy()
    for estimator in (ComBat(batch=CENTRES), ComBat(covariates=covariate("x", 0)[["age"]])):
        for rows in (numbers, pd.DataFrame(numbers)):
            with pytest.raises(FeatureError, match="whose index names the patients"):
                estimator.fit(rows)
    np.testing.assert_array_equal(ComBat().fit_transform(numbers), numbers)


def test_names_that_come_out() -> None:
    fitted = ComBat(batch=CENTRES).fit(TRAINING)
    assert fitted.get_feature_names_out().tolist() == list(TRAINING.names)
    with pytest.raises(FeatureError, match="2 names for 30 features"):
        fitted.get_feature_names_out(["a", "b"])


def steps() -> dict[str, Harmonisation | RobustScale]:
    covariates = pd.DataFrame({"age": np.arange(float(len(CENTRES))) % 11}, list(CENTRES))
    return {
        "plain": step_of(),
        "reference": step_of(reference="A", m_combat=True),
        "covariates": fit_combat(TRAINING, CENTRES, CombatOptions(unseen="as_is"), covariates)[0],
        "flat": fit_combat(with_values(TRAINING, list(A.patients), "f01", 4.0), CENTRES)[0],
        "sample": step_of(unseen="sample").with_sample(C, "C"),
        "robust": fit_robust_scale(TRAINING, CENTRES, RobustOptions(unseen="sample"))[0].with_sample(C, "C"),
    }


@pytest.mark.parametrize("name", list(steps()))
def test_a_step_survives_being_written(name: str) -> None:
    step = steps()[name]
    text = codec.encode(step, "a step", 1)
    read = codec.decode(type(step), text, "a step", 1)
    assert codec.encode(read, "a step", 1) == text
    args = (pd.DataFrame({"age": 3.0}, list(A.patients)),) if name == "covariates" else ()
    np.testing.assert_array_equal(read.values(A.frame, CENTRES, *args), step.values(A.frame, CENTRES, *args))
    with pytest.raises(LeakageError, match="a00"):
        read.apply(A, CENTRES)


@pytest.mark.parametrize("kind", ["plain", "robust"])
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sizes", [40], "distinct batches"),
        ("names", ["f00"], "shape"),
        ("positive", 0.0, "positive"),
        ("options", None, "options must be an object"),
    ],
)
def test_a_damaged_step_is_refused(kind: str, field: str, value: Any, message: str) -> None:
    step = steps()[kind]
    body = json.loads(codec.encode(step, "a step", 1))
    if field == "positive":
        body["content"]["scale" if kind == "plain" else "spread"]["values"][0] = value
    else:
        body["content"][field] = value
    with pytest.raises(ModelError, match=message):
        codec.decode(type(step), json.dumps(body), "a step", 1)
