"""NIfTI read to the last byte: headers and voxels written here byte for byte, and SimpleITK as a second reader."""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK
from mask_files import write_volume
from scipy.spatial.transform import Rotation

from perisurv.cohort.volumes import read_grid, read_volume
from perisurv.core import Geometry, GeometryError, ReadError

GRID = Geometry((4, 5, 6), (3.0, 1.0, 0.5), (1.0, 2.0, 3.0))
PLAIN = np.array([[-0.5, 0, 0, -1], [0, -1, 0, -2], [0, 0, 3, 3]])  # RAS rows of GRID
HU = (10 * np.arange(4 * 5 * 6, dtype=np.int16) - 600).reshape(4, 5, 6)
# Code of a data type -> bits.
TYPES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
# Where the fields lie, by version.
AT = {
    1: {"magic": 344, "dim": 40, "type": 70, "bits": 72, "pixdim": 76, "start": 108, "scale": 112, "forms": 252,
        "quaternion": 256, "offset": 268, "rows": 280, "units": 123},
    2: {"magic": 4, "dim": 16, "type": 12, "bits": 14, "pixdim": 104, "start": 168, "scale": 176, "forms": 344,
        "quaternion": 352, "offset": 376, "rows": 400, "units": 500},
}  # fmt: skip


def file_bytes(
    values=HU, *, order="<", version=1, qform=0, sform=1, rows=PLAIN, offset=(-1, -2, 3), units=2,
    pixdim=(1, 0.5, 1, 3), quaternion=(0, 0, 1), dim=None, start=None, scale=(0.0, 0.0), datatype=None, bitpix=None,
    magic=b"n+", gap=b"\0\0\0\0",
):  # fmt: skip
    """A NIfTI file; ``values`` in array order."""
    raw = bytearray(348 if version == 1 else 540)
    at = AT[version]
    real, whole, size = ("f", "h", "h") if version == 1 else ("d", "i", "q")
    kind = values.dtype.str[1:]
    dim = dim or (3, *values.shape[::-1])
    start = len(raw) + len(gap) if start is None else start
    pack = struct.pack_into
    pack(f"{order}i", raw, 0, len(raw))
    mark = magic + (b"1\0" if version == 1 else b"2\0\r\n\x1a\n")
    raw[at["magic"] : at["magic"] + len(mark)] = mark
    pack(f"{order}8{size}", raw, at["dim"], *dim, *[1] * (8 - len(dim)))
    pack(f"{order}h", raw, at["type"], TYPES.get(kind, 0) if datatype is None else datatype)
    pack(f"{order}h", raw, at["bits"], 8 * values.itemsize if bitpix is None else bitpix)
    pack(f"{order}8{real}", raw, at["pixdim"], *pixdim, 0, 0, 0, 0)
    pack(f"{order}{real if version == 1 else 'q'}", raw, at["start"], start)
    pack(f"{order}2{real}", raw, at["scale"], *scale)
    pack(f"{order}2{whole}", raw, at["forms"], qform, sform)
    pack(f"{order}3{real}", raw, at["quaternion"], *quaternion)
    pack(f"{order}3{real}", raw, at["offset"], *offset)
    pack(f"{order}12{real}", raw, at["rows"], *np.ravel(rows))
    pack("B" if version == 1 else f"{order}i", raw, at["units"], units)
    return bytes(raw) + gap + values.astype(values.dtype.newbyteorder(order)).tobytes()


def write(path, **options):
    raw = file_bytes(**options)
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def same_grid(grid, expected=GRID):
    assert grid.is_close(expected, 1e-4), grid


# --- axes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(("qform", "sform"), [(1, 0), (0, 2), (1, 2)])
def test_forms_that_agree(tmp_path, order, version, name, qform, sform):
    path = write(tmp_path / name, order=order, version=version, qform=qform, sform=sform)
    same_grid(read_grid(path, name))
    values, grid = read_volume(path, name)
    np.testing.assert_array_equal(values, HU)
    same_grid(grid)


