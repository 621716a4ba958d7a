"""Follow-up and features at the edge of what can be analysed, and the arithmetic of the textbook to check answers with.

A :class:`Checked` function is run on every case: it either refuses by an error of ours whose words are stated, or its
answer is compared with loops over patients that share nothing with the code under test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureTable, Outcome, PerisurvError


@dataclass(frozen=True)
class Case:
    """Patients, their features, one centre each, and two risks that someone gave them."""

    x: np.ndarray
    outcome: Outcome
    risk: np.ndarray
    other: np.ndarray
    centre: tuple[str, ...]

    @property
    def table(self) -> FeatureTable:
        names = [f"f{k}" for k in range(self.x.shape[1])]
        return FeatureTable(pd.DataFrame(self.x, index=list(self.outcome.patients), columns=names))

    @property
    def high(self) -> np.ndarray:
        return np.asarray(self.risk > np.median(self.risk))

    @property
    def time(self) -> np.ndarray:
        return self.outcome.time_days

    @property
    def event(self) -> np.ndarray:
        return self.outcome.event


def _case(
    time: Any = None, event: Any = None, x: Any = None, risk: Any = None, n: int = 24, centre: Any = None
) -> Case:
    rng = np.random.default_rng(8)
    values = rng.normal(size=(n, 3)) if x is None else np.asarray(x, dtype=float)
    n = len(values)
    ids = tuple(f"p{k:02d}" for k in range(n))
    first = values[:, 0] if values.shape[1] else np.zeros(n)
    days = np.ceil(rng.exponential(300 * np.exp(-0.5 * first.clip(-3, 3)))) + 1 if time is None else time
    died = rng.random(n) < 0.75 if event is None else event
    given = first + 0.5 * rng.normal(size=n) if risk is None else risk
    outcome = Outcome(ids, np.broadcast_to(np.asarray(days, float), n), np.broadcast_to(np.asarray(died, bool), n))
    places = tuple("AB"[k % 2] for k in range(n)) if centre is None else centre
    return Case(values, outcome, np.broadcast_to(np.asarray(given, float), n).copy(), rng.normal(size=n), places)


def _cases() -> dict[str, Case]:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(24, 3))
    one = np.arange(24) == 9
    return {
        "ordinary": _case(),
        "all censored": _case(event=False),
        "one death": _case(event=one, time=np.arange(24) + 5.0),
        "separation": _case(x=np.column_stack([-np.arange(24.0), x[:, 1:]]), time=np.arange(24) + 5.0, event=True),
        "a sum of columns": _case(x=np.column_stack([x[:, :2], x[:, 0] + x[:, 1]])),
        "copies of a column": _case(x=np.column_stack([x[:, 0], -3 * x[:, 0], x[:, 2]])),
        "a constant column": _case(x=np.column_stack([x[:, 0], np.full(24, 7.0), x[:, 2]])),
        "only constant columns": _case(x=np.full((24, 2), 7.0)),
        "no feature": _case(x=np.empty((24, 0))),
        "three patients": _case(x=x[:3], time=[5.0, 3.0, 9.0], event=[True, True, False]),
        "one patient": _case(x=x[:1], time=[5.0], event=[True]),
        "all die on one day": _case(time=100.0, event=True),
        "ties everywhere": _case(time=np.repeat([1.0, 2.0], 12), event=np.arange(24) % 3 > 0),
        "extreme hazards": _case(
            x=np.column_stack([1e8 * x[:, 0], 1e-8 * x[:, 1], np.exp(6 * x[:, 2])]),
            risk=np.where(np.arange(24) % 2, 700.0, -700.0) * (1 + np.arange(24) % 5),
        ),
        "a centre without deaths": _case(
            event=np.arange(24) % 2 == 0, centre=tuple("AB"[k % 2] for k in range(24)), time=np.arange(24) + 5.0
        ),
        "equal risks": _case(risk=0.0),
        "more features than patients": _case(x=rng.normal(size=(16, 40))),
    }


CASES = _cases()


@dataclass(frozen=True)
class Checked:
    """A function on a case, what is right, and which cases it refuses with which words."""

    call: Callable[[Case], Any]
    right: Callable[[Case, Any], None]
    refuses: Mapping[str, tuple[type[PerisurvError], str]] = field(default_factory=dict)

    def run(self, name: str) -> None:
        case = CASES[name]
        if name in self.refuses:
            kind, words = self.refuses[name]
            with pytest.raises(PerisurvError, match=words) as caught:
                self.call(case)
            assert type(caught.value) is kind
            assert re.search(r"[.!)]$", str(caught.value)), "a message is a sentence"
            return
        self.right(case, self.call(case))


def pairs(functions: Mapping[str, Checked]) -> list[Any]:
    """Every function with every case."""
    return [pytest.param(f, c, id=f"{f}-{c}") for f in functions for c in CASES]


def check_names(functions: Mapping[str, Checked]) -> None:
    """A refusal that names no case would never be tested."""
    for name, checked in functions.items():
        assert set(checked.refuses) <= set(CASES), name


def numbers(result: Any) -> Iterator[np.ndarray]:
    """Every number in a result."""
    if is_dataclass(result) and not isinstance(result, FeatureTable):
        result = [getattr(result, f.name) for f in fields(result)]
    if isinstance(result, Mapping):
        result = list(result.values())
    if isinstance(result, tuple | list):
        for value in result:
            yield from numbers(value)
        return
    values = np.asarray(result.frame if isinstance(result, FeatureTable) else result)
    if values.dtype.kind in "fiub":
        yield values.astype(float)


def finite(case: Case, result: Any) -> None:
    for values in numbers(result):
        assert np.isfinite(values).all()


# --- by the textbook ---------------------------------------------------------------------------------------------


def partial_score(x: np.ndarray, outcome: Outcome, coef: np.ndarray, ties: str) -> np.ndarray:
    """Score of the partial likelihood, one tied group of deaths at a time."""
    eta = x @ coef
    weight = np.exp(eta - eta.max())
    score = np.zeros(x.shape[1])
    for t in np.unique(outcome.time_days[outcome.event]):
        dead = outcome.event & (outcome.time_days == t)
        risk = outcome.time_days >= t
        d = int(dead.sum())
        for k in range(d):
            taken = k / d if ties == "efron" else 0.0
            w = weight * (risk - taken * dead)
            score += x[dead].sum(axis=0) / d - w @ x / w.sum()
    return score


def concordance(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> float:
    """Harrell's C by two loops."""
    hits = total = 0.0
    for i in range(len(time)):
        for j in range(len(time)):
            if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
                total += 1
                hits += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    return hits / total


