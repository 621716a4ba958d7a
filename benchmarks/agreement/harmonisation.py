"""Harmonisation: ComBat and M-ComBat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agreement.rows import Pairs, Sources, agrees
from perisurv.core import FeatureTable
from perisurv.survival import CombatOptions, fit_combat

TEST = "tests/unit/survival/test_survival_combat.py"
NEUROCOMBAT = "200 simulated features x 10 patients of two batches, sex as covariate"
SVA = {
    "parametric": CombatOptions(),
    "nonparametric": CombatOptions(prior="nonparametric"),
    "mean_only": CombatOptions(mean_only=True),
    "nonparametric_mean_only": CombatOptions(prior="nonparametric", mean_only=True),
    "reference": CombatOptions(reference="B"),
    "nonparametric_reference": CombatOptions(prior="nonparametric", reference="B"),
    "mean_only_reference": CombatOptions(mean_only=True, reference="C"),
    "covariates": CombatOptions(),
    "covariates_nonparametric": CombatOptions(prior="nonparametric"),
    "covariates_reference": CombatOptions(reference="A"),
    "covariates_mean_only": CombatOptions(mean_only=True),
    "flat": CombatOptions(),
    "single_mean_only": CombatOptions(mean_only=True),
}


def harmonised(
    values: np.ndarray, batch: list[str], options: CombatOptions, covariates: pd.DataFrame | None = None
) -> np.ndarray:
    """Rows are patients."""
    ids = [f"p{k:02d}" for k in range(len(values))]
    table = FeatureTable(pd.DataFrame(values, index=ids, columns=[f"f{k:03d}" for k in range(values.shape[1])]))
    held = None if covariates is None else covariates.set_axis(ids)
    return fit_combat(table, dict(zip(ids, batch, strict=True)), options, held)[1].to_numpy()


def read(path: Path) -> np.ndarray:
    """An output of neuroCombat, rows are patients."""
    return np.genfromtxt(path, delimiter=",", skip_header=int(path.stem.endswith("_r"))).T


def neurocombat(sources: Sources, program: str, tolerance: float) -> Pairs:
    """Every output of one program."""
    folder = sources.shared("reference_combat")
    values = np.genfromtxt(folder / "inputData" / "testdata.csv", delimiter=",", skip_header=1).T
    sex = pd.DataFrame({"male": [1.0, 0.0] * 5})
    for path in sorted((folder / "outputData").glob(f"testdata_combat_*_{program}.csv")):
        name = path.stem
        prior: Any = "nonparametric" if "nonparametric" in name else "parametric"
        options = CombatOptions(
            prior="none" if "noeb" in name else prior,
            mean_only="meanon" in name,
            reference="1" if "batchref" in name else "",
            tolerance=tolerance,
        )
        found = harmonised(values, ["1"] * 5 + ["2"] * 5, options, None if "unadjusted" in name else sex)
        yield found, read(path)


def combat(program: str, files: int, note: str = "") -> Any:
    """A row for the outputs of one program."""
    return agrees(
        f"ComBat: {files} outputs of neuroCombat in {program}",
        "`fit_combat`, `ComBat`",
        reference=f"neuroCombat, {program}: parametric, non-parametric, no EB, mean only, reference batch, covariate",
        data=NEUROCOMBAT,
        tested=TEST,
        within=1e-8,
        judged="absolute",
        note=note,
    )


@combat("R", 33)
def in_r(sources: Sources) -> Pairs:
    return neurocombat(sources, "r", 1e-4)


@combat("Python", 34)
def in_python(sources: Sources) -> Pairs:
    return neurocombat(sources, "python", 1e-4)


@combat(
    "Matlab",
    4,
    "the Matlab version ends its iteration at 1e-3, R and Python at 1e-4: run with that tolerance here, two files "
    "differ by 2e-4 from R and Python",
)
def in_matlab(sources: Sources) -> Pairs:
    return neurocombat(sources, "matlab", 1e-3)


@agrees(
    "ComBat in 13 modes",
    "`fit_combat`, `ComBat`",
    reference="sva 3.46 `ComBat`",
    data="simulated features of three batches, two covariates",
    tested=TEST,
    within=1e-8,
    judged="absolute",
    needs_shared=False,
)
def sva(sources: Sources) -> Pairs:
    held = sources.golden("combat")
    covariates = pd.DataFrame({"age": held["age"], "female": held["female"]})
    for name, options in SVA.items():
        values = np.array(held["flat" if name == "flat" else "x"], dtype=float)
        batch = ["D", *held["batch"][1:]] if name.startswith("single") else held["batch"]
        found = harmonised(values, batch, options, covariates if name.startswith("covariates") else None)
        yield found, np.array(held["cases"][name], dtype=float)


@agrees(
    "M-ComBat",
    "`fit_combat`, `ComBat`",
    reference="M-ComBat of Stein 2015, run in R with sva 3.46",
    data="simulated features of three batches",
    tested=TEST,
    within=1e-8,
    judged="absolute",
    needs_shared=False,
)
def m_combat(sources: Sources) -> Pairs:
    held = sources.golden("combat")
    found = harmonised(np.array(held["x"], float), held["batch"], CombatOptions(m_combat=True, reference="B"))
    yield found, np.array(held["cases"]["m_combat"], dtype=float)
