"""What must hold for the rings of every tumour, whatever its shape."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import Geometry, Mask, Scan, Volume
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
