"""Intraclass correlations against psych in R, and the filter built on them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.survival import StableFeatures, intraclass_correlation, stable_features

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "survival_icc.json").read_text())
FORMS = ["1_1", "2_1", "3_1", "1_k", "2_k", "3_k"]
MATRICES = ["shrout", "noisy", "good", "pair", "biased"]


@pytest.mark.parametrize("k", range(6), ids=FORMS)
@pytest.mark.parametrize("name", MATRICES)
def test_agrees_with_psych(name: str, k: int) -> None:
    expected = GOLDEN[name]
    values = np.array(expected["values"], dtype=float)
    found = intraclass_correlation(np.stack([values, 5 - 3 * values], axis=2), FORMS[k])
    for mine, theirs in [
        (found.icc, "icc"),
        (found.lower, "lower"),
        (found.upper, "upper"),
        (found.f, "F"),
        (found.p, "p"),
        (found.df1, "df1"),
        (found.df2, "df2"),
    ]:
        np.testing.assert_allclose(mine, [expected[theirs][k]] * 2, rtol=1e-9)
    narrow = intraclass_correlation(values[:, :, None], FORMS[k], confidence=0.9)
    np.testing.assert_allclose([narrow.lower[0], narrow.upper[0]], [expected[f"{b}90"][k] for b in ("lower", "upper")])


def test_agrees_with_the_printed_table(reference: Path) -> None:
    expected = pd.read_csv(reference / "icc_shrout_fleiss.csv", index_col=0, skipinitialspace=True)
    values = np.array(GOLDEN["shrout"]["values"], dtype=float)[:, :, None]
    for form, row in zip(FORMS, expected.to_numpy(), strict=True):
        found = intraclass_correlation(values, form)
        mine = [found.icc, found.f, found.df1, found.df2, found.p, found.lower, found.upper]
        np.testing.assert_allclose(np.concatenate(mine), row, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("k", range(6), ids=FORMS)
def test_a_subject_with_a_gap_is_left_out_if_asked(k: int) -> None:
    gap = np.array([[np.nan if v is None else v for v in row] for row in GOLDEN["gap"]["values"]], dtype=float)
    good = np.array(GOLDEN["good"]["values"], dtype=float)
    values = np.stack([good, gap, np.full_like(gap, np.nan)], axis=2)
    dropped = intraclass_correlation(values, FORMS[k], incomplete="drop")
    np.testing.assert_allclose(dropped.icc[:2], [GOLDEN["good"]["icc"][k], GOLDEN["gap"]["icc"][k]], rtol=1e-9)
    np.testing.assert_allclose(dropped.lower[1], GOLDEN["gap"]["lower"][k], rtol=1e-9)
    assert dropped.subjects.tolist() == [8, 7, 0]
    assert np.isnan(dropped.icc[2])
    undefined = intraclass_correlation(values, FORMS[k])
    assert np.isnan(undefined.icc).tolist() == [False, True, True]
    assert np.isnan(undefined.lower).tolist() == [False, True, True]


@pytest.mark.parametrize("form", FORMS)
def test_perfect_and_undefined_agreement(form: str) -> None:
    same = np.repeat(np.arange(5.0)[:, None], 3, axis=1)
    found = intraclass_correlation(np.stack([same, np.full((5, 3), 0.1)], axis=2), form)
    assert found.icc[0] == 1.0
    assert np.isnan([found.icc[1], found.lower[1], found.upper[1], found.p[1]]).all()


def test_an_offset_between_readers_counts_as_its_form_says() -> None:
    values = np.add.outer(np.arange(6.0), [0.0, 10.0])[:, :, None]
    icc = {form: intraclass_correlation(values, form).icc[0] for form in FORMS[:3]}
    assert icc["3_1"] == 1.0
    assert icc["1_1"] < icc["2_1"] < 0.3


def test_cut_by_point_or_by_lower_limit() -> None:
    rng = np.random.default_rng(1)
    subject = rng.normal(size=(20, 1, 1))
    values = subject + np.array([0.05, 0.35, 3.0]) * rng.normal(size=(20, 3, 3))
    found = intraclass_correlation(values)
    assert found.lower[1] < 0.75 < found.icc[1]
    assert stable_features(values, 0.75).tolist() == [True, True, False]
    assert stable_features(values, 0.75, by="lower").tolist() == [True, False, False]


def test_what_does_not_fit_is_refused() -> None:
    values = np.ones((3, 2, 1))
    with pytest.raises(SettingsError, match="form must be one of 1_1, 2_1"):
        intraclass_correlation(values, "4_1")
    with pytest.raises(SettingsError, match="confidence within"):
        intraclass_correlation(values, confidence=1.0)
    with pytest.raises(SettingsError, match="by must be point or lower"):
        stable_features(values, by="upper")
    with pytest.raises(FeatureError, match="two subjects and repeats"):
        intraclass_correlation(np.ones((1, 2, 3)))


def redrawn() -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(30, 3)), index=[f"p{k:02d}" for k in range(30)], columns=["a", "b", "c"])
    return frame, [frame + rng.normal(size=(30, 3)) * [0.05, 3.0, 0.1] for _ in range(3)]


def test_filter_finds_the_repeats_of_its_own_patients() -> None:
    frame, repeats = redrawn()
    training = FeatureTable(frame.iloc[:20])
    estimator = StableFeatures().fit(training, repeats=[FeatureTable(r.iloc[::-1]) for r in repeats])
    assert estimator.get_feature_names_out().tolist() == ["a", "c"]
    own = np.stack([frame[:20], *(r[:20] for r in repeats)], axis=1)
    np.testing.assert_allclose(estimator.icc_, intraclass_correlation(own).icc)
    assert estimator.transform(FeatureTable(frame.iloc[20:])).names == ("a", "c")
    arrays = StableFeatures().fit(frame[:20].to_numpy(), repeats=[r[:20].to_numpy() for r in repeats])
    np.testing.assert_allclose(arrays.icc_, estimator.icc_)


def test_filter_never_looks_at_the_repeats_of_others() -> None:
    frame, repeats = redrawn()
    spoiled = [pd.concat([r.iloc[:20], r.iloc[20:] + 1e6]) for r in repeats]
    training = FeatureTable(frame.iloc[:20])
    one, other = StableFeatures().fit(training, repeats=repeats), StableFeatures().fit(training, repeats=spoiled)
    np.testing.assert_array_equal(one.icc_, other.icc_)


def test_filter_says_what_is_missing() -> None:
    frame, repeats = redrawn()
    with pytest.raises(FeatureError, match="needs repeats"):
        StableFeatures().fit(frame)
    with pytest.raises(FeatureError, match="No features for p00"):
        StableFeatures().fit(frame, repeats=[repeats[0].iloc[1:]])
    with pytest.raises(FeatureError, match="'c' is not in the table"):
        StableFeatures().fit(frame, repeats=[repeats[0][["a", "b"]]])
    with pytest.raises(FeatureError, match="does not fit features of shape"):
        StableFeatures().fit(frame.to_numpy(), repeats=[repeats[0].to_numpy()[:5]])
