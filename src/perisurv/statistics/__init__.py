"""Arithmetic of censored follow-up that fitting and evaluation share."""

from perisurv.statistics.aalen_johansen import (
    CumulativeIncidence,
    IncidenceVariance,
    aalen_johansen,
    check_causes,
    incidence_at,
)
from perisurv.statistics.censoring import Censoring, CensoringConvention, censoring_survival
from perisurv.statistics.concordance import Concordance, RankedPairs, concordance, harrell_c
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
from perisurv.statistics.pseudo_values import pseudo_survival
from perisurv.statistics.risk_sets import RiskSets, Ties
from perisurv.statistics.splines import restricted_cubic_spline, spline_knots
from perisurv.statistics.subdistribution import Subdistribution, fit_subdistribution

__all__ = [
    "Censoring",
    "CensoringConvention",
    "Concordance",
    "ConfidenceType",
    "CumulativeIncidence",
    "IncidenceVariance",
    "KaplanMeier",
    "RankedPairs",
    "RiskSets",
    "Subdistribution",
    "SurvivalQuantile",
    "Ties",
    "aalen_johansen",
    "censoring_survival",
    "check_causes",
    "concordance",
    "derivatives",
    "fit_subdistribution",
    "harrell_c",
    "incidence_at",
    "kaplan_meier",
    "life_table",
    "maximise",
    "normal_quantile",
    "pseudo_survival",
    "restricted_cubic_spline",
    "spline_knots",
    "survival_at",
]