@pytest.mark.parametrize("version", [1, 2])
def test_forms_that_contradict_each_other(tmp_path, version):
    moved = np.add(PLAIN, [[0, 0, 0, 0], [0, 0, 0, 0.2], [0, 0, 0, 0]])
    path = write(tmp_path / "a.nii", order=">", version=version, qform=1, rows=moved)
    with pytest.raises(GeometryError, match=r"a\.nii: qform and sform contradict each other, by 0\.20 mm"):
        read_grid(path, "a.nii")
    same_grid(read_grid(write(path, version=version, qform=1, sform=0, rows=moved), "a.nii"))
    shifted = Geometry(GRID.shape, GRID.spacing_mm, (1.0, 1.8, 3.0))
    same_grid(read_grid(write(path, version=version, rows=moved), "a.nii"), shifted)


def test_no_form_is_known(tmp_path):
    with pytest.raises(GeometryError, match=r"a\.nii says nowhere how its axes lie"):
        read_grid(write(tmp_path / "a.nii", sform=0), "a.nii")


def test_left_handed_quaternion(tmp_path):
    """A negative pixdim[0] turns the third axis round."""
    down = Geometry(GRID.shape, GRID.spacing_mm, GRID.origin_mm, ((0, 0, 1), (0, 1, 0), (-1, 0, 0)))
    same_grid(read_grid(write(tmp_path / "a.nii", qform=1, sform=0, pixdim=(-1, 0.5, 1, 3)), "a.nii"), down)


def test_quaternion_of_half_a_turn_is_not_turned_by_its_rounding(tmp_path):
    """b, c and d of a file are rounded; what they leave for a would turn a large image by half a voxel."""
    values = np.zeros((2, 2, 600), dtype=np.uint8)
    rows = np.array([[-0.5, 0, 0, -1], [0, -1, 0, -2], [0, 0, 3, 3]])
    path = write(tmp_path / "a.nii", values=values, qform=1, rows=rows, quaternion=(0, 0, 1 - 4e-8))
    same_grid(read_grid(path, "a.nii"), Geometry((2, 2, 600), (3.0, 1.0, 0.5), (1.0, 2.0, 3.0)))


def test_units(tmp_path):
    path = write(tmp_path / "a.nii", qform=1, rows=PLAIN * 1000, offset=(-1000, -2000, 3000), units=3,
                 pixdim=(1, 500, 1000, 3000))  # fmt: skip
    same_grid(read_grid(path, "a.nii"))


@pytest.mark.parametrize("seed", range(5))
def test_what_simpleitk_writes_is_read_alike(tmp_path, seed):
    """Any rotation, either hand."""
    rng = np.random.default_rng(seed)
    turn = Rotation.random(rng=rng).as_matrix() * (1, 1, rng.choice([-1, 1]))
    origin = rng.uniform(-300, 300, 3)
    write_volume(tmp_path / "a.nii", np.zeros((40, 50, 60), dtype=np.int16), origin.tolist(),
                 (0.7, 0.8, 2.5), turn.ravel().tolist())  # fmt: skip
    expected = Geometry((40, 50, 60), (2.5, 0.8, 0.7), tuple(origin), tuple(map(tuple, turn[:, ::-1])))
    assert read_grid(tmp_path / "a.nii", "a").is_close(expected, 2e-4)


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [(0.0, 0.0), (1.0, 0.0), (0.5, -1024.0), (-2.0, 3.0)])
@pytest.mark.parametrize(("order", "version"), [("<", 1), (">", 1), ("<", 2), (">", 2)])
def test_values_of_every_type(tmp_path, scale, order, version):
    """As a second reader has them, which knows version 1 only."""
    slope, intercept = scale if scale[0] else (1.0, 0.0)
    for kind in TYPES:
        values = np.arange(120).reshape(4, 5, 6).astype(kind)
        path = write(tmp_path / "a.nii", values=values, order=order, version=version, scale=scale)
        got, _ = read_volume(path, "a.nii")
        np.testing.assert_array_equal(got, np.arange(120).reshape(4, 5, 6) * slope + intercept, kind)
        assert got.dtype == np.float32
        if version == 1:
            other = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path), SimpleITK.sitkFloat32))
            np.testing.assert_array_equal(got, other, kind)


def test_what_is_no_number_stays_what_it_is(tmp_path):
    values = HU.astype(np.float32)
    values[0, 0, :3] = np.nan, np.inf, -np.inf
    got, _ = read_volume(write(tmp_path / "a.nii.gz", values=values), "a")
    np.testing.assert_array_equal(got, values)


