"""Against R (survival 3.5-3, riskRegression 2022.11): LUNG1's clinical table, and 300 patients with many ties."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from perisurv.core import Outcome
from perisurv.evaluation import bootstrap_counts, log_rank, paired_c_difference, roc_at, td_auc
from perisurv.statistics import harrell_c, kaplan_meier


@pytest.fixture(scope="module")
def reference(test_data: Path) -> Path:
    return test_data / "reference_statistics"


@pytest.fixture(scope="module")
def table(reference: Path) -> pd.DataFrame:
    return pd.read_csv(reference / "lung1_clin_lp.csv", index_col=0)


@pytest.fixture(scope="module")
def tied(reference: Path) -> pd.DataFrame:
    """Whole months as times and risks of one decimal; ``s2`` is a second risk."""
    frame = pd.read_csv(reference / "comparisons" / "m_te_300.csv").rename(columns={"t": "time", "e": "event"})
    frame["s2"] = np.loadtxt(reference / "comparisons" / "s2.txt")
    return frame


@pytest.fixture(scope="module")
def expected(reference: Path) -> dict[str, object]:
    return dict(json.loads((reference / "comparisons" / "r_reference.json").read_text(encoding="utf-8")))


def _outcome(table: pd.DataFrame) -> Outcome:
    return Outcome(tuple(str(p) for p in table.index), table["time"].to_numpy(float), table["event"].to_numpy() == 1)


def test_harrell_c(reference: Path, table: pd.DataFrame) -> None:
    stats = pd.read_csv(reference / "stats_lung1.csv", index_col="stat")["value"]
    outcome = _outcome(table)
    c = harrell_c(outcome.time_days, outcome.event, table["lp"].to_numpy())
    assert c == pytest.approx(stats["harrellC"], abs=1e-14)


def test_harrell_c_with_ties(tied: pd.DataFrame, expected: dict[str, float]) -> None:
    outcome = _outcome(tied)
    for risk, name in (("s", "harrell"), ("s2", "harrell2")):
        c = harrell_c(outcome.time_days, outcome.event, tied[risk].to_numpy())
        assert c == pytest.approx(expected[name], abs=1e-12)


def test_paired_difference(tied: pd.DataFrame, expected: dict[str, float]) -> None:
    """R: concordance(influence = 1), difference of the dfbetas; p of its z."""
    risk, other = tied["s"].to_numpy(), tied["s2"].to_numpy()
    found = paired_c_difference(_outcome(tied), risk, other, np.random.default_rng(1))
    assert found.difference == pytest.approx(expected["harrell"] - expected["harrell2"], abs=1e-12)
    z = found.difference / expected["diff_se"]
    assert found.p == pytest.approx(2 * norm.sf(z), rel=1e-9)
    assert found.p == pytest.approx(3.217e-5, rel=5e-4)
    # R's interval is asymptotic, ours a bootstrap: the same width to a tenth of it.
    assert found.upper - found.lower == pytest.approx(2 * 1.96 * expected["diff_se"], rel=0.1)


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
    counts = bootstrap_counts(len(table), 1000, np.random.default_rng(1))
    points, notes = td_auc("cox", _outcome(table), table["lp"].to_numpy(), times, counts)
    assert not notes
    np.testing.assert_allclose([p.auc for p in points], expected["AUC"], atol=1e-12)
    # R's interval is asymptotic, ours a bootstrap: same width to a tenth of it.
    np.testing.assert_allclose([p.lower for p in points], expected["lower"], atol=0.012)
    np.testing.assert_allclose([p.upper for p in points], expected["upper"], atol=0.012)


def test_time_dependent_auc_with_ties(tied: pd.DataFrame, expected: dict[str, list[dict[str, float]]]) -> None:
    """Deaths and censorings in one month: the convention of G matters here (scikit-survival differs by 3e-4)."""
    for row in expected["auc"]:
        roc = roc_at(_outcome(tied), tied["s"].to_numpy(), row["times"])
        assert roc is not None
        assert roc.auc == pytest.approx(row["AUC"], abs=1e-12)
