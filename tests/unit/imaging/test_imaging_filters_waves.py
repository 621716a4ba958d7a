"""Gabor, non-separable wavelets and Riesz transforms against their definitions and symmetries."""

import numpy as np
import pytest
from scipy import ndimage

from perisurv.core import Geometry, Volume
from perisurv.imaging.filters import Gabor, NonseparableWavelets, Riesz

RNG = np.random.default_rng(11)
SCIPY = {"mirror": "reflect", "nearest": "nearest", "zero": "constant", "periodic": "wrap"}


def image(values, spacing=(1.0, 1.0, 1.0)):
    values = np.ascontiguousarray(values, np.float32)
    return Volume(values, Geometry(values.shape, spacing))


def only(one, values, spacing=(1.0, 1.0, 1.0)):
    ((_, response),) = one.responses(image(values, spacing))
    return response.values


def phases(shape, periods):
    """Phase of a plane wave of this many periods along each axis."""
    steps = [2 * np.pi * f * np.arange(n) / n for f, n in zip(periods, shape, strict=True)]
    return sum(np.meshgrid(*steps, indexing="ij"))


def wave(shape, periods):
    return np.cos(phases(shape, periods))


@pytest.mark.parametrize("boundary", SCIPY)
def test_gabor_by_brute_force(boundary):
    """Voxels of 2 x 1.2 x 0.8 mm; theta turns from x (columns) towards y (rows)."""
    values = RNG.uniform(-100, 100, (3, 14, 17))
    one = Gabor(1.5, 3.0, gamma=1.25, theta_degrees=35.0, boundary=boundary)
    y, x = np.meshgrid(1.2 * np.arange(-7, 8), 0.8 * np.arange(-11, 12), indexing="ij")
    angle = np.radians(35.0)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kernel = np.exp(-(u**2 + 1.25**2 * v**2) / (2 * 1.5**2) + 2j * np.pi * u / 3.0)
    parts = [ndimage.convolve(values, part[None], mode=SCIPY[boundary]) for part in (kernel.real, kernel.imag)]
    np.testing.assert_allclose(only(one, values, (2.0, 1.2, 0.8)), np.hypot(*parts), atol=0.3)


def test_gabor_over_orthogonal_planes_knows_no_axis():
    values = RNG.uniform(-100, 100, (15, 15, 15))
    one = Gabor(1.2, 3.0, gamma=1.5, theta_step_degrees=45.0, planes="orthogonal", boundary="periodic")
    response = only(one, values)
    for axes in ((1, 2, 0), (2, 1, 0), (0, 2, 1)):
        np.testing.assert_allclose(only(one, values.transpose(axes)), response.transpose(axes), rtol=1e-3)


def test_gabor_answers_to_its_own_wave():
    values = np.broadcast_to(np.cos(2 * np.pi * np.arange(60) / 6.0), (1, 40, 60))
    along, across = (
        only(Gabor(4.0, 6.0, theta_degrees=theta, boundary="periodic"), values)[0, 20, 30] for theta in (0.0, 90.0)
    )
    assert along == pytest.approx(np.pi * 4.0**2, rel=1e-3)  # half the integral of the envelope
    assert across < 1e-3 * along


@pytest.mark.parametrize(("family", "level"), [("simoncelli", 1), ("simoncelli", 2), ("shannon", 1), ("shannon", 2)])
def test_a_band_lets_its_waves_through(family, level):
    """Of 63 voxels, where the consensus' frequencies are 64/63... of the exact ones."""
    shape = (1, 63, 63)
    one = NonseparableWavelets(family, level=level, dimensions=2)
    for periods in (2, 5, 7, 10, 14, 20, 26, 30):
        radius = 2 * np.pi * periods / 62 * 2 ** (level - 1)
        if family == "shannon":
            gain = float(np.pi / 2 < radius <= np.pi)
        else:
            gain = np.cos(np.pi / 2 * np.log2(2 * radius / np.pi)) if np.pi / 4 < radius <= np.pi else 0.0
        values = wave(shape, (0, 0, periods))
        np.testing.assert_allclose(only(one, values), gain * values, atol=1e-4)


