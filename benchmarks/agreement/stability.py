"""Intraclass correlation."""

from __future__ import annotations

import numpy as np

from agreement.rows import Pairs, Sources, agrees
from perisurv.survival import icc_1_1

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)[:, :, None]


@agrees(
    "ICC(1,1)", "`icc_1_1`", reference="psych 2.2.9 `ICC(lmer = FALSE)`", data="Shrout and Fleiss 1979",
    tested="tests/unit/survival/test_survival_selection.py", within=1e-12,
)  # fmt: skip
def one_way(sources: Sources) -> Pairs:
    yield icc_1_1(SHROUT_FLEISS)[0], sources.csv("icc_shrout_fleiss.csv", index_col=0)["ICC"].iloc[0]