def survival_at(time: np.ndarray, event: np.ndarray, t: float) -> float:
    """Kaplan-Meier by its product."""
    value = 1.0
    for u in np.unique(time[event & (time <= t)]):
        value *= 1 - (event & (time == u)).sum() / (time >= u).sum()
    return value


def auc_at(time: np.ndarray, event: np.ndarray, risk: np.ndarray, t: float) -> float | None:
    """Cumulative/dynamic AUC by two loops; None where there is no pair."""
    hits = total = 0.0
    for i in np.flatnonzero(event & (time <= t)):
        left = 1.0  # uncensored until just before the death; deaths come before censorings of a day
        for u in np.unique(time[~event & (time < time[i])]):
            left *= 1 - (~event & (time == u)).sum() / ((time > u) | (~event & (time == u))).sum()
        for j in np.flatnonzero(time > t):
            total += 1 / left
            hits += (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0) / left
    return hits / total if total else None


def log_rank_statistic(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> float:
    """Two groups, by hypergeometric moments at each death."""
    gap = variance = 0.0
    for t in np.unique(time[event]):
        n, n1 = (time >= t).sum(), ((time >= t) & group).sum()
        d, d1 = (event & (time == t)).sum(), (event & (time == t) & group).sum()
        gap += d1 - d * n1 / n
        variance += d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1) if n > 1 else 0.0
    return gap**2 / variance
