"""Arithmetic of censored follow-up that fitting and evaluation share."""

from perisurv.statistics.concordance import harrell_c, pair_matrices
from perisurv.statistics.kaplan_meier import (
    ConfidenceType,
    KaplanMeier,
    SurvivalQuantile,
    kaplan_meier,
    life_table,
    normal_quantile,
    survival_at,
)
from perisurv.statistics.partial_likelihood import derivatives, maximise
from perisurv.statistics.risk_sets import RiskSets, Ties

__all__ = [
    "ConfidenceType",
    "KaplanMeier",
    "RiskSets",
    "SurvivalQuantile",
    "Ties",
    "derivatives",
    "harrell_c",
    "kaplan_meier",
    "life_table",
    "maximise",
    "normal_quantile",
    "pair_matrices",
    "survival_at",
]
