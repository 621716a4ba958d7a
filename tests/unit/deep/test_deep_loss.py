import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from perisurv.deep import cox_loss


def loss_of(risk: list[float], time: list[float], event: list[int], ties: str) -> float:
    result = cox_loss(torch.tensor(risk), torch.tensor(time), torch.tensor(event, dtype=torch.bool), ties)  # type: ignore[arg-type]
    return float(result)


def slow_loss(risk: NDArray[np.float64], time: NDArray[np.float64], event: NDArray[np.bool_], ties: str) -> float:
    """The definition, death by death."""
    total = 0.0
    for t in np.unique(time[event]):
        dead = event & (time == t)
        m = int(dead.sum())
        for before, eta in enumerate(risk[dead]):
            share = before / m if ties == "efron" else 0.0
            total += math.log(np.exp(risk[time >= t]).sum() - share * np.exp(risk[dead]).sum()) - eta
    return total / event.sum()


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_hand_worked_without_ties(ties: str) -> None:
    # Deaths at 1 and 3 of four patients, hazard ratios 1, 2, 4, 8:
    # (1 / 15) * (4 / 12); the patient censored at 2 is at risk at 1 only.
    risk = [0.0, math.log(2), math.log(4), math.log(8)]
    expected = -math.log(1 / 15 * 4 / 12) / 2
    assert loss_of(risk, [1, 2, 3, 4], [1, 0, 1, 0], ties) == pytest.approx(expected, rel=1e-6)


def test_hand_worked_ties() -> None:
    # Hazard ratios 1, 2, 4 and two deaths (1 and 2) at one time: Breslow 1*2 / 7^2; Efron 1*2 / (7 * (7 - 3/2)).
    risk = [0.0, math.log(2), math.log(4)]
    assert loss_of(risk, [5, 5, 9], [1, 1, 0], "breslow") == pytest.approx(-math.log(2 / 49) / 2, rel=1e-6)
    assert loss_of(risk, [5, 5, 9], [1, 1, 0], "efron") == pytest.approx(-math.log(2 / (7 * 5.5)) / 2, rel=1e-6)


def test_censored_at_the_time_of_a_death_is_at_risk() -> None:
    risk = [0.0, math.log(3)]
    assert loss_of(risk, [5, 5], [1, 0], "efron") == pytest.approx(math.log(4), rel=1e-6)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_agrees_with_the_definition(ties: str) -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        n = int(rng.integers(2, 30))
        risk, time, event = rng.normal(size=n), rng.integers(1, 8, n).astype(float), rng.random(n) < 0.6
        event[0] = True
        got = cox_loss(torch.tensor(risk), torch.tensor(time), torch.tensor(event), ties)  # type: ignore[arg-type]
        assert float(got) == pytest.approx(slow_loss(risk, time, event, ties), rel=1e-12)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_gradient_by_finite_differences(ties: str) -> None:
    rng = np.random.default_rng(5)
    risk = torch.tensor(rng.normal(size=12), requires_grad=True)
    time, event = torch.tensor(rng.integers(1, 5, 12).astype(float)), torch.tensor(rng.random(12) < 0.7)
    assert torch.autograd.gradcheck(lambda r: cox_loss(r, time, event, ties), (risk,))  # type: ignore[arg-type]


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_huge_risks_do_not_overflow(ties: str) -> None:
    # The patient with the enormous risk dies last and alone: only the first death is surprising.
    value = loss_of([0.0, 2000.0], [1, 2], [1, 1], ties)
    assert value == pytest.approx(1000.0)


def test_nobody_died() -> None:
    risk = torch.zeros(3, requires_grad=True)
    loss = cox_loss(risk, torch.tensor([1.0, 2.0, 3.0]), torch.zeros(3, dtype=torch.bool))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0.0
    assert risk.grad is not None
    assert not risk.grad.any()
