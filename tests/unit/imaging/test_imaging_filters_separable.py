"""The separable operator against scipy and brute force; kernels, orientations, wavelet transforms."""

import itertools

import numpy as np
import pytest
import pywt
from scipy import ndimage

from perisurv.core import Geometry, Volume
from perisurv.imaging.filters import LaplacianOfGaussian, Laws, Mean, Wavelets
from perisurv.imaging.filters.boundary import continued
from perisurv.imaging.filters.separable import Kernel, along, blocks, filtered, rotations, triple, weights

SCIPY = {"mirror": "reflect", "nearest": "nearest", "zero": "constant", "periodic": "wrap"}
PAD = {"mirror": "symmetric", "nearest": "edge", "zero": "constant", "periodic": "wrap"}
SHAPE = (9, 31, 57)
RNG = np.random.default_rng(3)
VALUES = RNG.uniform(-1000, 1000, SHAPE).astype(np.float32)
WHOLE = tuple(slice(0, n) for n in SHAPE)


def image(values, spacing=(1.0, 1.0, 1.0)):
    values = np.asarray(values, np.float32)
    return Volume(values, Geometry(values.shape, spacing))


def only(responses):
    ((_, response),) = responses
    return response.values


@pytest.mark.parametrize("boundary", SCIPY)
@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("taps", [1, 3, 6, 17])
def test_one_pass_against_scipy(boundary, axis, taps):
    """Also for kernels that are longer than the image."""
    kernel = Kernel(tuple(RNG.normal(size=taps).tolist()), (taps - 1) // 2)
    got = along(blocks(weights(kernel, SHAPE[axis], WHOLE[axis], boundary)), VALUES, axis)
    origin = kernel.centre - taps // 2
    expected = ndimage.correlate1d(VALUES.astype(float), kernel.taps, axis, mode=SCIPY[boundary], origin=origin)
    np.testing.assert_allclose(got, expected, atol=5e-3)


@pytest.mark.parametrize("boundary", SCIPY)
def test_three_passes_against_a_full_kernel(boundary):
    kernels = [Kernel(tuple(RNG.normal(size=n).tolist()), n // 2) for n in (3, 5, 7)]
    full = np.einsum("i,j,k->ijk", *(kernel.taps for kernel in kernels))
    values = VALUES[:, :12, :14]
    (got,) = filtered(values, [triple(kernels)], boundary, tuple(slice(0, n) for n in values.shape))
    expected = ndimage.correlate(values.astype(float), full, mode=SCIPY[boundary])
    np.testing.assert_allclose(got, expected, atol=2e-2)


@pytest.mark.parametrize("boundary", PAD)
def test_an_image_continues_as_numpy_pads(boundary):
    values = VALUES[:, :5, :4]
    box = (slice(-3, 12), slice(-8, 11), slice(-1, 13))
    pads = [(-s.start, s.stop - n) for s, n in zip(box, values.shape, strict=True)]
    np.testing.assert_array_equal(continued(values, box, boundary), np.pad(values, pads, PAD[boundary]))


def test_shared_passes_change_nothing():
    kernels = [Kernel((1.0, 2.0, -1.0), 1), Kernel((0.5, 0.5), 0)]
    triples = list(itertools.product(kernels, repeat=3))
    together = list(filtered(VALUES, triples, "mirror", WHOLE))
    for one, found in zip(triples, together, strict=True):
        (alone,) = filtered(VALUES, [one], "mirror", WHOLE)
        np.testing.assert_array_equal(alone, found)


def test_a_kernel_turns_in_24_ways():
    kernels = [Kernel(taps, 1) for taps in ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), (7.0, 8.0, 0.0))]
    kept = {tuple(kernel.taps for kernel in one) for one in rotations(kernels)}
    cube = np.einsum("i,j,k->ijk", *(kernel.taps for kernel in kernels))
    turned = set()
    for one in rotations(kernels):
        turned.add(np.einsum("i,j,k->ijk", *(kernel.taps for kernel in one)).tobytes())
    by_numpy = set()
    for axes, times in itertools.product([(0, 1), (0, 2), (1, 2)], range(4)):
        for others, more in itertools.product([(0, 1), (0, 2), (1, 2)], range(4)):
            by_numpy.add(np.rot90(np.rot90(cube, times, axes), more, others).tobytes())
    assert len(kept) == 24
    assert turned == by_numpy
    assert len(rotations(kernels[:2])) == 4


@pytest.mark.parametrize("name", ["haar", "db2", "coif1", "bior2.2"])
def test_decimated_wavelets_are_those_of_pywavelets(name):
    """Every second coefficient of the periodic image, each in its block of voxels."""
    values = RNG.uniform(-500, 500, (8, 12, 16)).astype(np.float32)
    theirs = pywt.dwtn(values.astype(float), name, mode="periodization", axes=(2, 1, 0))
    for label, response in Wavelets(name, decimated=True, boundary="periodic").responses(image(values)):
        letters = label.rsplit("_", 2)[1].replace("L", "a").replace("H", "d")
        np.testing.assert_allclose(response.values, theirs[letters].repeat(2, 0).repeat(2, 1).repeat(2, 2), atol=5e-3)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_stationary_wavelets_are_those_of_pywavelets(level):
    """On a periodic image, up to the scale and the first voxel of a coefficient."""
    values = RNG.uniform(-500, 500, (8, 16, 24)).astype(np.float32)
    theirs = pywt.swtn(values.astype(float), "db3", level=level, trim_approx=False, axes=(2, 1, 0))[0]
    for label, response in Wavelets("db3", level=level, boundary="periodic").responses(image(values)):
        expected = theirs[label[-3:].replace("L", "a").replace("H", "d")]
        spectra = [np.abs(np.fft.fftn(one)) for one in (response.values, expected)]
        np.testing.assert_allclose(*spectra, atol=2.0)


def test_wavelets_of_a_constant():
    """Each level of the low-pass doubles, in three dimensions by sqrt(2)^3; a high-pass gives nothing."""
    for label, response in Wavelets("coif1", level=2).responses(image(np.full((20, 22, 24), 100.0))):
        expected = 100.0 * 8.0 if label.endswith("LLL") else 0.0
        np.testing.assert_allclose(response.values, expected, atol=1e-2)


def test_laws_of_an_impulse_is_the_kernel():
    values = np.zeros((9, 9, 9))
    values[4, 4, 4] = 1.0
    edge, level, spot = (
        np.array(taps) / np.linalg.norm(taps) for taps in ([-1, -2, 0, 2, 1], [1, 4, 6, 4, 1], [-1, 0, 2, 0, -1])
    )
    expected = np.zeros((9, 9, 9))
    expected[2:7, 2:7, 2:7] = np.einsum("k,j,i->kji", spot, level, edge)
    np.testing.assert_allclose(only(Laws("E5L5S5", boundary="zero").responses(image(values))), expected, atol=1e-6)


def test_laws_energy_by_brute_force():
    values = VALUES[:, :11, :12]
    kernel = Laws("L5E5S5", rotation_invariant=True, boundary="nearest")
    energy = Laws("L5E5S5", rotation_invariant=True, boundary="nearest", energy_distance=2)
    response = only(kernel.responses(image(values))).astype(float)
    expected = ndimage.uniform_filter(np.abs(response), 5, mode="nearest")
    np.testing.assert_allclose(only(energy.responses(image(values))), expected, rtol=1e-4)


@pytest.mark.parametrize("boundary", SCIPY)
def test_mean_against_scipy(boundary):
    got = only(Mean(5, boundary=boundary).responses(image(VALUES)))
    np.testing.assert_allclose(got, ndimage.uniform_filter(VALUES.astype(float), 5, mode=SCIPY[boundary]), atol=1e-2)
    flat = only(Mean(7, dimensions=2, boundary=boundary).responses(image(VALUES)))
    expected = ndimage.uniform_filter(VALUES.astype(float), (1, 7, 7), mode=SCIPY[boundary])
    np.testing.assert_allclose(flat, expected, atol=1e-2)


@pytest.mark.parametrize("boundary", SCIPY)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_laplacian_of_gaussian_against_scipy_on_anisotropic_voxels(boundary, dimensions):
    """Derivatives count in voxels, or in units of sigma; scales along each axis are those of its voxels."""
    spacing, sigma_mm = (2.0, 0.9, 0.7), 2.0
    sigmas = [sigma_mm / step for step in spacing]
    found = {
        scaled: only(
            LaplacianOfGaussian(
                sigma_mm, truncate=6.0, scale_normalised=scaled, dimensions=dimensions, boundary=boundary
            ).responses(image(VALUES, spacing))
        )
        for scaled in (False, True)
    }
    total = {False: 0.0, True: 0.0}
    for axis in range(3 - dimensions, 3):
        order = [2 * (a == axis) for a in range(3)]
        widths = [s if a >= 3 - dimensions else 0.0 for a, s in enumerate(sigmas)]
        part = ndimage.gaussian_filter(VALUES.astype(float), widths, order, mode=SCIPY[boundary], truncate=6.0)
        total[False] += part
        total[True] += part * sigmas[axis] ** 2
    for scaled, response in found.items():
        # scipy normalises its sampled kernels to a sum of one; at a sigma of a voxel this is 1 % of the response.
        np.testing.assert_allclose(response, total[scaled], atol=0.02 * np.abs(total[scaled]).max())


@pytest.mark.parametrize("boundary", SCIPY)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_laplacian_that_looks_beyond_the_image(boundary, dimensions, monkeypatch):
    """Both ways to compute it agree, for a kernel of 61 voxels on an image of 9 x 31 x 57."""
    one = LaplacianOfGaussian(7.5, dimensions=dimensions, boundary=boundary)
    near = only(one.responses(image(VALUES)))
    monkeypatch.setattr("perisurv.imaging.filters.gaussian.FAR", 0)
    far = only(one.responses(image(VALUES)))
    np.testing.assert_allclose(near, far, atol=1e-4)
    assert not np.array_equal(near, far)


def test_a_scale_normalised_response_to_a_blob_is_the_same_at_every_scale():
    x, y, z = np.meshgrid(*[np.arange(-24, 25)] * 3, indexing="ij")
    middles = []
    for sigma in (2.0, 4.0):
        blob = np.exp(-0.5 * (x**2 + y**2 + z**2) / sigma**2)
        middles.append(only(LaplacianOfGaussian(sigma, scale_normalised=True).responses(image(blob)))[24, 24, 24])
    assert middles[0] == pytest.approx(middles[1], rel=1e-3)
    assert middles[0] == pytest.approx(-3 / 2**2.5, rel=1e-2)
