"""Cox's partial likelihood as a loss."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

__all__ = ["cox_loss"]


def cox_loss(risk: Tensor, time_days: Tensor, event: Tensor, ties: Literal["breslow", "efron"] = "efron") -> Tensor:
    r"""Negative log partial likelihood over the number of deaths.

    Breslow: :math:`-\frac{1}{d}\sum_i \delta_i (\eta_i - \log\sum_{t_j \ge t_i} e^{\eta_j})`. Efron (1977): of
    m deaths at one time the l-th (l = 0, ..., m - 1) sees the risk set less the share l/m of these deaths. The risk
    set is that of the patients given, no sampling. All in log space, so no risk can overflow.

    Parameters
    ----------
    risk
        Log hazard ratios (n,), higher is worse. Computed in float64.
    time_days
        Follow-up (n,), days.
    event
        Boolean (n,), True = death.

    Returns
    -------
    Tensor
        Scalar, float64; zero where nobody died.
    """
    order = torch.argsort(time_days, descending=True, stable=True)
    eta, died = risk.double()[order], event[order]
    _, group = torch.unique_consecutive(time_days[order], return_inverse=True)
    last_of_group = torch.searchsorted(group, group, right=True) - 1
    log_risk_set = torch.logcumsumexp(eta, dim=0)[last_of_group][died]
    eta, group = eta[died], group[died]
    if ties == "efron" and len(group):
        log_risk_set = log_risk_set + _efron_correction(eta, group, log_risk_set)
    return (log_risk_set - eta).sum() / max(len(eta), 1)


def _efron_correction(eta: Tensor, group: Tensor, log_risk_set: Tensor) -> Tensor:
    """``log(1 - l/m * deaths / risk set)`` for the l-th of m tied deaths; rows lie group by group."""
    _, tied, count = torch.unique_consecutive(group, return_inverse=True, return_counts=True)
    first = torch.cumsum(count, 0) - count
    share = (torch.arange(len(group), device=group.device) - first[tied]).double() / count[tied]
    relative = torch.exp(eta - log_risk_set)
    deaths = torch.zeros(len(count), dtype=eta.dtype, device=eta.device).index_add(0, tied, relative)
    return torch.log1p(-share * deaths[tied])
