"""Stability: intraclass correlation."""

from __future__ import annotations

import numpy as np

from agreement.rows import Pairs, Sources, agrees
from perisurv.survival import intraclass_correlation

TEST = "tests/unit/survival/test_survival_stability.py"
FORMS = ("1_1", "2_1", "3_1", "1_k", "2_k", "3_k")


@agrees(
    "ICC, six forms: estimate, F, p, lower and upper limit",
    "`intraclass_correlation`",
    reference="psych 2.2.9 `ICC(lmer = FALSE)`",
    data="Shrout and Fleiss 1979, four simulated tables",
    tested=TEST,
    within=1e-9,
    needs_shared=False,
)
def six_forms(sources: Sources) -> Pairs:
    held = sources.golden("survival_icc")
    for name in ("shrout", "noisy", "good", "pair", "biased"):
        expected = held[name]
        values = np.array(expected["values"], dtype=float)[:, :, None]
        for row, form in enumerate(FORMS):
            found = intraclass_correlation(values, form)
            yield [found.icc[0], found.f[0]], [expected["icc"][row], expected["F"][row]]
            yield [found.lower[0], found.upper[0]], [expected["lower"][row], expected["upper"][row]]
            if expected["p"][row] > 1e-12:  # R prints 1 - a probability there
                yield found.p[0], expected["p"][row]


@agrees(
    "ICC as printed",
    "`intraclass_correlation`",
    reference="psych 2.2.9 `ICC(lmer = FALSE)`",
    data="Shrout and Fleiss 1979",
    tested=TEST,
    within=1e-12,
)
def printed(sources: Sources) -> Pairs:
    values = np.array(sources.golden("survival_icc")["shrout"]["values"], dtype=float)[:, :, None]
    rows = sources.csv("icc_shrout_fleiss.csv", index_col=0)
    for row, form in enumerate(FORMS):
        found = intraclass_correlation(values, form)
        yield [found.icc[0], found.lower[0], found.upper[0]], rows[["ICC", "lower bound", "upper bound"]].iloc[row]
