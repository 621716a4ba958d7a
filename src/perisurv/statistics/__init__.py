"""Arithmetic of censored follow-up that fitting and evaluation share."""

from perisurv.statistics.concordance import harrell_c, pair_matrices
from perisurv.statistics.kaplan_meier import KaplanMeier, kaplan_meier, life_table
from perisurv.statistics.partial_likelihood import derivatives, maximise
from perisurv.statistics.risk_sets import RiskSets, Ties

__all__ = [
    "KaplanMeier",
    "RiskSets",
    "Ties",
    "derivatives",
    "harrell_c",
    "kaplan_meier",
    "life_table",
    "maximise",
    "pair_matrices",
]
