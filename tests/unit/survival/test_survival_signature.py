"""The whole signature: it finds what was planted, says what it is, and survives a round trip."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureError, FeatureTable, LeakageError, ModelError, Outcome, OutcomeError
from perisurv.survival import FitOptions, Signature, fit_cox, fit_signature

GROUPS = {"radiomics": ("tumour__",), "deep": ("deep_",)}
Data = tuple[FeatureTable, Outcome]


def fitted(data: Data, n: int = 60, **options: object) -> tuple[Signature, FeatureTable]:
    table, outcome = data
    training, new = table.patients[:n], table.patients[n:]
    signature = fit_signature(
        table.take(training), outcome, groups=GROUPS, options=FitOptions(**options), rng=np.random.default_rng(0)
    )
    return signature, table.take(new)


def test_finds_the_planted_features(cohort: Data) -> None:
    signature, new = fitted(cohort)
    assert "tumour__a" in signature.selection[0].selected
    assert "deep_000" in signature.selection[1].selected
    strongest = sorted(signature.coefficients, key=lambda k: -signature.coefficients[k])[:2]
    assert set(strongest) == {"tumour__a", "deep_000"}
    prediction = signature.predict(new)
    truth = new.frame["tumour__a"] + new.frame["deep_000"]
    assert np.corrcoef(prediction.risk, truth)[0, 1] > 0.8
    assert (np.diff(prediction.survival, axis=1) <= 0).all()
    high = prediction.survival[prediction.high_risk, 0].mean()
    assert high < prediction.survival[~prediction.high_risk, 0].mean()


def test_coefficients_are_the_risk(cohort: Data) -> None:
    signature, new = fitted(cohort, pca_variance=0.6)
    assert len(signature.fusion.components) < len(signature.selected)
    z = signature.scaling.values(new.frame[list(signature.selected)])
    by_hand = z.to_numpy() @ np.array(list(signature.coefficients.values()))
    np.testing.assert_allclose(signature.risk(new), by_hand, atol=1e-12)


def test_mean_training_patient_has_risk_zero_and_cutoff_is_the_median(cohort: Data) -> None:
    signature, _ = fitted(cohort)
    risks = np.array(list(signature.training_risk.values()))
    assert risks.mean() == pytest.approx(0, abs=1e-12)
    assert signature.cutoff == np.median(risks)
    assert list(signature.training_risk) == sorted(signature.training_risk)


def test_full_pca_and_no_fusion_are_the_same_cox_model(cohort: Data) -> None:
    with_pca, new = fitted(cohort, pca_variance=1.0, ridge=0.0)
    without, _ = fitted(cohort, fusion="none", ridge=0.0)
    np.testing.assert_allclose(with_pca.risk(new), without.risk(new), atol=1e-7)
    assert with_pca.fusion.explained == pytest.approx(1.0)


def test_without_selection_it_is_plain_cox(cohort: Data) -> None:
    table, outcome = cohort
    training = table.patients[:60]
    names = ["tumour__a", "tumour__b"]
    signature = fit_signature(
        table.take(training),
        outcome,
        groups={"pair": tuple(names)},
        options=FitOptions(select=False, ridge=0.0),
        rng=np.random.default_rng(0),
    )
    raw = table.frame.loc[list(training), names]
    plain = fit_cox(raw, outcome.take(training))
    np.testing.assert_allclose(
        list(signature.coefficients.values()), plain.coef * raw.std(ddof=0).to_numpy(), rtol=1e-8
    )
    assert signature.selection[0].selected == tuple(names)


def test_selecting_nothing_is_a_null_signature(cohort: Data) -> None:
    signature, new = fitted(cohort, univariate_p=0.0)
    prediction = signature.predict(new)
    assert (prediction.risk == 0).all()
    assert not prediction.high_risk.any()
    assert (prediction.survival == prediction.survival[0]).all()
    assert 0 < prediction.survival[0, 0] < 1
    assert prediction.abstained == {}
    assert any("null" in note for note in signature.notes)
    assert Signature.from_json(signature.to_json()).risk(new).tolist() == [0.0] * len(new)


def test_undefined_and_constant_columns_are_left_out_and_gaps_imputed(cohort: Data) -> None:
    table, outcome = cohort
    frame = table.frame.copy()
    frame["tumour__constant"] = 4.0
    frame["tumour__sparse"] = np.where(np.arange(len(frame)) % 3 == 0, frame["tumour__a"], np.nan)
    frame["tumour__empty"] = np.nan
    frame.iloc[::17, 0] = np.nan
    training = list(frame.index[:60])
    signature = fit_signature(
        FeatureTable(frame.loc[training]), outcome, groups=GROUPS, options=FitOptions(), rng=np.random.default_rng(0)
    )
    assert signature.selection[0].candidates == 13
    assert signature.selection[0].defined == 10
    assert "tumour__a" in signature.selected
    new = FeatureTable(frame.loc[frame.index[60:]])
    filled = FeatureTable(new.frame.fillna({"tumour__a": float(frame.loc[training, "tumour__a"].median())}))
    np.testing.assert_array_equal(signature.risk(new), signature.risk(filled))


def test_training_patients_are_refused_by_name(cohort: Data) -> None:
    signature, new = fitted(cohort)
    table, _ = cohort
    with pytest.raises(LeakageError, match=r"p003"):
        signature.predict(table.take([*new.patients, "p003"]))


def test_patients_behind_deep_features_are_refused_too(cohort: Data) -> None:
    table, outcome = cohort
    training, new = table.patients[:60], table.patients[60:]
    outside = frozenset({new[0]})
    made = FeatureTable(table.take(training).frame, dict.fromkeys(training, outside))
    signature = fit_signature(made, outcome, groups=GROUPS, options=FitOptions(), rng=np.random.default_rng(0))
    assert signature.fitted_on == set(training) | outside
    with pytest.raises(LeakageError, match=new[0]):
        signature.predict(table.take(new))
    assert len(signature.predict(table.take(new[1:])).risk) == len(new) - 1


def test_training_without_enough_deaths_is_refused(cohort: Data) -> None:
    table, outcome = cohort
    censored = Outcome(outcome.patients, outcome.time_days, np.zeros(len(outcome), dtype=bool))
    few = Outcome(outcome.patients, outcome.time_days, np.arange(len(outcome)) < 3)
    for follow_up, message in ((censored, "all of them are censored"), (few, "3 of them had the event")):
        with pytest.raises(OutcomeError, match=message):
            fit_signature(table, follow_up, groups=GROUPS, options=FitOptions(), rng=np.random.default_rng(0))
    with pytest.raises(OutcomeError, match="No follow-up for p089"):
        fit_signature(
            table,
            outcome.take(outcome.patients[:-1]),
            groups=GROUPS,
            options=FitOptions(),
            rng=np.random.default_rng(0),
        )


def test_groups_must_exist_and_not_overlap(cohort: Data) -> None:
    table, outcome = cohort
    for groups, message in (
        ({"ring": ("ring_6mm__",)}, "Group 'ring': no feature starts with 'ring_6mm__'"),
        ({"all": ("",), "deep": ("deep_",)}, "'deep_000' is in two groups, 'all' and 'deep'"),
    ):
        with pytest.raises(FeatureError, match=message):
            fit_signature(table, outcome, groups=groups, options=FitOptions(), rng=np.random.default_rng(0))


def test_new_patients_need_the_selected_features(cohort: Data) -> None:
    signature, new = fitted(cohort)
    with pytest.raises(FeatureError, match="'tumour__a' is not in the table"):
        signature.predict(FeatureTable(new.frame.drop(columns="tumour__a")))


def test_survival_beyond_follow_up_is_not_claimed(cohort: Data) -> None:
    signature, new = fitted(cohort)
    last = signature.cox.baseline.follow_up_days
    survival = signature.predict(new, (last, last + 1)).survival
    assert np.isfinite(survival[:, 0]).all()
    assert np.isnan(survival[:, 1]).all()


def test_json_round_trip_keeps_every_bit(cohort: Data) -> None:
    acquisition = {p: {"slice_spacing_mm": 3.0, "kernel": "B30f"} for p in cohort[0].patients}
    table, outcome = cohort
    signature = fit_signature(
        table.take(table.patients[:60]),
        outcome,
        groups=GROUPS,
        options=FitOptions(),
        rng=np.random.default_rng(0),
        acquisition=acquisition,
    )
    text = signature.to_json()
    again = Signature.from_json(text)
    assert again.to_json() == text
    assert again.fitted_on == signature.fitted_on
    new = table.take(table.patients[60:])
    one, two = signature.predict(new, acquisition=acquisition), again.predict(new, acquisition=acquisition)
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame(), check_exact=True)
    assert one.abstained == two.abstained


def test_same_seed_same_bytes(cohort: Data) -> None:
    assert fitted(cohort)[0].to_json() == fitted(cohort)[0].to_json()


def damaged(text: str, path: list[str], value: object) -> str:
    body = json.loads(text)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    if value is KeyError:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return json.dumps(body)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["version"], 99, "version 99"),
        (["format"], "onnx", "is no perisurv.signature"),
        (["content", "cutoff"], KeyError, "content lacks the field 'cutoff'"),
        (["content", "colour"], 1, "unknown field 'colour'"),
        (["content", "cutoff"], "high", "content.cutoff must be a number"),
        (["content", "cutoff"], True, "content.cutoff must be a number"),
        (["content", "cox", "coef"], [1.0], "content.cox.coef must be an object"),
        (["content", "cox", "coef"], {"shape": [3], "values": [1.0]}, "has shape"),
        (["content", "cox", "coef"], {"shape": [0], "values": []}, "content.cox: A Cox model"),
        (["content", "cox", "ties"], "exact", "must be one of efron, breslow"),
        (["content", "cox", "names"], "abc", "content.cox.names must be a list"),
        (["content", "fitted_on"], [], "not fitted on the same patients"),
        (["content", "selection"], [], "do not use the same features"),
        (["content", "notes"], [3], r"content.notes\[0\] must be text"),
        (["content", "training_risk"], {"p000": None}, "content.training_risk.p000 must be a number"),
        (["content", "domain", "max_missing"], 1.5, "must be a whole number"),
    ],
)
def test_damaged_models_are_refused(cohort: Data, path: list[str], value: object, message: str) -> None:
    text = fitted(cohort)[0].to_json()
    with pytest.raises(ModelError, match=message):
        Signature.from_json(damaged(text, path, value))


def test_text_that_is_no_model_is_refused(cohort: Data) -> None:
    text = fitted(cohort)[0].to_json()
    for bad in ("", "{", "[]", "null", text[:-5], text.replace('"cutoff": ', '"cutoff": NaN, "x": ', 1)):
        with pytest.raises(ModelError):
            Signature.from_json(bad)
    with pytest.raises(ModelError, match="twice"):
        Signature.from_json(text.replace('"cutoff": ', '"cutoff": 1.0, "cutoff": ', 1))
    with pytest.raises(ModelError, match="finite"):
        Signature.from_json(damaged(text, ["content", "cutoff"], "big").replace('"big"', "1e999"))


def test_model_that_forgot_a_patient_is_refused(cohort: Data) -> None:
    signature, _ = fitted(cohort)
    less = signature.fitted_on - {"p000"}
    with pytest.raises(ModelError, match="same patients"):
        replace(signature, fitted_on=less)
