"""Cumulative incidence and subdistribution hazards against R (survival, cmprsk), and where they are not defined."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perisurv.core import ConvergenceError, FeatureError, OutcomeError, SettingsError
from perisurv.statistics import aalen_johansen, check_causes, fit_subdistribution

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "evaluation_r.json").read_text(encoding="utf-8"))
MELANOMA = {name: np.array(values) for name, values in GOLDEN["melanoma"].items()}
X = np.column_stack([MELANOMA["thickness"], MELANOMA["ulcer"], MELANOMA["male"]]).astype(float)
NAMES = ("thickness", "ulcer", "male")


@pytest.mark.parametrize("time", ["time", "month"])
def test_incidence_as_survfit_of_several_states(time: str) -> None:
    expected = GOLDEN["aalen_johansen"][time]
    found = aalen_johansen(MELANOMA[time], MELANOMA["cause"])
    at = np.searchsorted(found.time_days, expected["at"])
    states = np.column_stack([found.survival, found.incidence])[at]
    np.testing.assert_allclose(states, expected["pstate"], atol=1e-12)
    np.testing.assert_allclose(found.standard_error[at], np.array(expected["se"])[:, 1:], atol=1e-12)


@pytest.mark.parametrize("time", ["time", "month"])
def test_incidence_and_variance_as_cuminc(time: str) -> None:
    expected = GOLDEN["aalen_johansen"][time]
    found = aalen_johansen(MELANOMA[time], MELANOMA["cause"], variance="aalen")
    at = np.searchsorted(found.time_days, expected["at"])
    np.testing.assert_allclose(found.incidence[at].T, expected["cuminc"], atol=1e-12)
    np.testing.assert_allclose(found.standard_error[at].T ** 2, expected["var"], rtol=1e-9)


def test_incidence_at_any_time() -> None:
    found = aalen_johansen([1, 2, 3, 4], [1, 2, 1, 0])
    np.testing.assert_allclose(found.at([0, 1, 2.5, 3, 4], 1)[0], [0, 0.25, 0.25, 0.5, 0.5])
    assert np.isnan(found.at(5, 1)).all()
    assert (found.lower <= found.incidence).all()
    assert (found.incidence <= found.upper).all()
    with pytest.raises(OutcomeError, match="Nobody had an event of cause 3"):
        found.at(1, 3)
    all_dead = aalen_johansen([1, 2], [1, 2])
    assert all_dead.at(9, 2)[0] == 0.5


def test_causes_that_cannot_be() -> None:
    with pytest.raises(OutcomeError, match="censored"):
        aalen_johansen([1, 2], [0, 0])
    with pytest.raises(SettingsError, match="variance"):
        aalen_johansen([1, 2], [0, 1], variance="greenwood")  # type: ignore[arg-type]
    bad: list[tuple[list[float], list[Any]]] = [
        ([1], [0, 1]),
        ([1, 2], [0, 0.5]),
        ([1, 2], [0, -1]),
        ([1, np.nan], [0, 1]),
        ([], []),
    ]
    for time, cause in bad:
        with pytest.raises(OutcomeError):
            check_causes(time, cause)


@pytest.mark.parametrize(("time", "cause"), [("time", 1), ("time", 2), ("month", 1)])
def test_subdistribution_as_crr(time: str, cause: int) -> None:
    expected = GOLDEN["fine_gray"][f"{time}{cause}"]
    days = MELANOMA[time].astype(float)
    model = fit_subdistribution(X, days, MELANOMA["cause"], cause, NAMES)
    np.testing.assert_allclose(model.coef, expected["coef"], atol=1e-10)
    np.testing.assert_allclose(model.standard_error, expected["se"], rtol=1e-9)
    assert model.log_likelihood == pytest.approx(expected["loglik"], abs=1e-9)
    incidence = model.incidence(np.array([[2.0, 1.0, 0.0]]), np.array(expected["at"], float))
    np.testing.assert_allclose(incidence[0], expected["cif"], atol=1e-10)
    # Weighted Cox of survival::finegray: another sandwich, and another G where deaths and censorings share a day.
    np.testing.assert_allclose(model.coef, expected["coxph"], atol=1e-9 if time == "time" else 2e-4)
    np.testing.assert_allclose(model.standard_error, expected["coxph_se"], rtol=2e-3)


def test_without_competing_causes_it_is_cox() -> None:
    """Nobody stays at risk after death: Breslow's partial likelihood."""
    from perisurv.statistics import RiskSets, maximise

    cause = (MELANOMA["cause"] == 1).astype(np.int64)
    time = MELANOMA["month"].astype(float)
    model = fit_subdistribution(X, time, cause, 1, NAMES)
    sets = RiskSets.of(time, cause == 1, "breslow")
    scale = X.std(axis=0)
    coef, _ = maximise(((X - X.mean(axis=0)) / scale)[sets.order], sets, np.zeros(3), NAMES)
    np.testing.assert_allclose(model.coef, coef / scale, atol=1e-9)


def test_subdistribution_models_that_cannot_be() -> None:
    time, cause = MELANOMA["time"].astype(float), MELANOMA["cause"]
    with pytest.raises(OutcomeError, match="Nobody had an event of cause 3"):
        fit_subdistribution(X, time, cause, 3, NAMES)
    with pytest.raises(FeatureError, match="ulcer is constant"):
        fit_subdistribution(X * [1, 0, 1], time, cause, 1, NAMES)
    with pytest.raises(FeatureError, match="collinear"):
        fit_subdistribution(np.column_stack([X, X[:, 0] * 2]), time, cause, 1, (*NAMES, "twice"))
    with pytest.raises(ConvergenceError, match="'died' grows without bound"):
        fit_subdistribution((cause == 1).astype(float)[:, None], time, cause, 1, ("died",))
