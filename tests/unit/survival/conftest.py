"""Follow-up with a known hazard, and the R reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureTable, Outcome


@pytest.fixture
def reference(test_data: Path) -> Path:
    """Folder of numbers computed by R (survival 3.5-3, glmnet 4.1-6, psych 2.2.9)."""
    return test_data / "reference_statistics"


@pytest.fixture
def lung1(reference: Path) -> tuple[pd.DataFrame, Outcome]:
    """421 patients x 518 standardised radiomics features with their follow-up."""
    frame = pd.read_csv(reference / "lung1_std_X.csv", index_col=0)
    return frame.iloc[:, 2:], Outcome.from_frame(
        frame[["time", "event"]].rename(columns={"time": "time_days"}).astype({"event": bool})
    )


@pytest.fixture
def clinical(reference: Path) -> tuple[pd.DataFrame, Outcome]:
    frame = pd.read_csv(reference / "lung1_clin.csv", index_col=0)
    return frame.iloc[:, 2:], Outcome.from_frame(
        frame[["time", "event"]].rename(columns={"time": "time_days"}).astype({"event": bool})
    )


@pytest.fixture
def cohort() -> tuple[FeatureTable, Outcome]:
    """90 patients; the hazard depends on tumour__a and deep_000, nothing else."""
    rng = np.random.default_rng(7)
    n = 90
    names = [f"tumour__{c}" for c in "abcdefghij"] + [f"deep_{k:03d}" for k in range(8)]
    values = rng.normal(size=(n, len(names)))
    log_hazard = values[:, 0] + values[:, 10]
    death = rng.exponential(600 * np.exp(-log_hazard))
    censored = rng.uniform(200, 3000, n)
    ids = tuple(f"p{k:03d}" for k in range(n))
    time = np.minimum(death, censored) + 1
    table = FeatureTable(pd.DataFrame(values, index=list(ids), columns=names))
    return table, Outcome(ids, time, death <= censored)
