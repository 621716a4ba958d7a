"""How far every statistic lies from published software: one row a statistic, ``make agreement`` writes the page."""

from agreement import cox, discrimination, lasso, stability, survival_curves
from agreement.rows import ROWS, Agreement, Difference, Optimality, Sources

__all__ = [
    "ROWS",
    "Agreement",
    "Difference",
    "Optimality",
    "Sources",
    "cox",
    "discrimination",
    "lasso",
    "stability",
    "survival_curves",
]
