"""Arithmetic of censored follow-up that fitting and evaluation share."""

from perisurv.statistics.censoring import Censoring, CensoringConvention, censoring_survival
from perisurv.statistics.concordance import Concordance, RankedPairs, concordance, harrell_c
from perisurv.statistics.kaplan_meier import KaplanMeier, kaplan_meier, life_table
from perisurv.statistics.partial_likelihood import derivatives, maximise
from perisurv.statistics.risk_sets import RiskSets, Ties

__all__ = [
    "Censoring",
    "CensoringConvention",
    "Concordance",
    "KaplanMeier",
    "RankedPairs",
    "RiskSets",
    "Ties",
    "censoring_survival",
    "concordance",
    "derivatives",
    "harrell_c",
    "kaplan_meier",
    "life_table",
    "maximise",
]
