"""What must hold for every mask: written in any form and orientation it comes back voxel for voxel, in its place."""

import tempfile
from pathlib import Path

import numpy as np
from cohort_files import COLUMNS, ROWS, SLICES, write_ct
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_files import write_seg, write_volume
from scipy.spatial.transform import Rotation

from perisurv.cohort import CohortOptions, read_patient
from perisurv.cohort.grids import place
from perisurv.core import Geometry, Mask

QUICK = settings(max_examples=12, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
SHAPE = (4, 6, 5)
OPTIONS = CohortOptions(between_slices="leave")


def random_mask(rng, shape):
    mask = rng.random(shape) < rng.uniform(0.05, 0.5)
    mask[tuple(rng.integers(0, n) for n in shape)] = True
    return mask


@QUICK
@given(SEEDS, st.sampled_from(["nii", "nii.gz", "nrrd", "mha"]), st.booleans())
def test_research_masks_come_back_in_their_place(seed, suffix, mirrored):
    rng = np.random.default_rng(seed)
    mask = random_mask(rng, SHAPE)
    hu = np.where(mask, 100, rng.integers(-1000, -300, SHAPE)).astype(np.int16)
    turn = Rotation.random(rng=rng).as_matrix() * (1, 1, -1 if mirrored else 1)
    origin, spacing = rng.uniform(-400, 400, 3), rng.uniform(0.5, 4.0, 3)
    axes = {"origin": origin.tolist(), "spacing": spacing.tolist(), "direction": turn.ravel().tolist()}
    with tempfile.TemporaryDirectory() as folder:
        write_volume(Path(folder, "P1", f"ct.{suffix}"), hu, **axes)
        write_volume(Path(folder, "P1", f"mask.{suffix}"), mask.astype(np.uint8) * 3, **axes)
        scan = read_patient(folder, OPTIONS)["P1"].load()
    np.testing.assert_array_equal(scan.tumour.values, mask)
    np.testing.assert_array_equal(scan.ct.values, hu)
    k, j, i = np.argwhere(mask).T
    expected = origin + (np.stack([i, j, k], axis=1) * spacing) @ turn.T
    np.testing.assert_allclose(scan.tumour.geometry.to_mm(np.argwhere(mask)), expected, atol=1e-2)


@QUICK
@given(SEEDS, st.sampled_from(["BINARY", "FRACTIONAL", "LABELMAP"]))
def test_segments_come_back_voxel_for_voxel(seed, kind):
    rng = np.random.default_rng(seed)
    tumour = random_mask(rng, (SLICES, ROWS, COLUMNS))
    node = random_mask(rng, tumour.shape) & ~tumour
    turn = Rotation.random(rng=rng).as_matrix()

    def oblique(data, k):
        data.ImageOrientationPatient = [round(float(v), 9) for v in turn[:2].ravel()]
        data.ImagePositionPatient = [round(float(v), 6) for v in (-30, -40, 50) + 3.0 * k * turn[2]]

    with tempfile.TemporaryDirectory() as folder:
        ct = write_ct(Path(folder, "P1", "ct"), "P1", edit=oblique)
        write_seg(Path(folder, "P1", "seg.dcm"), ct, {"GTVn": node, "GTV-1": tumour}, kind=kind)
        scan = read_patient(folder, CohortOptions(between_slices="leave", other_lesions=("n$",)))["P1"].load()
    np.testing.assert_array_equal(scan.tumour.values, tumour)
    np.testing.assert_array_equal(scan.others.values, node)


@QUICK
@given(SEEDS)
def test_the_lattice_does_not_depend_on_how_its_axes_are_listed(seed):
    """Axes of the mask permuted and reversed, in a patient turned anyhow: the same voxels of the CT."""
    rng = np.random.default_rng(seed)
    mask, axes = random_mask(rng, SHAPE), Rotation.random(rng=rng).as_matrix()
    spacing = rng.uniform(0.5, 4.0, 3)
    ct = Geometry(SHAPE, tuple(spacing), tuple(rng.uniform(-400, 400, 3)), tuple(map(tuple, axes)))
    order, back = rng.permutation(3), np.flatnonzero(rng.random(3) < 0.5)
    first = np.zeros(3)
    first[order[back]] = np.asarray(SHAPE)[order[back]] - 1
    turned = axes[:, order] * np.where(np.isin(np.arange(3), back), -1, 1)
    listed = np.flip(mask.transpose(order), tuple(back.tolist()))
    own = Geometry(listed.shape, tuple(spacing[order]), tuple(ct.to_mm(first)), tuple(map(tuple, turned)))
    placed = place(Mask(listed, own), ct, part=False)
    assert placed.own is None
    np.testing.assert_array_equal(placed.values, mask)
