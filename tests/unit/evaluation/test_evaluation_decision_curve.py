"""Net benefit against R's dcurves, by hand, and where it is not defined."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import Outcome
from perisurv.evaluation import DecisionCurve, binary_decision_curve


@pytest.fixture(scope="module")
def reference(test_data: Path) -> Path:
    return test_data / "reference_dcurves"


def _outcome(time: list[float], event: list[int]) -> Outcome:
    return Outcome(tuple(f"P{n:03}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


def _survival(reference: Path) -> tuple[pd.DataFrame, Outcome]:
    table = pd.read_csv(reference / "df_surv.csv")
    return table, Outcome(tuple(map(str, table["patientid"])), table["ttcancer"].to_numpy(), table["cancer"].to_numpy())


def _check(found: DecisionCurve, table: pd.DataFrame, model: str) -> None:
    rows = table[table["variable"] == model]
    columns = {
        "pos_rate": np.full(len(rows), found.event_rate),
        "test_pos_rate": found.positive_rate,
        "tp_rate": found.true_positive_rate,
        "fp_rate": found.false_positive_rate,
        "net_benefit": found.net_benefit,
        "net_intervention_avoided": found.interventions_avoided,
    }
    for name, values in columns.items():
        if name in rows:
            expected = rows[name].replace([np.inf, -np.inf], np.nan)  # R divides by zero at threshold 0
            np.testing.assert_allclose(values, expected, atol=1e-13, rtol=1e-12, err_msg=name)
    everybody = table[table["variable"] == "all"]["net_benefit"]
    np.testing.assert_allclose(found.treat_all, everybody, rtol=1e-12)


def _grid(table: pd.DataFrame) -> np.ndarray:
    return table[table["variable"] == "all"]["threshold"].to_numpy()


@pytest.mark.parametrize("file", ["r_case1_results", "r_dca_famhistory"])
def test_family_history(reference: Path, file: str) -> None:
    data, expected = pd.read_csv(reference / "df_binary.csv"), pd.read_csv(reference / f"{file}.csv")
    found = binary_decision_curve(data["cancer"].to_numpy(), data["famhistory"], _grid(expected))
    _check(found, expected, "famhistory")
