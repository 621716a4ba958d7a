"""The plan: who the patients are and when they die, before any image exists."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest

from perisurv.core import ReadError, SettingsError
from perisurv.simulation import EffectOptions, SimulationOptions, oracle_risk, patient_ids, plan, write_tables
from perisurv.simulation.hazard import LATENTS, clinical_score, draw_clinical, draw_outcome


def concordance(risk: NDArray[np.float64], frame: pd.DataFrame) -> float:
    """Harrell's C by its definition: pairs whose order of death is known."""
    time, event = frame["time_days"].to_numpy(), frame["event"].to_numpy()
    usable = (time[:, None] < time[None, :]) & event[:, None]
    higher = (risk[:, None] > risk[None, :]) + 0.5 * (risk[:, None] == risk[None, :])
    return float(higher[usable].mean())


@pytest.fixture(scope="module")
def plans() -> list[pd.DataFrame]:
    return [plan(SimulationOptions(patients=1000), seed).to_frame() for seed in range(20)]


def test_oracle_and_volume_have_the_planned_discrimination(plans: list[pd.DataFrame]) -> None:
    oracle = np.mean([concordance(f["linear_predictor"].to_numpy(), f) for f in plans])
    volume = np.mean([concordance(f["volume_ml"].to_numpy(), f) for f in plans])
    assert 0.79 <= oracle <= 0.81
    assert 0.61 <= volume <= 0.63


def test_follow_up_is_that_of_a_radiotherapy_cohort(plans: list[pd.DataFrame]) -> None:
    frame = pd.concat(plans)
    assert 0.25 < 1 - frame["event"].mean() < 0.35
    # Kaplan-Meier median without ties to speak of.
    time = np.sort(frame["time_days"])
    order = frame.sort_values("time_days", kind="stable")
    survival = np.cumprod(1 - order["event"].to_numpy() / np.arange(len(order), 0, -1))
    assert 1.5 * 365 < time[np.argmax(survival < 0.5)] < 2.2 * 365


def test_latents_are_independent_and_standard_normal(plans: list[pd.DataFrame]) -> None:
    frame = pd.concat(plans)
    latents = frame[list(LATENTS)]
    assert np.abs(latents.corr().to_numpy() - np.eye(5)).max() < 4 / np.sqrt(len(frame))
    for name in LATENTS:
        assert kstest(latents[name], "norm").pvalue > 1e-3
    clinical = pd.get_dummies(frame[["age_years", "sex", "stage", "histology"]], dtype=float)
    cross = np.corrcoef(np.column_stack([latents, clinical]).T)[:5, 5:]
    assert np.abs(cross).max() < 4.5 / np.sqrt(len(frame))


def test_volumes_are_those_of_radiotherapy(plans: list[pd.DataFrame]) -> None:
    low, median, high = np.quantile(pd.concat(plans)["volume_ml"], [0.05, 0.5, 0.95])
    assert 4 < low < 8
    assert 30 < median < 40
    assert 180 < high < 260


def test_clinical_score_is_standardised_over_the_population() -> None:
    score = clinical_score(draw_clinical(np.random.default_rng(1), 40000))
    assert abs(score.mean()) < 0.03
    assert abs(score.std() - 1) < 0.03


def test_no_signal_leaves_the_clinical_effects_only() -> None:
    full = plan(SimulationOptions(patients=400), 3).to_frame()
    none = plan(SimulationOptions(patients=400, signal="none"), 3).to_frame()
    pd.testing.assert_frame_equal(full[list(LATENTS)], none[list(LATENTS)])
    score = clinical_score(none)
    np.testing.assert_allclose(none["linear_predictor"], SimulationOptions().effects.clinical * score)
    assert abs(concordance(none["volume_ml"].to_numpy(), none) - 0.5) < 0.05


def test_weibull_survival_matches_its_formula() -> None:
    options = SimulationOptions(follow_up_days=(1e8, 1e8), dropout_days=1e9, weibull_shape=1.4)
    n = 40000
    for risk in (0.0, 0.8):
        drawn = draw_outcome(np.random.default_rng(4), np.full(n, risk), np.full(n, 500.0), options)
        assert drawn["event"].mean() > 0.999
        for days in (200.0, 500.0, 900.0):
            expected = 0.5 ** (np.exp(risk) * (days / 500.0) ** 1.4)
            assert abs((drawn["time_days"] > days).mean() - expected) < 4 * np.sqrt(0.25 / n)