def test_simoncelli_bands_share_the_energy_of_the_image():
    """The squares of neighbouring bands add up to one between pi/2 and their last frequencies."""
    shape = (63, 63, 63)
    values = wave(shape, (0, 3, 7))
    energies = [np.mean(only(NonseparableWavelets(level=level), values) ** 2.0) for level in (1, 2, 3, 4)]
    assert sum(energies) == pytest.approx(np.mean(values**2), rel=1e-4)


@pytest.mark.parametrize("boundary", ["mirror", "nearest", "zero"])
def test_bands_of_continued_images(boundary):
    """Continued by hand to twice its size, the image is periodic."""
    values = RNG.uniform(-100, 100, (8, 10, 12))
    mode = {"mirror": "symmetric", "nearest": "edge", "zero": "constant"}[boundary]
    wide = np.pad(values, [(n // 2, n // 2) for n in values.shape], mode)
    inner = only(NonseparableWavelets(level=2), wide)[4:12, 5:15, 6:18]
    np.testing.assert_allclose(only(NonseparableWavelets(level=2, boundary=boundary), values), inner, atol=1e-2)


def test_riesz_turns_a_wave_by_a_quarter():
    """First order: -i omega / |omega| turns a cosine into a sine, times its direction."""
    shape = (16, 18, 20)
    values = wave(shape, (2, 3, 4))
    omega = 2 * np.pi * np.array([2 / 16, 3 / 18, 4 / 20])
    size = np.linalg.norm(omega)
    gain = -(size**2) * np.exp(-0.5 * (size * 1.5) ** 2)
    for position, axis in enumerate((2, 1, 0)):
        order = tuple(int(position == p) for p in range(3))
        expected = gain * omega[axis] / size * np.sin(phases(shape, (2, 3, 4)))
        np.testing.assert_allclose(only(Riesz(order, base="log", sigma_mm=1.5), values), expected, atol=1e-5)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_riesz_components_keep_the_energy(degree):
    """The squares of all components of a degree add up to the square of the base."""
    values = RNG.normal(0, 100, (15, 17, 19))
    orders = [(a, b, degree - a - b) for a in range(degree + 1) for b in range(degree + 1 - a)]
    energy = sum(np.sum(only(Riesz(order, level=1), values) ** 2.0) for order in orders)
    assert energy == pytest.approx(np.sum(only(NonseparableWavelets(), values) ** 2.0), rel=1e-4)


@pytest.mark.parametrize("order", [(1, 0, 0), (0, 2, 0), (1, 1, 0)])
def test_steered_riesz_turns_with_the_image(order):
    values = ndimage.gaussian_filter(RNG.normal(0, 1000, (17, 17, 17)), 1.0, mode="wrap")
    one = Riesz(order, base="log", sigma_mm=1.0, steering_sigma_mm=1.5)
    response = only(one, values)
    strong = np.abs(response) > 0.02 * np.abs(response).max()
    for axes in ((0, 1), (1, 2), (0, 2)):
        turned = np.rot90(only(one, np.rot90(values, 1, axes)), -1, axes)
        agree = np.isclose(turned, response, atol=0.01 * np.abs(response).max())
        assert agree[strong].mean() > 0.98  # the rest has two equal eigenvalues, or no rise, within rounding


def test_steering_finds_the_direction_of_a_wave():
    """Of an oblique plane wave, the first derivative along the wave is all there is."""
    values = wave((24, 24, 24), (2, 3, 4)) * 100
    aligned = only(Riesz((2, 0, 0), base="log", sigma_mm=1.5, steering_sigma_mm=2.0), values)
    across = only(Riesz((0, 2, 0), base="log", sigma_mm=1.5, steering_sigma_mm=2.0), values)
    parts = [only(Riesz(order, base="log", sigma_mm=1.5), values) for order in ((2, 0, 0), (0, 2, 0), (0, 0, 2))]
    np.testing.assert_allclose(aligned, sum(parts), atol=1e-3 * np.abs(aligned).max())
    assert np.abs(across).max() < 1e-3 * np.abs(aligned).max()
