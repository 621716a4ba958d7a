"""Gray's test, cause-specific and subdistribution hazard ratios against R (cmprsk, survival)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureError, Outcome, OutcomeError
from perisurv.evaluation import cause_specific, fine_gray, gray_test
from perisurv.statistics import RiskSets, maximise

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "evaluation_r.json").read_text(encoding="utf-8"))
MELANOMA = {name: np.array(values) for name, values in GOLDEN["melanoma"].items()}
CAUSE = MELANOMA["cause"]
FEATURES = pd.DataFrame({name: MELANOMA[name] for name in ("thickness", "ulcer", "male")})


@pytest.mark.parametrize(
    ("name", "time", "group", "strata"),
    [
        ("time2", "time", "ulcer", None),
        ("time3", "time", "invasion", None),
        ("month2", "month", "ulcer", None),
        ("month3", "month", "invasion", None),
        ("strata", "time", "invasion", "male"),
        ("month_strata", "month", "invasion", "male"),
    ],
)
@pytest.mark.parametrize("cause", [1, 2])
def test_gray_as_cuminc(name: str, time: str, group: str, strata: str | None, cause: int) -> None:
    expected = GOLDEN["gray"][name]
    found = gray_test(MELANOMA[time], CAUSE, MELANOMA[group], cause, None if strata is None else MELANOMA[strata])
    assert found.statistic == pytest.approx(expected["stat"][cause - 1], rel=1e-10)
    assert found.p == pytest.approx(expected["p"][cause - 1], rel=1e-8)
    assert found.df == expected["df"][cause - 1]


def test_gray_where_it_is_not_defined() -> None:
    with pytest.raises(OutcomeError, match="needs two"):
        gray_test([1, 2], [1, 0], ["a", "a"])
    with pytest.raises(OutcomeError, match="causes in the data: 1"):
        gray_test([1, 2], [1, 0], ["a", "b"], 2)
    with pytest.raises(OutcomeError, match="while two groups were followed"):
        gray_test([1, 2, 3], [0, 1, 1], ["a", "b", "b"])
    with pytest.raises(OutcomeError, match="one group a patient"):
        gray_test([1, 2, 3], [0, 1, 1], ["a", "b"])


def test_gray_of_a_group_without_deaths() -> None:
    found = gray_test([1, 2, 3, 4, 5, 6], [1, 1, 2, 0, 0, 0], ["a", "a", "a", "b", "b", "b"])
    assert 0 < found.p < 0.2


@pytest.mark.parametrize("cause", [1, 2])
def test_fine_gray_as_crr(cause: int) -> None:
    expected = GOLDEN["fine_gray"][f"time{cause}"]
    found = fine_gray(FEATURES, MELANOMA["time"], CAUSE, cause)
    assert found.names == ("thickness", "ulcer", "male")
    np.testing.assert_allclose(np.log([r.value for r in found.ratios]), expected["coef"], atol=1e-10)
    np.testing.assert_allclose([r.standard_error for r in found.ratios], expected["se"], rtol=1e-9)


def test_fine_gray_where_it_is_not_defined() -> None:
    x = FEATURES.to_numpy(float)
    assert fine_gray(x, MELANOMA["time"], CAUSE).names == ("x0", "x1", "x2")
    for bad in (x[1:], x[:, 0], x[:, :0], np.where(x > 10, np.nan, x)):
        with pytest.raises(FeatureError, match="one row of finite features"):
            fine_gray(bad, MELANOMA["time"], CAUSE)


def test_cause_specific_as_coxph() -> None:
    expected = GOLDEN["cause_specific"]
    patients = tuple(str(n) for n in range(len(CAUSE)))
    own = cause_specific(Outcome(patients, MELANOMA["time"], CAUSE > 0), CAUSE, 1)
    assert own.n_events == (CAUSE == 1).sum()
    x = FEATURES.to_numpy(float)
    sets = RiskSets.of(own.time_days, own.event, "efron")
    scale = x.std(axis=0)
    coef, information = maximise(((x - x.mean(axis=0)) / scale)[sets.order], sets, np.zeros(3), tuple(FEATURES))
    np.testing.assert_allclose(coef / scale, expected["coef"], atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(np.linalg.inv(information))) / scale, expected["se"], rtol=1e-8)


def test_causes_must_agree_with_the_events() -> None:
    outcome = Outcome(("a", "b", "c"), np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    assert list(cause_specific(outcome, [2, 0, 1], 1).event) == [False, False, True]
    with pytest.raises(OutcomeError, match="for b"):
        cause_specific(outcome, [2, 1, 1], 1)
    with pytest.raises(OutcomeError, match="causes in the data: 2"):
        cause_specific(outcome, [2, 0, 2], 1)
