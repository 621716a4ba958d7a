"""Against R (survival 3.5-3, riskRegression 2022.11) on the LUNG1 clinical table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import Outcome
from perisurv.evaluation import harrell_c, kaplan_meier, log_rank, td_auc


@pytest.fixture(scope="module")
def reference(test_data: Path) -> Path:
    return test_data / "reference_statistics"


@pytest.fixture(scope="module")
def table(reference: Path) -> pd.DataFrame:
    return pd.read_csv(reference / "lung1_clin_lp.csv", index_col=0)


def _outcome(table: pd.DataFrame) -> Outcome:
    return Outcome(tuple(table.index), table["time"].to_numpy(float), table["event"].to_numpy() == 1)


def test_harrell_c(reference: Path, table: pd.DataFrame) -> None:
    stats = pd.read_csv(reference / "stats_lung1.csv", index_col="stat")["value"]
    outcome = _outcome(table)
    c = harrell_c(outcome.time_days, outcome.event, table["lp"].to_numpy())
    assert c == pytest.approx(stats["harrellC"], abs=1e-14)


def test_log_rank(reference: Path, table: pd.DataFrame) -> None:
    stats = pd.read_csv(reference / "stats_lung1.csv", index_col="stat")["value"]
    statistic, p = log_rank(_outcome(table), table["grp"].to_numpy() == 1)
    assert statistic == pytest.approx(stats["logrank_chisq"], rel=1e-12)
    assert p == pytest.approx(stats["logrank_p"], rel=1e-10)


def test_kaplan_meier(reference: Path, table: pd.DataFrame) -> None:
    expected = pd.read_csv(reference / "km_lung1.csv")
    for grp in (0, 1):
        km = kaplan_meier(_outcome(table[table["grp"] == grp]))
        rows = expected[expected["strata"] == f"grp={grp}"]
        at = np.searchsorted(km.time_days, rows["time"], side="right") - 1
        for column, values in (("surv", km.survival), ("lower", km.lower), ("upper", km.upper)):
            np.testing.assert_allclose(values[at], rows[column], rtol=1e-12)
        at_risk = km.at_risk[np.searchsorted(km.time_days, rows["time"])]
        np.testing.assert_array_equal(at_risk, rows["nrisk"])


def test_time_dependent_auc(reference: Path, table: pd.DataFrame) -> None:
    expected = pd.read_csv(reference / "td_auc_lung1.csv").query("model == 'cox'")
    times = tuple(expected["times"].astype(float))
    points, notes = td_auc("cox", _outcome(table), table["lp"].to_numpy(), times, np.random.default_rng(1), 400)
    assert not notes
    np.testing.assert_allclose([p.auc for p in points], expected["AUC"], atol=1e-12)
    # R's interval is asymptotic, ours a bootstrap: same width to a tenth of it.
    np.testing.assert_allclose([p.lower for p in points], expected["lower"], atol=0.012)
    np.testing.assert_allclose([p.upper for p in points], expected["upper"], atol=0.012)
