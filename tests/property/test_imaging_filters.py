"""What must hold for every filter, image, box and setting."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import Geometry, Volume
from perisurv.imaging.filters import (
    LaplacianOfGaussian,
    Laws,
    Mean,
    NonseparableWavelets,
    Riesz,
    Wavelets,
    filter_from_table,
    filter_to_table,
)

FEW = settings(max_examples=60, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(*[st.integers(1, 14)] * 3)
BOUNDARIES = st.sampled_from(["mirror", "nearest", "zero", "periodic"])
DIMENSIONS = st.sampled_from([2, 3])
LINEAR = st.one_of(
    st.builds(Mean, st.sampled_from([1, 3, 7]), dimensions=DIMENSIONS, boundary=BOUNDARIES),
    st.builds(
        LaplacianOfGaussian,
        st.floats(0.6, 4.0),
        truncate=st.floats(1.0, 6.0),
        scale_normalised=st.booleans(),
        dimensions=DIMENSIONS,
        boundary=BOUNDARIES,
    ),
    st.builds(Laws, st.sampled_from(["E5L5S5", "R5W5L3"]), boundary=BOUNDARIES),
    st.builds(
        Wavelets,
        st.sampled_from(["haar", "db2", "coif1", "sym4"]),
        level=st.integers(1, 3),
        rotation_invariant=st.booleans(),
        decimated=st.booleans(),
        dimensions=DIMENSIONS,
        boundary=BOUNDARIES,
    ),
    st.builds(
        NonseparableWavelets,
        st.sampled_from(["simoncelli", "shannon"]),
        level=st.integers(1, 3),
        dimensions=DIMENSIONS,
        boundary=BOUNDARIES,
    ),
    st.builds(Riesz, st.sampled_from([(1, 0, 0), (0, 2, 1)]), level=st.integers(1, 2), boundary=BOUNDARIES),
)


def noise(shape, seed, spacing=(1.0, 1.0, 1.0)):
    values = np.random.default_rng(seed).uniform(-500, 500, shape).astype(np.float32)
    return Volume(values, Geometry(shape, spacing))


def arrays(one, volume, box=None):
    return [response.values for _, response in one.responses(volume, box)]


@st.composite
def boxes(draw, shape):
    starts = [draw(st.integers(0, n - 1)) for n in shape]
    return tuple(slice(a, draw(st.integers(a + 1, n))) for a, n in zip(starts, shape, strict=True))


@FEW
@given(LINEAR, SHAPES, SEEDS, st.floats(-3.0, 3.0))
def test_filters_are_linear(one, shape, seed, factor):
    a, b = noise(shape, seed), noise(shape, seed + 1)
    both = Volume(a.values + np.float32(factor) * b.values, a.geometry)
    for x, y, z in zip(arrays(one, a), arrays(one, b), arrays(one, both), strict=True):
        scale = 1.0 + np.abs(x).max() + abs(factor) * np.abs(y).max()
        np.testing.assert_allclose(z, x + factor * y, atol=2e-5 * max(scale, 500.0))


@FEW
@given(st.data(), LINEAR, SHAPES, SEEDS)
def test_a_box_is_cropped_from_the_whole(data, one, shape, seed):
    volume = noise(shape, seed)
    box = data.draw(boxes(shape))
    for part, full in zip(arrays(one, volume, box), arrays(one, volume), strict=True):
        np.testing.assert_allclose(part, full[box], atol=0.02)


@FEW
@given(st.data(), LINEAR, SEEDS)
def test_a_crop_with_the_margin_is_enough(data, one, seed):
    """What lies further from a box than the margin has no part in its responses."""
    margin = one.margin_voxels((1.0, 1.0, 1.0))
    if margin is None or margin > 12:
        return
    shape = tuple(2 * margin + n for n in (5, 6, 4))
    volume = noise(shape, seed)
    box = data.draw(boxes(shape))
    outer = tuple(slice(max(s.start - margin, 0), min(s.stop + margin, n)) for s, n in zip(box, shape, strict=True))
    inner = tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(box, outer, strict=True))
    for part, full in zip(arrays(one, volume.crop(outer)), arrays(one, volume, box), strict=True):
        np.testing.assert_allclose(part[inner], full, atol=0.02)


@FEW
@given(st.data(), LINEAR, SEEDS)
def test_a_periodic_image_may_be_rolled(data, one, seed):
    """Undecimated responses of a rolled periodic image are rolled."""
    if one.boundary != "periodic" or getattr(one, "decimated", False):
        return
    volume = noise((6, 8, 10), seed)
    shift = tuple(data.draw(st.integers(-9, 9)) for _ in range(3))
    rolled = Volume(np.roll(volume.values, shift, (0, 1, 2)), volume.geometry)
    for a, b in zip(arrays(one, volume), arrays(one, rolled), strict=True):
        np.testing.assert_allclose(np.roll(a, shift, (0, 1, 2)), b, atol=0.02)


@FEW
@given(LINEAR)
def test_a_table_gives_the_filter_back(one):
    assert filter_from_table(filter_to_table(one)) == one


@FEW
@given(st.sampled_from(["mirror", "nearest", "periodic"]), SEEDS, st.sampled_from(["E5L5S5", "L5S5E3", "W5R5L5"]))
def test_a_rotation_invariant_response_turns_with_the_image(boundary, seed, kernels):
    one = Laws(kernels, rotation_invariant=True, energy_distance=1, boundary=boundary)
    volume = noise((7, 7, 7), seed)
    for axes in ((0, 1), (1, 2), (0, 2)):
        turned = Volume(np.ascontiguousarray(np.rot90(volume.values, 1, axes)), volume.geometry)
        (got,), (expected,) = arrays(one, turned), arrays(one, volume)
        np.testing.assert_allclose(got, np.rot90(expected, 1, axes), atol=0.02)
