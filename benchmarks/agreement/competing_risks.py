"""Competing risks."""

from __future__ import annotations

from typing import Any

import numpy as np

from agreement.rows import Pairs, Sources, agrees, follow_up
from perisurv.evaluation import cause_specific, fine_gray, gray_test
from perisurv.statistics import aalen_johansen
from perisurv.survival import fit_cox

TEST = "tests/unit/evaluation/test_evaluation_competing_risks.py"
MELANOMA = "Melanoma, days and whole months"


def melanoma(sources: Sources) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns of Melanoma, and R's numbers."""
    held = sources.golden("evaluation_r")
    return held["melanoma"], held


@agrees(
    "Aalen-Johansen: incidence and standard error of each cause",
    "`aalen_johansen`",
    reference="survival 3.5-3 `survfit` of several states",
    data=MELANOMA,
    tested=TEST,
    within=1e-9,
    needs_shared=False,
)
def incidence(sources: Sources) -> Pairs:
    data, held = melanoma(sources)
    for unit in ("time", "month"):
        found, expected = aalen_johansen(data[unit], data["cause"]), held["aalen_johansen"][unit]
        at = np.searchsorted(found.time_days, expected["at"], side="right") - 1
        yield found.incidence[at], np.array(expected["pstate"], float)[:, 1:]
        yield found.survival[at], np.array(expected["pstate"], float)[:, 0]
        yield found.standard_error[at], np.array(expected["se"], float)[:, 1:]


@agrees(
    "Cumulative incidence and Aalen's variance",
    '`aalen_johansen(variance="aalen")`',
    reference="cmprsk `cuminc`",
    data=MELANOMA,
    tested=TEST,
    within=1e-9,
    needs_shared=False,
)
def aalen(sources: Sources) -> Pairs:
    data, held = melanoma(sources)
    for unit in ("time", "month"):
        found = aalen_johansen(data[unit], data["cause"], variance="aalen")
        expected = held["aalen_johansen"][unit]
        at = np.searchsorted(found.time_days, expected["at"], side="right") - 1
        yield found.incidence[at].T, expected["cuminc"]
        yield found.standard_error[at].T ** 2, expected["var"]


@agrees(
    "Gray's test of two and three groups, also stratified: statistic and p",
    "`gray_test`",
    reference="cmprsk `cuminc`",
    data=MELANOMA,
    tested=TEST,
    within=1e-9,
    needs_shared=False,
)
def gray(sources: Sources) -> Pairs:
    data, held = melanoma(sources)
    for name, expected in held["gray"].items():
        unit = "month" if name.startswith("month") else "time"
        group = data["ulcer"] if name.endswith("2") else data["invasion"]
        strata = data["male"] if "strata" in name else None
        for row, cause in enumerate((1, 2)):
            found = gray_test(data[unit], data["cause"], group, cause, strata)
            yield [found.statistic, found.p], [expected["stat"][row], expected["p"][row]]


@agrees(
    "Fine and Gray: coefficients, robust standard errors, log likelihood",
    "`fine_gray`",
    reference="cmprsk `crr`",
    data=MELANOMA,
    tested=TEST,
    within=1e-6,
    needs_shared=False,
)
def subdistribution(sources: Sources) -> Pairs:
    for model, expected in _models(sources):
        yield model.coef, expected["coef"]
        yield model.standard_error, expected["se"]
        yield model.log_likelihood, expected["loglik"]


@agrees(
    "Fine and Gray: predicted incidence",
    "`Subdistribution.incidence`",
    reference="cmprsk `predict.crr`",
    data=MELANOMA,
    tested=TEST,
    within=1e-6,
    needs_shared=False,
)
def subdistribution_incidence(sources: Sources) -> Pairs:
    for model, expected in _models(sources):
        found = model.incidence(np.array([[2.0, 1.0, 0.0]]), np.array(expected["at"], dtype=float))
        yield np.ravel(found), expected["cif"]


@agrees(
    "Cause-specific Cox model: coefficients and standard errors",
    "`cause_specific`, `fit_cox`",
    reference="survival 3.5-3 `coxph(Surv(time, status == 1))`",
    data="Melanoma",
    tested=TEST,
    within=1e-6,
    needs_shared=False,
)
def one_cause(sources: Sources) -> Pairs:
    data, held = melanoma(sources)
    outcome = follow_up(data["time"], np.array(data["cause"]) > 0)
    model = fit_cox(_x(data), cause_specific(outcome, data["cause"], 1))
    yield model.coef, held["cause_specific"]["coef"]
    yield model.standard_error, held["cause_specific"]["se"]


def _x(data: dict[str, Any]) -> np.ndarray:
    return np.array([data["thickness"], data["ulcer"], data["male"]], dtype=float).T


def _models(sources: Sources) -> list[tuple[Any, dict[str, Any]]]:
    data, held = melanoma(sources)
    found = []
    for name, expected in held["fine_gray"].items():
        unit, cause = name[:-1], int(name[-1])
        found.append((fine_gray(_x(data), data[unit], data["cause"], cause).model, expected))
    return found
