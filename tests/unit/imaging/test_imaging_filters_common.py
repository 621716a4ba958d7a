"""What holds for every filter: names, tables, boxes, margins, grids, refusals."""

import dataclasses
import tomllib

import numpy as np
import pytest

from perisurv.core import Geometry, GeometryError, SettingsError, Volume
from perisurv.imaging import laplacian_of_gaussian
from perisurv.imaging.filters import (
    Gabor,
    ImageFilter,
    LaplacianOfGaussian,
    Laws,
    Mean,
    NonseparableWavelets,
    Riesz,
    Wavelets,
    filter_from_table,
    filter_to_table,
)

BOUNDARIES = ("mirror", "nearest", "zero", "periodic")
FILTERS = (
    Mean(5),
    Mean(3, dimensions=2),
    LaplacianOfGaussian(1.5),
    LaplacianOfGaussian(1.2, truncate=3.0, scale_normalised=True, dimensions=2),
    Laws("E5L5S5"),
    Laws("L5E5E3", rotation_invariant=True, energy_distance=2),
    Laws("L5R5", rotation_invariant=True, pooling="average", dimensions=2),
    Wavelets("coif1"),
    Wavelets("db3", level=2, subband="LH", rotation_invariant=True, dimensions=2),
    Wavelets("haar", level=2, subband="HLH", rotation_invariant=True, pooling="max"),
    Wavelets("db2", level=1, decimated=True),
    Gabor(1.5, 3.0, gamma=1.5, theta_degrees=30.0),
    Gabor(1.0, 2.5, theta_step_degrees=60.0, planes="orthogonal", pooling="max"),
    NonseparableWavelets("simoncelli", level=2),
    NonseparableWavelets("shannon", dimensions=2),
    Riesz((1, 0, 0), base="log", sigma_mm=1.5),
    Riesz((0, 2), level=1, dimensions=2),
    Riesz((1, 0, 1), level=1, steering_sigma_mm=1.0),
)
GRID = Geometry((11, 16, 19), (1.0, 1.0, 1.0))


def noise(grid=GRID, seed=5):
    return Volume(np.random.default_rng(seed).uniform(-500, 500, grid.shape).astype(np.float32), grid)


def name(image_filter):
    return f"{image_filter.names[0]}-{image_filter.boundary}"


def with_boundaries():
    return [dataclasses.replace(one, boundary=boundary) for one in FILTERS for boundary in BOUNDARIES]


@pytest.mark.parametrize("one", FILTERS, ids=name)
def test_names_and_responses_agree(one):
    assert isinstance(one, ImageFilter)
    found = list(one.responses(noise()))
    assert tuple(label for label, _ in found) == one.names
    assert all(response.geometry == GRID for _, response in found)
    assert all("__" not in label and " " not in label for label in one.names)


def test_different_settings_have_different_names():
    labels = [label for one in FILTERS for label in one.names]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("one", with_boundaries(), ids=name)
def test_a_box_is_cropped_from_the_whole(one):
    box = (slice(0, 7), slice(4, 16), slice(5, 12))
    for (_, part), (_, full) in zip(one.responses(noise(), box), one.responses(noise()), strict=True):
        assert part.geometry.is_close(GRID.crop(box))
        np.testing.assert_allclose(part.values, full.values[box], atol=2e-3 * np.abs(full.values).max())


@pytest.mark.parametrize("one", FILTERS, ids=name)
def test_a_margin_is_as_far_as_a_response_looks(one):
    """What lies beyond changes nothing; on the margin, something changes the response (an envelope has no end)."""
    margin = one.margin_voxels((1.0, 1.0, 1.0))
    if margin is None:
        pytest.skip("looks at the whole image")
    n = 2 * margin + 5
    grid = Geometry((n, n, n), (1.0, 1.0, 1.0))
    image = noise(grid)
    middle = (slice(margin + 2, margin + 3),) * 3

    def responses(kept):
        values = np.full(grid.shape, 900, np.float32)
        values[kept] = image.values[kept]
        return [response.values.item() for _, response in one.responses(Volume(values, grid), middle)]

    whole = responses((slice(None),) * 3)
    np.testing.assert_allclose(responses((slice(2, -2),) * 3), whole, atol=1e-2)
    if not isinstance(one, Gabor):
        assert not np.allclose(responses((slice(3, -3),) * 3), whole, atol=1e-2)


@pytest.mark.parametrize("one", FILTERS, ids=name)
def test_the_memory_layout_changes_nothing(one):
    """Arrays in other orders, turned round, and of half precision."""
    values = noise().values.astype(np.float16)
    expected = [response.values for _, response in one.responses(Volume(values.astype(np.float32), GRID))]
    for other in (values, np.asfortranarray(values), np.flip(np.flip(values).copy())):
        for (_, response), same in zip(one.responses(Volume(other, GRID)), expected, strict=True):
            np.testing.assert_allclose(response.values, same, atol=1e-3)


@pytest.mark.parametrize("one", FILTERS, ids=name)
def test_a_table_gives_the_filter_back(one):
    table = filter_to_table(one)
    assert filter_from_table(table) == one
    assert all(isinstance(value, str | int | float | bool | list) for value in table.values())


