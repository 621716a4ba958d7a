"""Axes that are nearly perpendicular, in every format."""

import numpy as np
import pytest
from test_cohort_nifti import write as write_nifti

from perisurv.cohort import read_patient
from perisurv.cohort.perpendicular import corners_of, perpendicular
from perisurv.cohort.volumes import read_grid, read_volume
from perisurv.core import GeometryError

SHAPE = (40, 50, 60)
STEPS = np.array([[0, 0, 0.8], [0, 0.8, 0], [3.0, 0, 0]])
ORIGIN = np.array([-20.0, 5.0, 300.0])


def sheared(degrees, row=1, column=0):
    """The step of one axis leans towards another."""
    steps = STEPS.copy()
    steps[row, column] = np.tan(np.radians(degrees)) * np.linalg.norm(steps[:, column])
    return steps


def write(path, steps, values=None):
    """Steps of a file whose header does not need perpendicular axes."""
    values = np.zeros(SHAPE, dtype=np.int16) if values is None else values
    size = " ".join(map(str, values.shape[::-1]))
    i, j, k = (steps[:, n] for n in (2, 1, 0))
    if path.suffix == ".nii":
        rows = np.column_stack([i, j, k, ORIGIN]) * [[-1], [-1], [1]]
        write_nifti(path, values=values, rows=rows)
        return path
    if path.suffix == ".nrrd":
        vectors = " ".join("({},{},{})".format(*(repr(float(v)) for v in axis)) for axis in (i, j, k))
        head = (
            f"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: {size}\nendian: little\n"
            f"space directions: {vectors}\nkinds: domain domain domain\nencoding: raw\n"
            f"space origin: ({ORIGIN[0]},{ORIGIN[1]},{ORIGIN[2]})\n\n"
        )
    else:
        lengths = [float(np.linalg.norm(axis)) for axis in (i, j, k)]
        axes = " ".join(repr(float(v)) for axis, mm in zip((i, j, k), lengths, strict=True) for v in axis / mm)
        head = (
            "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
            f"TransformMatrix = {axes}\nOffset = {' '.join(map(str, ORIGIN))}\n"
            f"ElementSpacing = {' '.join(map(repr, lengths))}\n"
            f"DimSize = {size}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
        )
    path.write_bytes(head.encode() + values.astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("suffix", ["nii", "nrrd", "mha"])
@pytest.mark.parametrize("degrees", [0.0, 0.0001, 0.005, 0.05, -0.05])
def test_axes_within_a_tenth_of_a_voxel_are_made_perpendicular(tmp_path, suffix, degrees):
    """A lean of 0.05 degrees moves the last slice by 0.1 mm, an eighth of a pixel: half of it at each end."""
    steps = sheared(degrees)
    grid = read_grid(write(tmp_path / f"a.{suffix}", steps), "a")
    axes = np.asarray(grid.direction)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    corners = corners_of(SHAPE)
    moved_mm = grid.to_mm(corners) - (corners @ steps.T + ORIGIN)
    assert np.abs(moved_mm / np.array([0.8, 0.8, 3.0])).max() < 0.1
    assert np.abs(moved_mm.mean(axis=0)).max() < 1e-3, "the centre of the image stays where it is"


@pytest.mark.parametrize("suffix", ["nii", "nrrd", "mha"])
@pytest.mark.parametrize(("degrees", "said"), [(0.2, "0.2 degrees off"), (1.0, "1 degrees off"), (12.0, "12 degrees")])
def test_axes_beyond_it_are_refused_with_the_number(tmp_path, suffix, degrees, said):
    with pytest.raises(GeometryError, match=rf"a has axes that are not perpendicular: two of them are {said}.*voxels;"):
        read_volume(write(tmp_path / f"a.{suffix}", sheared(degrees)), "a")


def test_numbers_of_the_message():
    """Half a degree for either axis: over half of 39 steps of 3 mm it is 0.51 mm, over half of 49 of 0.8 mm 0.17 mm."""
    with pytest.raises(GeometryError, match=r"move corner voxels by 0\.54 mm \(0\.64 voxels; up to 0\.1 is mended\)"):
        perpendicular(SHAPE, sheared(1.0), ORIGIN, "a")


@pytest.mark.parametrize("row", [0, 1])
def test_a_large_image_needs_straighter_axes(row):
    steps = sheared(0.03, row)
    perpendicular(SHAPE, steps, ORIGIN, "a")
    with pytest.raises(GeometryError):
        perpendicular((300, 512, 512), steps, ORIGIN, "a")


def test_two_axes_of_one_direction():
    steps = STEPS.copy()
    steps[:, 1] = steps[:, 2]
    with pytest.raises(GeometryError, match="a has two axes of one direction"):
        perpendicular(SHAPE, steps, ORIGIN, "a")


@pytest.mark.usefixtures("any_values")
@pytest.mark.parametrize("suffix", ["nii", "nrrd", "mha"])
def test_mask_and_image_that_lean_alike_share_one_grid(tmp_path, suffix):
    values = np.full(SHAPE, -800, dtype=np.int16)
    mask = np.zeros(SHAPE, dtype=np.int16)
    mask[10:20, 20:30, 20:30] = 1
    (tmp_path / "P1").mkdir()
    write(tmp_path / "P1" / f"image.{suffix}", sheared(0.03), values)
    write(tmp_path / "P1" / f"mask.{suffix}", sheared(0.03), mask)
    cohort = read_patient(tmp_path)
    np.testing.assert_array_equal(cohort["P1"].load().tumour.values, mask > 0)
    assert cohort.notes == ()
