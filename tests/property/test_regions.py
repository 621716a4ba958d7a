"""What must hold for the rings of every tumour, whatever its shape."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from perisurv.core import Geometry, Mask, RegionError, Scan, Volume
from perisurv.imaging import resample_mask
from perisurv.regions import RingOptions, rings, signed_distance_mm

EDGE = 26
WIDTHS = (1.5, 3.0, 5.0)
BOXES = st.lists(
    st.tuples(*[st.tuples(st.integers(8, 13), st.integers(2, 5)) for _ in range(3)]), min_size=1, max_size=3
)
# Whole native steps are whole steps of the analysis grid of 1 mm.
SPACINGS = st.sampled_from([(1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1.0, 2.0, 2.0)])
KINDS = st.sampled_from(["annulus", "shell", "expansion"])
SHIFTS = st.tuples(*[st.integers(-2, 2)] * 3)


def options(kind="annulus"):
    return RingOptions(WIDTHS, kind, "none", margin_mm=0.0, cube_mm=0.0, minimum_voxels=1)


def scan(boxes, spacing=(1.0, 1.0, 1.0), shift=(0, 0, 0)):
    """Blocks that overlap around the middle, in an image whose HU move with them."""
    grid = Geometry((EDGE, EDGE, EDGE), spacing)
    tumour = np.zeros(grid.shape, dtype=bool)
    for box in boxes:
        tumour[tuple(slice(a + s, a + s + n) for (a, n), s in zip(box, shift, strict=True))] = True
    hu = np.roll(np.arange(EDGE**3).reshape(grid.shape) * 7 % 400 - 200, shift, axis=(0, 1, 2))
    return Scan("p", Volume(hu, grid), Mask(tumour, grid))


def voxels(regions):
    tumour, *others = (region.mask.values for region in regions)
    return tumour, others


@settings(max_examples=25, deadline=None)
@given(BOXES, SPACINGS)
def test_rings_are_disjoint_from_the_tumour_nested_and_sums_of_shells(boxes, spacing):
    tumour, annuli = voxels(rings(scan(boxes, spacing), options()))
    _, shells = voxels(rings(scan(boxes, spacing), options("shell")))
    _, expansions = voxels(rings(scan(boxes, spacing), options("expansion")))
    for n, (annulus, expansion) in enumerate(zip(annuli, expansions, strict=True)):
        assert not (annulus & tumour).any()
        assert np.array_equal(sum(s.astype(int) for s in shells[: n + 1]), annulus.astype(int))
        assert np.array_equal(expansion, annulus | tumour)
        if n:
            assert (annuli[n - 1] <= annulus).all()
            assert annuli[n - 1].sum() < annulus.sum()


@settings(max_examples=25, deadline=None)
@given(BOXES, SPACINGS, KINDS, SHIFTS)
def test_rings_move_with_the_tumour(boxes, spacing, kind, shift):
    """Whole voxels: the same voxels and the same audit around the tumour's own box."""
    here, there = (rings(scan(boxes, spacing, s), options(kind)) for s in ((0, 0, 0), shift))
    for a, b in zip(here, there, strict=True):
        np.testing.assert_array_equal(a.mask.values[a.mask.bounding_box()], b.mask.values[b.mask.bounding_box()])
        move = np.array(b.mask.geometry.to_mm([s.start for s in b.mask.bounding_box()])) - np.array(
            a.mask.geometry.to_mm([s.start for s in a.mask.bounding_box()])
        )
        np.testing.assert_allclose(move, (np.array(shift) * spacing)[::-1], atol=1e-9)
        for key in ("volume_ml", "unclipped_volume_ml", "clipped_share", "thickness_mm"):
            assert a.audit.get(key) == b.audit.get(key)


@settings(max_examples=25, deadline=None)
@given(BOXES, KINDS)
def test_audit_agrees_with_the_voxels(boxes, kind):
    regions = rings(scan(boxes), options(kind))
    for region in list(regions)[1:]:
        audit = region.audit
        assert np.isclose(audit["volume_ml"], region.mask.volume_ml)
        assert audit["volume_ml"] <= audit["unclipped_volume_ml"]
        assert 0 <= audit["clipped_share"] < 1
        shares = [audit[f"{tissue}_share"] for tissue in ("air", "lung", "soft", "bone")]
        assert min(shares) >= 0
        assert np.isclose(sum(shares), 1)


@settings(max_examples=30, deadline=None)
@given(BOXES, SPACINGS)
def test_distance_has_the_sign_of_the_mask_and_stays_near_the_distance_of_centres(boxes, spacing):
    tumour = scan(boxes, spacing).tumour
    distance = signed_distance_mm(tumour)
    np.testing.assert_array_equal(distance < 0, tumour.values)
    inside = tumour.geometry.to_mm(np.argwhere(tumour.values))
    for index in ((0, 0, 0), (EDGE - 1, 12, 12), (12, 2, 20)):
        to_centre = np.linalg.norm(inside - tumour.geometry.to_mm(index), axis=1).min()
        # The surface passes before the next voxel centre, a diagonal away at most; 0.1 mm for interpolation.
        assert to_centre - np.linalg.norm(spacing) - 0.1 <= distance[index] <= to_centre + max(spacing)


