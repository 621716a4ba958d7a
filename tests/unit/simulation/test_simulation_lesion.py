"""The tumour carries each latent where it should and nowhere else. Lesions only, no whole CT."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.stats import spearmanr

from perisurv.simulation import Latents, SimulationOptions
from perisurv.simulation.lesion import Lesion, draw_surface, make_lesion

OPTIONS = SimulationOptions()
MIDDLE = Latents(0.0, 0.0, 0.0, 0.0, 0.0)


class Case(NamedTuple):
    latents: Latents
    lesion: Lesion
    distance_mm: NDArray[np.float64]


def build(seed: int, latents: Latents, volume_ml: float = 8.0, options: SimulationOptions = OPTIONS) -> Lesion:
    rng = np.random.default_rng(seed)
    return make_lesion(rng, draw_surface(rng, volume_ml, latents.roughness), latents, options)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Pairs of patients that differ in the sign of the pattern only, so that nothing else can explain a difference."""
    draws = np.random.default_rng(11).standard_normal((40, 5))
    found = []
    for seed, draw in enumerate(draws):
        for sign in (1.0, -1.0):
            latents = Latents(*(float(v) for v in draw[:4]), sign * float(draw[4]))
            lesion = build(seed, latents)
            found.append(Case(latents, lesion, distance_transform_edt(~lesion.inside)))
    return found


def latent(cases: list[Case], name: str) -> list[float]:
    return [getattr(case.latents, name) for case in cases]


def rho(a: list[float], b: list[float]) -> float:
    return float(spearmanr(a, b).statistic)


def core_minus_rim(lesion: Lesion) -> float:
    return float(lesion.hu[lesion.core].mean() - lesion.hu[lesion.rim].mean())


def whole_tumour_features(lesion: Lesion) -> dict[str, float]:
    """Histogram, and texture of neighbouring voxels in 25 HU bins along the three axes."""
    hu = lesion.hu[lesion.inside]
    spread = (hu - hu.mean()) / hu.std()
    bins = np.floor((lesion.hu + 1000) / 25)
    joint = np.zeros((90, 90))
    for axis in range(3):
        level, inside = np.moveaxis(bins, axis, 0), np.moveaxis(lesion.inside, axis, 0)
        both = inside[1:] & inside[:-1]
        np.add.at(joint, (level[1:][both].astype(int), level[:-1][both].astype(int)), 1.0)
    joint = (joint + joint.T) / (2 * joint.sum())
    i, j = np.indices(joint.shape)
    mean = (i * joint).sum()
    return {
        "mean": float(hu.mean()),
        "sd": float(hu.std()),
        "skewness": float((spread**3).mean()),
        "kurtosis": float((spread**4).mean()),
        "p10": float(np.percentile(hu, 10)),
        "p90": float(np.percentile(hu, 90)),
        "contrast": float(((i - j) ** 2 * joint).sum()),
        "energy": float((joint**2).sum()),
        "correlation": float(((i - mean) * (j - mean) * joint).sum() / ((i - mean) ** 2 * joint).sum()),
    }


@pytest.mark.parametrize("volume_ml", [2.0, 35.0, 150.0])
@pytest.mark.parametrize("roughness", [-2.0, 0.0, 2.0])
def test_the_tumour_has_the_planted_volume(volume_ml: float, roughness: float) -> None:
    lesion = build(1, Latents(0.0, roughness, 0.0, 0.0, 0.0), volume_ml)
    assert np.count_nonzero(lesion.inside) / 1000 == pytest.approx(volume_ml, rel=0.01)
    assert float(lesion.cover.sum()) / 1000 == pytest.approx(volume_ml, rel=0.02)