def test_a_slope_that_is_no_number_scales_nothing(tmp_path):
    got, _ = read_volume(write(tmp_path / "a.nii", scale=(np.nan, np.nan)), "a")
    np.testing.assert_array_equal(got, HU)
    with pytest.raises(ReadError, match="a scales its values by 2 plus nan"):
        read_volume(write(tmp_path / "a.nii", scale=(2.0, np.nan)), "a")


def test_extensions_before_the_voxels(tmp_path):
    path = write(tmp_path / "a.nii", gap=b"\1\0\0\0" + struct.pack("<2i", 32, 4) + bytes(24))
    np.testing.assert_array_equal(read_volume(path, "a")[0], HU)


@pytest.mark.parametrize("dim", [(4, 6, 5, 4, 1), (5, 6, 5, 4, 1, 1), (7, 6, 5, 4, 1, 1, 1, 1)])
def test_axes_of_one_at_the_end_are_none(tmp_path, dim):
    np.testing.assert_array_equal(read_volume(write(tmp_path / "a.nii", dim=dim), "a")[0], HU)


@pytest.mark.parametrize("start", [0, 352])
def test_voxels_right_behind_the_header(tmp_path, start):
    np.testing.assert_array_equal(read_volume(write(tmp_path / "a.nii", start=start), "a")[0], HU)


@pytest.mark.parametrize(("name", "packed"), [("a.nii", True), ("a.nii.gz", False)])
def test_compression_is_seen_by_content(tmp_path, name, packed):
    raw = file_bytes()
    (tmp_path / name).write_bytes(gzip.compress(raw) if packed else raw)
    np.testing.assert_array_equal(read_volume(tmp_path / name, "a")[0], HU)


def test_gzip_of_several_members(tmp_path):
    raw = file_bytes()
    (tmp_path / "a.nii.gz").write_bytes(b"".join(gzip.compress(raw[n : n + 200]) for n in range(0, len(raw), 200)))
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nii.gz", "a")[0], HU)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"bitpix": 8}, ReadError, "a states 8 bits a voxel, and its data type has 16"),
        ({"start": 100}, ReadError, "a states that its voxels start at byte 100, which lies in its header"),
        ({"start": 352.5}, ReadError, "a states that its voxels start at byte 352.5"),
        ({"magic": b"ni"}, ReadError, r"a has its voxels in another file \(.img\)"),
        ({"dim": (3, 6, 5, 3)}, ReadError, "a is longer than the 532 bytes that its header promises"),
        ({"dim": (3, 6, 5, 5)}, ReadError, "a is cut off: its header promises 652 bytes and 592 are there"),
        ({"dim": (3, 32767, 32767, 32767)}, ReadError, "a is cut off"),
        ({"dim": (3, 6, 5, -4)}, GeometryError, "a 3D image with one number a voxel is needed"),
        ({"dim": (9, 6, 5, 4)}, GeometryError, "a 3D image with one number a voxel is needed"),
        ({"dim": (4, 6, 5, 2, 2)}, GeometryError, r"a has size \(6, 5, 2, 2\) and 1 values a voxel; a 3D image"),
        ({"dim": (5, 6, 5, 2, 1, 2)}, GeometryError, r"a has size \(6, 5, 2\) and 2 values a voxel; a 3D image"),
        ({"datatype": 128}, GeometryError, "1 values a voxel of NIfTI data type 128"),
        ({"rows": PLAIN * np.nan}, GeometryError, "a states a voxel size that is zero or no number"),
        ({"rows": PLAIN * 0}, GeometryError, "a states a voxel size that is zero or no number"),
    ],
)
def test_headers_that_contradict_their_voxels(tmp_path, name, options, error, said):
    with pytest.raises(error, match=said):
        read_volume(write(tmp_path / name, **options), "a")


@pytest.mark.parametrize("raw", [b"", b"nothing", bytes(540), b"\x1f\x8b", file_bytes()[:200], file_bytes()[:348]])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_is_no_header(tmp_path, raw, name):
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(ReadError, match=r"a cannot be read as an image|a is cut off"):
        read_volume(tmp_path / name, "a")
