"""How far every statistic lies from published software: one row a statistic, ``make agreement`` writes the page.

The order of the modules is that of the page.
"""

from agreement import (  # isort: skip
    cox,
    cox_checks,
    lasso,
    stability,
    harmonisation,
    discrimination,
    prediction_error,
    calibration,
    survival_curves,
    competing_risks,
)
from agreement.rows import ROWS, Agreement, Difference, Optimality, Sources

__all__ = [
    "ROWS",
    "Agreement",
    "Difference",
    "Optimality",
    "Sources",
    "calibration",
    "competing_risks",
    "cox",
    "cox_checks",
    "discrimination",
    "harmonisation",
    "lasso",
    "prediction_error",
    "stability",
    "survival_curves",
]