def test_the_tumour_is_star_convex(cases: list[Case]) -> None:
    for case in cases[:5]:
        n = case.lesion.inside.shape[0]
        middle = np.array([n // 2] * 3)
        for voxel in np.argwhere(case.lesion.inside)[::97]:
            line = np.rint(middle + np.linspace(0, 1, 60)[:, None] * (voxel - middle)).astype(int)
            outside = ~case.lesion.inside[tuple(line.T)]
            # Rounding to voxels may clip the last step along a grazing line.
            assert case.distance_mm[tuple(line[outside].T)].max(initial=0.0) <= 1.5


def test_core_and_rim_have_equal_voxel_counts(cases: list[Case]) -> None:
    for case in cases:
        core, rim = np.count_nonzero(case.lesion.core), np.count_nonzero(case.lesion.rim)
        assert abs(core - rim) <= 0.01 * core + 1
        assert not (case.lesion.core & case.lesion.rim).any()
        assert not (case.lesion.core & case.lesion.necrosis).any()


def test_the_pattern_is_seen_by_place_and_not_by_histogram_or_texture(cases: list[Case]) -> None:
    pattern = latent(cases, "pattern")
    assert rho(pattern, [core_minus_rim(case.lesion) for case in cases]) > 0.9
    features = [whole_tumour_features(case.lesion) for case in cases]
    for name in features[0]:
        assert abs(rho(pattern, [f[name] for f in features])) < 0.25, name


def test_opposite_patterns_exchange_the_textures() -> None:
    towards, away = (build(3, Latents(0.0, 0.0, -3.0, 0.0, sign)) for sign in (3.0, -3.0))
    assert core_minus_rim(towards) == pytest.approx(OPTIONS.pattern_contrast_hu, rel=0.15)
    assert core_minus_rim(away) == pytest.approx(-OPTIONS.pattern_contrast_hu, rel=0.15)


def test_infiltration_rises_with_its_latent_and_ends_at_the_planted_width(cases: list[Case]) -> None:
    for low, high in ((0.0, 2.0), (2.0, 4.0), (4.0, 6.0)):
        shells = [(c.distance_mm > low) & (c.distance_mm <= high) for c in cases]
        density = [float(c.lesion.infiltrate[shell].mean()) for c, shell in zip(cases, shells, strict=True)]
        assert rho(latent(cases, "infiltration"), density) > 0.9
    inner = np.mean([c.lesion.infiltrate[(c.distance_mm > 4) & (c.distance_mm <= 5)].mean() for c in cases])
    assert inner > 0.1
    for case in cases:
        assert case.lesion.infiltrate[case.distance_mm > OPTIONS.infiltration_mm + 0.5].max() == 0
        assert case.lesion.infiltrate[case.lesion.inside].max() == 0


def test_the_width_of_the_infiltration_is_a_setting() -> None:
    lesion = build(2, MIDDLE, options=SimulationOptions(infiltration_mm=9.0))
    distance = distance_transform_edt(~lesion.inside)
    assert 8.0 < distance[lesion.infiltrate > 0].max() <= 9.5


def test_roughness_moves_the_surface_and_heterogeneity_the_texture(cases: list[Case]) -> None:
    surface = [float(np.count_nonzero((c.distance_mm > 0) & (c.distance_mm <= 1))) for c in cases]
    assert rho(latent(cases, "roughness"), surface) > 0.5
    assert rho(latent(cases, "roughness"), [float(c.lesion.spicules.sum()) for c in cases]) > 0.5
    deviation = [float(c.lesion.hu[c.lesion.inside].std()) for c in cases]
    assert rho(latent(cases, "heterogeneity"), deviation) > 0.9
    assert rho(latent(cases, "heterogeneity"), [float(c.lesion.necrosis.sum()) for c in cases]) > 0.9


def test_each_latent_leaves_the_marks_of_the_others_alone(cases: list[Case]) -> None:
    density = [float(c.lesion.infiltrate[(c.distance_mm > 0) & (c.distance_mm <= 6)].mean()) for c in cases]
    deviation = [float(c.lesion.hu[c.lesion.inside].std()) for c in cases]
    assert abs(rho(latent(cases, "heterogeneity"), density)) < 0.3
    assert abs(rho(latent(cases, "infiltration"), deviation)) < 0.3


def test_same_generator_same_tumour() -> None:
    first, second = build(9, MIDDLE), build(9, MIDDLE)
    for name in ("level_mm", "hu", "infiltrate", "spicules"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
