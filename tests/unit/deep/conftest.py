"""A planted task that a tiny network can learn: the hazard follows the brightness of the tumour."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from perisurv.core import Outcome
from perisurv.deep import DeepOptions, Embedder, train

SIZE = 16
TINY = DeepOptions(
    patch_voxels=SIZE,
    width=4,
    blocks=(1, 1, 1, 1),
    stem_stride=2,
    axes=6,
    epochs=20,
    batch=12,
    micro_batch=12,
    learning_rate=5e-3,
    shift_voxels=1,
)


@dataclass(frozen=True)
class Planted:
    """Patients whose log hazard is twice the standardised brightness of their tumour."""

    outcome: Outcome
    patches: NDArray[np.float32]
    log_hazard: NDArray[np.float64]

    @property
    def patients(self) -> tuple[str, ...]:
        return self.outcome.patients


def plant(n: int, seed: int, prefix: str) -> Planted:
    rng = np.random.default_rng(seed)
    distance = np.sqrt(sum(np.square(axis - 7.5) for axis in np.ogrid[:SIZE, :SIZE, :SIZE]))
    brightness = rng.standard_normal(n)
    patches = np.full((n, 2, SIZE, SIZE, SIZE), -1.0, dtype=np.float32)
    for row, bright in enumerate(brightness):
        inside = distance < rng.uniform(3.0, 6.0)
        patches[row, 0][inside] = np.clip(0.45 + 0.08 * bright + 0.05 * rng.standard_normal(inside.sum()), -1, 1)
        patches[row, 1] = inside
    log_hazard = 2.0 * brightness
    death = 600.0 * rng.exponential(size=n) * np.exp(-log_hazard)
    end = rng.uniform(300.0, 3000.0, n)
    outcome = Outcome(tuple(f"{prefix}{row}" for row in range(n)), np.ceil(np.minimum(death, end)), death <= end)
    return Planted(outcome, patches, log_hazard)


@pytest.fixture(scope="session")
def planted() -> Planted:
    return plant(48, 1, "train")


@pytest.fixture(scope="session")
def unseen() -> Planted:
    return plant(60, 2, "new")


@pytest.fixture(scope="session")
def tiny() -> DeepOptions:
    return TINY


@pytest.fixture(scope="session")
def embedder(planted: Planted) -> Embedder:
    return train(planted.patients, planted.patches, planted.outcome, TINY, seed=5)