# --- barriers: two lungs of a drawn chest, mediastinum between them ----------------------------------------------

CHEST = Geometry((28, 44, 64), (4.0, 4.0, 4.0), (-126.0, -86.0, -54.0))
PLACES = st.tuples(st.integers(-80, 80), st.integers(-50, 50), st.integers(-30, 30), st.integers(8, 16))


def chest(place):
    """A ball of a tumour anywhere in the lungs or between them."""
    x, y, z = np.moveaxis(CHEST.to_mm(np.stack(np.indices(CHEST.shape), axis=-1)), -1, 0)
    hu = np.where((x / 118) ** 2 + (y / 80) ** 2 <= 1, 40.0, -1000.0)
    lungs = ((np.abs(x) - 56) / 48) ** 2 + (y / 58) ** 2 + (z / 48) ** 2 <= 1
    hu[lungs] = -850.0
    *centre, radius = place
    ball = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 <= radius**2
    hu[ball] = 30.0
    return Scan("p", Volume(hu, CHEST), Mask(ball, CHEST), lungs=Mask(lungs, CHEST))


def in_lung(kind="annulus", widths=(4.0, 12.0), spacing=2.0):
    return RingOptions(widths, kind, "lung", spacing, margin_mm=0.0, cube_mm=0.0, minimum_voxels=1)


def ringed(scan, options):
    """The rings, or None if the tumour lies so that a ring is empty."""
    try:
        return rings(scan, options)
    except RegionError:
        return None


@settings(max_examples=25, deadline=None)
@given(PLACES)
def test_a_ring_stays_in_one_lung_and_the_seam(place):
    scan = chest(place)
    regions = ringed(scan, in_lung())
    if regions is None:
        return
    grid = regions.image.geometry
    lungs = resample_mask(scan.lungs, grid)
    tumour = regions["tumour"].mask.values
    points = grid.to_mm(np.argwhere(regions["ring_12mm"].mask.values & lungs.values))
    assert len(points) == 0 or (points[:, 0] < 0).all() or (points[:, 0] > 0).all()
    # What is in no lung lies between tumour and lung, within the seam of 3 mm of each.
    outside = regions["ring_12mm"].mask.values & ~lungs.values
    for part in (tumour, lungs.values):
        assert (distance_transform_edt(~part, sampling=grid.spacing_mm)[outside] <= 6.0).all()


@settings(max_examples=15, deadline=None)
@given(PLACES)
def test_rings_in_a_lung_are_nested_add_up_and_grow(place):
    scan = chest(place)
    annuli, shells = (ringed(scan, in_lung(kind, (4.0, 8.0, 12.0))) for kind in ("annulus", "shell"))
    if annuli is None or shells is None:
        return
    _, near, middle, far = (region.mask.values for region in annuli)
    _, *parts = (region.mask.values for region in shells)
    assert (near <= middle).all()
    assert (middle <= far).all()
    assert near.sum() <= middle.sum() <= far.sum()
    np.testing.assert_array_equal(np.sum(parts, axis=0), far.astype(int))
    for region in list(annuli)[1:]:
        shares = [value for key, value in region.audit.items() if key.startswith("clipped_by_")]
        assert np.isclose(sum(shares), region.audit["clipped_share"])


@settings(max_examples=15, deadline=None, derandomize=True)
@given(PLACES, st.sampled_from([(0, 1, 2), (2, 1, 0), (1, 2, 0)]), st.tuples(*[st.booleans()] * 3))
def test_rings_in_a_lung_turn_with_the_patient(place, order, flips):
    """Axes of the array swapped and reversed, the patient moved: the same voxels and figures."""
    plain = chest(place)
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    first = [0, 0, 0]
    for axis, flip in zip(order, flips, strict=True):
        first[axis] = CHEST.shape[axis] - 1 if flip else 0
    columns = np.asarray(CHEST.direction)[:, order] * [-1 if flip else 1 for flip in flips]
    shape = tuple(CHEST.shape[axis] for axis in order)
    origin = tuple(CHEST.to_mm(first) + np.array([30.0, -7.0, 400.0]))
    grid = Geometry(shape, CHEST.spacing_mm, origin, tuple(map(tuple, columns)))

    def turned(values):
        return values.transpose(order)[steps]

    other = Scan(
        "p",
        Volume(turned(plain.ct.values), grid),
        Mask(turned(plain.tumour.values), grid),
        lungs=Mask(turned(plain.lungs.values), grid),
    )
    here, there = (ringed(scan, in_lung()) for scan in (plain, other))
    assert (here is None) == (there is None)
    if here is None or there is None:
        return
    for a, b in zip(here, there, strict=True):
        same = np.count_nonzero(turned(a.mask.values) & b.mask.values)
        # A distance that equals a width to the last digit may fall on either side.
        assert same >= 0.995 * max(a.mask.voxel_count, b.mask.voxel_count)
