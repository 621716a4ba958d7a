"""Axes of NIfTI: qform and sform against the grid as read, headers written here byte for byte."""

import gzip
import struct

import numpy as np
import pytest
from mask_files import write_volume
from scipy.spatial.transform import Rotation

from perisurv.cohort.nifti import check_axes
from perisurv.cohort.volumes import read_grid
from perisurv.core import Geometry, GeometryError, ReadError

GRID = Geometry((4, 5, 6), (3.0, 1.0, 0.5), (1.0, 2.0, 3.0))
PLAIN = np.array([[-0.5, 0, 0, -1], [0, -1, 0, -2], [0, 0, 3, 3]])  # RAS rows of GRID


def header(
    path, *, order="<", version=1, qform=0, sform=0, rows=PLAIN, offset=(-1, -2, 3), units=2, pixdim=(1, 0.5, 1, 3)
):
    """A header with nothing in it but what says where voxels lie."""
    raw = bytearray(348 if version == 1 else 540)
    places = ((76, 252, 256, 268, 280), (104, 344, 352, 376, 400))[version - 1]
    real, whole = ("f", "h") if version == 1 else ("d", "i")
    struct.pack_into(f"{order}i", raw, 0, len(raw))
    struct.pack_into(f"{order}8{real}", raw, places[0], *pixdim, 0, 0, 0, 0)
    struct.pack_into(f"{order}2{whole}", raw, places[1], qform, sform)
    struct.pack_into(f"{order}3{real}", raw, places[2], 0, 0, 1)
    struct.pack_into(f"{order}3{real}", raw, places[3], *offset)
    struct.pack_into(f"{order}12{real}", raw, places[4], *np.ravel(rows))
    struct.pack_into("B" if version == 1 else f"{order}i", raw, 123 if version == 1 else 500, units)
    path.write_bytes(gzip.compress(bytes(raw)) if path.suffix == ".gz" else bytes(raw))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(("qform", "sform"), [(1, 0), (0, 2), (1, 2)])
def test_forms_that_agree(tmp_path, order, version, name, qform, sform):
    check_axes(header(tmp_path / name, order=order, version=version, qform=qform, sform=sform), "a", GRID)


@pytest.mark.parametrize("version", [1, 2])
def test_forms_that_do_not(tmp_path, version):
    moved = np.add(PLAIN, [[0, 0, 0, 0], [0, 0, 0, 0.2], [0, 0, 0, 0]])
    with pytest.raises(GeometryError, match=r"a\.nii: qform and sform contradict each other, by 0\.20 mm"):
        check_axes(header(tmp_path / "a.nii", order=">", version=version, qform=1, sform=1, rows=moved), "a.nii", GRID)
    with pytest.raises(GeometryError, match="sform has axes that are not perpendicular"):
        check_axes(header(tmp_path / "a.nii", version=version, sform=1, rows=moved), "a.nii", GRID)
    check_axes(header(tmp_path / "a.nii", version=version, qform=1, rows=moved), "a.nii", GRID)


def test_no_form_is_known(tmp_path):
    with pytest.raises(GeometryError, match=r"a\.nii says nowhere how its axes lie"):
        check_axes(header(tmp_path / "a.nii"), "a.nii", GRID)


def test_left_handed_quaternion(tmp_path):
    """A negative pixdim[0] turns the third axis round."""
    down = Geometry(GRID.shape, GRID.spacing_mm, GRID.origin_mm, ((0, 0, 1), (0, 1, 0), (-1, 0, 0)))
    path = header(tmp_path / "a.nii", qform=1, pixdim=(-1, 0.5, 1, 3))
    check_axes(path, "a.nii", down)
    with pytest.raises(GeometryError):
        check_axes(path, "a.nii", GRID)


def test_units(tmp_path):
    rows = PLAIN * 1000
    path = header(tmp_path / "a.nii", qform=1, sform=1, rows=rows, offset=(-1000, -2000, 3000), units=3,
                  pixdim=(1, 500, 1000, 3000))  # fmt: skip
    check_axes(path, "a.nii", GRID)


@pytest.mark.parametrize("raw", [b"", b"nothing", bytes(540)])
def test_what_is_no_header(tmp_path, raw):
    (tmp_path / "a.nii").write_bytes(raw)
    with pytest.raises(ReadError, match=r"a\.nii does not start like NIfTI"):
        check_axes(tmp_path / "a.nii", "a.nii", GRID)
    (tmp_path / "a.nii.gz").write_bytes(raw)
    with pytest.raises(ReadError):
        check_axes(tmp_path / "a.nii.gz", "a.nii.gz", GRID)


@pytest.mark.parametrize("seed", range(5))
def test_what_simpleitk_writes_agrees(tmp_path, seed):
    """Any rotation, either hand: both forms of the file are the grid that is read."""
    rng = np.random.default_rng(seed)
    turn = Rotation.random(rng=rng).as_matrix() * (1, 1, rng.choice([-1, 1]))
    write_volume(tmp_path / "a.nii", np.zeros((40, 50, 60), dtype=np.int16), rng.uniform(-300, 300, 3).tolist(),
                 (0.7, 0.8, 2.5), turn.ravel().tolist())  # fmt: skip
    direction = np.asarray(read_grid(tmp_path / "a.nii", "a").direction)
    np.testing.assert_allclose(direction, turn[:, ::-1], atol=1e-5)
