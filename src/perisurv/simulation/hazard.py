"""The true hazard: clinical covariates, linear predictor, Weibull survival, censoring.

Bender, Augustin, Blettner, Generating survival times to simulate Cox proportional hazards models (2005).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from perisurv.simulation.options import SimulationOptions

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

__all__ = ["LATENTS", "clinical_score", "draw_clinical", "draw_outcome", "linear_predictor"]

LATENTS = ("volume", "roughness", "heterogeneity", "infiltration", "pattern")

# Category: (probability, log hazard ratio before the whole score is standardised).
STAGE = {
    "I": (0.10, 0.0),
    "II": (0.14, 0.35),
    "IIIA": (0.34, 0.65),
    "IIIB": (0.32, 0.9),
    "IV": (0.10, 1.3),
}
SEX = {"male": (0.66, 0.25), "female": (0.34, 0.0)}
ECOG = {0: (0.35, 0.0), 1: (0.47, 0.3), 2: (0.18, 0.75)}
HISTOLOGY = {
    "adenocarcinoma": (0.36, 0.0),
    "squamous": (0.38, 0.1),
    "large_cell": (0.10, 0.25),
    "nos": (0.16, 0.15),
}
CATEGORIES: dict[str, dict[Any, tuple[float, float]]] = {
    "stage": STAGE,
    "sex": SEX,
    "ecog": ECOG,
    "histology": HISTOLOGY,
}
AGE_MEAN, AGE_SD, AGE_EFFECT_PER_YEAR = 67.5, 9.0, 0.02


def draw_clinical(rng: Generator, n: int) -> pd.DataFrame:
    """Clinical covariates of n patients, independent of each other and of the images."""
    columns: dict[str, object] = {
        name: rng.choice(list(table), size=n, p=[p for p, _ in table.values()]) for name, table in CATEGORIES.items()
    }
    columns["age_years"] = np.round(np.clip(rng.normal(AGE_MEAN, AGE_SD, n), 38.0, 92.0), 1)
    columns["dose_gy"] = rng.choice([60.0, 66.0, 70.0], size=n, p=[0.35, 0.45, 0.20])
    return pd.DataFrame(columns)


def clinical_score(clinical: pd.DataFrame) -> NDArray[np.float64]:
    """Clinical log hazard, standardised over the population that `draw_clinical` draws from (not over the sample)."""
    score = AGE_EFFECT_PER_YEAR * (clinical["age_years"].to_numpy(dtype=float) - AGE_MEAN)
    variance = (AGE_EFFECT_PER_YEAR * AGE_SD) ** 2
    for name, table in CATEGORIES.items():
        weights = np.array([p for p, _ in table.values()])
        effects = np.array([b for _, b in table.values()])
        mean = float(weights @ effects)
        variance += float(weights @ (effects - mean) ** 2)
        lookup = {key: effect - mean for key, (_, effect) in table.items()}
        score = score + np.array([lookup[value] for value in clinical[name]])
    return np.asarray(score / np.sqrt(variance))


def linear_predictor(latents: pd.DataFrame, clinical: pd.DataFrame, options: SimulationOptions) -> NDArray[np.float64]:
    """True log hazard ratio against the average patient of the same centre; higher is worse."""
    score = options.effects.clinical * clinical_score(clinical)
    if options.signal == "full":
        for name in LATENTS:
            score = score + getattr(options.effects, name) * latents[name].to_numpy()
    return np.asarray(score)


def draw_outcome(
    rng: Generator, risk: NDArray[np.float64], baseline_median_days: NDArray[np.float64], options: SimulationOptions
) -> pd.DataFrame:
    """Follow-up in whole days: Weibull proportional hazards, uniform administrative end, exponential drop-out."""
    n = len(risk)
    shape = options.weibull_shape
    scale = baseline_median_days / np.log(2.0) ** (1.0 / shape)
    death = scale * (rng.exponential(size=n) * np.exp(-risk)) ** (1.0 / shape)
    censoring = np.minimum(rng.uniform(*options.follow_up_days, size=n), rng.exponential(options.dropout_days, size=n))
    time = np.maximum(np.ceil(np.minimum(death, censoring)), 1.0)
    return pd.DataFrame({"time_days": time.astype(int), "event": death <= censoring})