def test_a_table_of_a_study_file():
    (table,) = tomllib.loads('filters = [{kind = "log", sigma_mm = 3.0, boundary = "nearest"}]')["filters"]
    assert filter_from_table(table) == LaplacianOfGaussian(3.0, boundary="nearest")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"kind": "lgo", "sigma_mm": 1.0}, ["'lgo'", "'log'"]),
        ({"sigma_mm": 1.0}, ["kind", "None"]),
        ({"kind": "log", "sigma": 1.0}, ["'sigma'", "'sigma_mm'"]),
        ({"kind": "log"}, ["log needs sigma_mm"]),
        ({"kind": "log", "sigma_mm": -1.0}, ["sigma_mm", "above 0", "-1.0"]),
        ({"kind": "log", "sigma_mm": float("nan")}, ["sigma_mm", "nan"]),
        ({"kind": "log", "sigma_mm": "3"}, ["sigma_mm", "'3'"]),
        ({"kind": "log", "sigma_mm": True}, ["sigma_mm", "True"]),
        ({"kind": "log", "sigma_mm": 1.0, "boundary": "reflect"}, ["boundary", "mirror", "'reflect'"]),
        ({"kind": "log", "sigma_mm": 1.0, "dimensions": 4}, ["dimensions", "2 to 3", "4"]),
        ({"kind": "log", "sigma_mm": 1.0, "dimensions": 2.0}, ["dimensions", "whole number", "2.0"]),
        ({"kind": "log", "sigma_mm": 1e9}, ["sigma_mm", "below 1000", "1000000000.0"]),
        ({"kind": ["log"], "sigma_mm": 1.0}, ["kind", "['log']"]),
        ({"kind": "log", "sigma_mm": 1.0, "scale_normalised": 1}, ["scale_normalised", "true or false", "1"]),
        ({"kind": "mean", "support": 4}, ["support", "odd", "4"]),
        ({"kind": "mean", "support": 3.0}, ["support", "whole number", "3.0"]),
        ({"kind": "laws", "kernels": "E5L5"}, ["kernels", "E5L5S5", "'E5L5'"]),
        ({"kind": "laws", "kernels": "E5L5Q5"}, ["kernels", "L5, E5", "'E5L5Q5'"]),
        ({"kind": "laws", "kernels": 5}, ["kernels", "5"]),
        ({"kind": "laws", "kernels": "E5L5S5", "energy_distance": -1}, ["energy_distance", "-1"]),
        ({"kind": "laws", "kernels": "E5L5S5", "pooling": "mean"}, ["pooling", "average", "'mean'"]),
        ({"kind": "wavelets", "wavelet": "coiflet1"}, ["wavelet", "'coif1'", "'coiflet1'"]),
        ({"kind": "wavelets", "wavelet": "haar", "level": 0}, ["level", "1 to", "0"]),
        ({"kind": "wavelets", "wavelet": "haar", "subband": "LH"}, ["subband", "LLH", "'LH'"]),
        ({"kind": "gabor", "sigma_mm": 1.0, "wavelength_mm": 0.0}, ["wavelength_mm", "0.0"]),
        ({"kind": "gabor", "sigma_mm": 1.0, "wavelength_mm": 2.0, "theta_step_degrees": 50.0}, ["divide 180", "50.0"]),
        ({"kind": "gabor", "sigma_mm": 1.0, "wavelength_mm": 2.0, "planes": "sagittal"}, ["planes", "'sagittal'"]),
        ({"kind": "nonseparable", "family": "meyer"}, ["family", "simoncelli", "'meyer'"]),
        ({"kind": "riesz", "order": [1, 0], "level": 1}, ["order", "3 whole numbers", "[1, 0]"]),
        ({"kind": "riesz", "order": [0, 0, 0], "level": 1}, ["order", "1..4", "[0, 0, 0]"]),
        ({"kind": "riesz", "order": 1, "level": 1}, ["order", "1"]),
        ({"kind": "riesz", "order": [1, 0, 0]}, ["level", "1 to", "0"]),
        ({"kind": "riesz", "order": [1, 0, 0], "base": "log"}, ["sigma_mm", "0.0"]),
        ({"kind": "riesz", "order": [1, 0, 0], "level": 1, "sigma_mm": 2.0}, ["sigma_mm", "2.0"]),
        ({"kind": "riesz", "order": [1, 0, 0], "level": 1, "steering_sigma_mm": -2.0}, ["steering_sigma_mm", "-2.0"]),
    ],
)
def test_a_wrong_table_is_refused_in_a_sentence(table, words):
    with pytest.raises(SettingsError) as refusal:
        filter_from_table(table)
    for word in words:
        assert word in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_no_table_of_a_strange_filter():
    with pytest.raises(SettingsError, match="object"):
        filter_to_table(object())


def test_a_margin_of_the_kernel_is_enough():
    """A crop with 4 sigma around a region has the response of the whole image there."""
    image = noise(Geometry((40, 44, 48), (1.0, 1.0, 1.0)))
    box = (slice(6, 34), slice(8, 38), slice(10, 40))
    inner, outer = (slice(8, -8),) * 3, tuple(slice(s.start + 8, s.stop - 8) for s in box)
    part, whole = laplacian_of_gaussian(image.crop(box), 2.0), laplacian_of_gaussian(image, 2.0)
    np.testing.assert_allclose(part.values[inner], whole.values[outer], atol=1e-4)


def test_anisotropic_voxels_are_refused():
    with pytest.raises(GeometryError, match="isotropic"):
        laplacian_of_gaussian(Volume(np.zeros((3, 3, 3), np.float32), Geometry((3, 3, 3), (3.0, 1.0, 1.0))), 1.0)