def test_same_seed_same_plan_other_seed_other_plan() -> None:
    options = SimulationOptions(patients=30)
    assert plan(options, 5) == plan(options, 5)
    assert plan(options, 5).patients != plan(options, 6).patients


def test_image_width_and_matrix_do_not_change_the_patients() -> None:
    small = plan(SimulationOptions(patients=30, matrix=128, infiltration_mm=9.0), 5)
    assert small.patients == plan(SimulationOptions(patients=30), 5).patients


@pytest.mark.parametrize(
    ("patients", "expected"), [(303, (183, 60, 60)), (101, (61, 20, 20)), (3, (1, 1, 1)), (4, (2, 1, 1))]
)
def test_centres_share_the_patients(patients: int, expected: tuple[int, ...]) -> None:
    cohort = plan(SimulationOptions(patients=patients), 0)
    counts = pd.Series([p.centre.name for p in cohort.patients]).value_counts(sort=False)
    assert tuple(counts) == expected
    assert len(set(patient_ids(cohort))) == patients
    assert [p.number for p in cohort.patients] == list(range(patients))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("patients", 2),
        ("matrix", 8),
        ("infiltration_mm", 0.0),
        ("signal", "some"),
        ("follow_up_days", (5.0, 1.0)),
        ("centres", ()),
    ],
)
def test_impossible_settings_are_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=key.rstrip("s")):
        SimulationOptions(**{key: value})


def test_impossible_effects_centres_and_seeds_are_refused() -> None:
    centre = SimulationOptions().centres[0]
    with pytest.raises(SettingsError, match="pattern"):
        EffectOptions(pattern=float("nan"))
    with pytest.raises(SettingsError, match="slice_spacing_mm"):
        dataclasses.replace(centre, slice_spacing_mm=8.0)
    with pytest.raises(SettingsError, match="name"):
        SimulationOptions(centres=(centre, centre))
    with pytest.raises(SettingsError, match="seed"):
        plan(SimulationOptions(), -1)


def test_tables_of_each_centre_hold_the_truth_in_their_own_words(tmp_path) -> None:
    cohort = plan(SimulationOptions(patients=60), 2)
    write_tables(cohort, tmp_path)
    truth = cohort.to_frame().set_index("PatientID")
    first = pd.read_csv(tmp_path / "northfield" / "clinical_data.csv").set_index("PatientID")
    second = pd.read_csv(tmp_path / "rheinburg" / "Patientenliste.csv", sep=";", decimal=",").set_index("Pat-Nr")
    third = pd.read_csv(tmp_path / "saltmere" / "nsclc_export_v2_FINAL.csv").set_index("patient_id")
    assert len(first) + len(second) + len(third) == 60
    assert (first["Survival.time"] == truth.loc[first.index, "time_days"]).all()
    assert (first["deadstatus.event"] == truth.loc[first.index, "event"]).all()
    months = second["Ueberlebenszeit (Monate)"] * 30.4375
    np.testing.assert_allclose(months, truth.loc[second.index, "time_days"], atol=0.2)
    np.testing.assert_allclose(second["Alter"], truth.loc[second.index, "age_years"])
    assert ((second["Status"] == "verstorben") == truth.loc[second.index, "event"]).all()
    np.testing.assert_allclose(third["OS_years"] * 365.25, truth.loc[third.index, "time_days"], atol=0.05)
    assert ((third["gender"] == 1) == (truth.loc[third.index, "sex"] == "male")).all()


def test_tables_have_the_same_bytes_again_and_the_oracle_reads_its_truth(tmp_path) -> None:
    cohort = plan(SimulationOptions(patients=30), 2)
    for name in ("a", "b"):
        write_tables(cohort, tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 4
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    oracle = oracle_risk(tmp_path / "a")
    assert tuple(oracle.index) == patient_ids(cohort)
    np.testing.assert_array_equal(oracle, [p.linear_predictor for p in cohort.patients])
    with pytest.raises(ReadError, match=r"truth\.parquet"):
        oracle_risk(tmp_path)
