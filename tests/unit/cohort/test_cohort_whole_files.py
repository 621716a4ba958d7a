"""Research files that lack a part or are damaged: never read as if they were whole."""

import bz2
import gzip
import zlib

import numpy as np
import pytest
import SimpleITK
from mask_files import write_volume

from perisurv.cohort import read_patient
from perisurv.cohort.volumes import read_volume
from perisurv.core import InputError

RNG = np.random.default_rng(3)
HU = RNG.integers(-1000, 400, (20, 30, 40)).astype(np.int16)
MASK = np.zeros(HU.shape, dtype=np.uint8)
MASK[5:9, 10:20, 10:20] = 1
CUT, DAMAGED = r"is cut off", r"is damaged|is cut off|longer than"


def write(folder, name, values=HU):
    """An image and, where the format has one, the file of its voxels beside it; the file that holds the voxels."""
    packed = name.endswith(("gz.nrrd", "gz.nhdr", "gz.mha", "gz.mhd"))
    folder.mkdir(exist_ok=True)
    image = SimpleITK.GetImageFromArray(values)
    image.SetSpacing((0.8, 0.8, 3.0))
    SimpleITK.WriteImage(image, str(folder / name), packed)
    beside = [p for p in folder.iterdir() if p.name != name and p.name.startswith(name.rpartition(".")[0])]
    return beside[0] if beside else folder / name


def is_refused(path, said):
    with pytest.raises(InputError, match=said):
        read_volume(path, "a")


NAMES = ["a.nii", "a.nii.gz", "a.nrrd", "a.gz.nrrd", "a.nhdr", "a.gz.nhdr", "a.mha", "a.gz.mha", "a.mhd", "a.gz.mhd"]
PACKED = [n for n in NAMES if "gz" in n]


@pytest.mark.parametrize("name", NAMES)
def test_whole_files_are_read(tmp_path, name):
    write(tmp_path, name)
    np.testing.assert_array_equal(read_volume(tmp_path / name, "a")[0], HU)


@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_cut_off(tmp_path, name, capfd):
    file = write(tmp_path, name)
    raw = file.read_bytes()
    for left in (len(raw) - 1, len(raw) - 8, int(len(raw) * 0.75), len(raw) // 2, len(raw) - HU[0].nbytes):
        file.write_bytes(raw[:left])
        is_refused(tmp_path / name, CUT)
    assert capfd.readouterr().err == "", "the libraries below print nothing"


@pytest.mark.parametrize("name", NAMES)
def test_files_with_bytes_behind_their_end(tmp_path, name):
    file = write(tmp_path, name)
    raw = file.read_bytes()
    if name.startswith("a.gz.m"):  # states the length of its compressed bytes: what follows is not read
        file.write_bytes(raw + b"rubbish")
        np.testing.assert_array_equal(read_volume(tmp_path / name, "a")[0], HU)
        return
    for more in (b"rubbish", HU[0].tobytes()):
        file.write_bytes(raw + more)
        is_refused(tmp_path / name, "longer than|bytes more than|or others follow them")


@pytest.mark.parametrize("name", PACKED)
def test_damaged_compressed_bytes(tmp_path, name):
    """One byte anywhere, a run of zeros, a part left out: the checksum does not agree."""
    file = write(tmp_path, name)
    raw = file.read_bytes()
    first = len(raw) // 4
    places = [*RNG.integers(first, len(raw) - 8, 8).tolist(), len(raw) - 1, len(raw) - 3]
    changed = [raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :] for at in places]
    changed += [raw[:first] + bytes(400) + raw[first + 400 :], raw[:first] + raw[first + 400 :]]
    for other in changed:
        file.write_bytes(other)
        is_refused(tmp_path / name, DAMAGED)


@pytest.mark.parametrize("name", ["a.nhdr", "a.gz.nhdr", "a.mhd", "a.gz.mhd"])
def test_voxels_beside_a_header_that_are_gone(tmp_path, name):
    write(tmp_path, name).unlink()
    is_refused(tmp_path / name, "cannot be read")


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nii", "mask.nii.gz", "ct.nrrd", "mask.mha"])
def test_empty_files_exclude_their_patient_alone(tmp_path, name):
    suffix = name.partition(".")[2]
    for patient in ("P1", "P2"):
        write_volume(tmp_path / patient / f"ct.{suffix}", HU)
        write_volume(tmp_path / patient / f"mask.{suffix}", MASK)
    (tmp_path / "P1" / name).write_bytes(b"")
    cohort = read_patient(tmp_path)
    assert cohort.ids == ("P2",)
    assert f"P1/{name}" in cohort.exclusions[0].reason


@pytest.mark.parametrize("part", ["ct", "mask"])
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_a_broken_download_excludes_its_patient_by_name(tmp_path, part, suffix):
    for patient in ("P1", "P2"):
        write_volume(tmp_path / patient / f"ct.{suffix}", HU)
        write_volume(tmp_path / patient / f"mask.{suffix}", MASK)
    path = tmp_path / "P1" / f"{part}.{suffix}"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    cohort = read_patient(tmp_path)
    assert cohort.ids == ("P2",)
    (exclusion,) = cohort.exclusions
    assert exclusion.patient == "P1"
    assert f"P1/{part}.{suffix} is cut off" in exclusion.reason


# --- ways in which NRRD and MetaImage state where their voxels lie ----------------------------------------------------


def nrrd(encoding="raw", data=None, fields=""):
    head = (
        "NRRD0004\n# a comment: with a colon\ntype: int16\ndimension: 3\nspace: left-posterior-superior\n"
        "sizes: 40 30 20\nspace directions: (1,0,0) (0,1,0) (0,0,3)\nkinds: domain domain domain\n"
        f"encoding: {encoding}\nendian: little\n"
        f"space origin: (0,0,0)\nkey:=type: float\n{fields}"
    )
    return head.encode() + (b"\n" + data if data is not None else b"")


def meta(target="LOCAL", fields="", data=b""):
    head = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nOffset = 0 0 0\n"
        "TransformMatrix = 1 0 0 0 1 0 0 0 1\nElementSpacing = 1 1 3\nDimSize = 40 30 20\nElementType = MET_SHORT\n"
        f"{fields}ElementDataFile = {target}\n"
    )
    return head.encode() + data


RAW = HU.astype("<i2").tobytes()
HALVES = RAW[: len(RAW) // 2], RAW[len(RAW) // 2 :]
SLICES = {f"s{k:02d}.raw": values.astype("<i2").tobytes() for k, values in enumerate(HU)}
PACKED_RAW = zlib.compress(RAW)
FILES = {
    "a.nrrd raw": {"a.nrrd": nrrd(data=RAW)},
    "a.nrrd of several members": {"a.nrrd": nrrd("gz", gzip.compress(HALVES[0]) + gzip.compress(HALVES[1]))},
    "a.nhdr at the end": {"a.nhdr": nrrd(fields="byte skip: -1\ndata file: b.raw\n"), "b.raw": bytes(77) + RAW},
    "a.nhdr with a skip": {"a.nhdr": nrrd(fields="byte skip: 77\ndata file: b.raw\n"), "b.raw": bytes(77) + RAW},
    "a.nhdr packed": {"a.nhdr": nrrd("gzip", fields="data file: b.gz\n"), "b.gz": gzip.compress(RAW)},
    "a.nhdr of a list": {"a.nhdr": nrrd(fields="data file: LIST\n" + "\n".join(SLICES) + "\n"), **SLICES},
    "a.nhdr of a pattern": {"a.nhdr": nrrd(fields="data file: s%02d.raw 0 19 1\n"), **SLICES},
    "a.mha zlib": {"a.mha": meta(fields=f"CompressedData = True\nCompressedDataSize = {len(PACKED_RAW)}\n",
                                 data=PACKED_RAW)},
    "a.mhd with a header": {"a.mhd": meta("b.raw", "HeaderSize = 77\n"), "b.raw": bytes(77) + RAW},
    "a.mhd at the end": {"a.mhd": meta("b.raw", "HeaderSize = -1\n"), "b.raw": bytes(77) + RAW},
    "a.mhd zlib": {"a.mhd": meta("b.zraw", "CompressedData = True\n"), "b.zraw": zlib.compress(RAW)},
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_voxels_are_found_wherever_the_header_puts_them(tmp_path, kind):
    files = FILES[kind]
    for name, raw in files.items():
        (tmp_path / name).write_bytes(raw)
    name = kind.split()[0]
    np.testing.assert_array_equal(read_volume(tmp_path / name, "a")[0], HU)
    last = list(files)[-1]
    (tmp_path / last).write_bytes(files[last][:-100])
    is_refused(tmp_path / name, CUT)


def test_bytes_in_an_encoding_that_is_not_read(tmp_path):
    (tmp_path / "a.nrrd").write_bytes(nrrd("bzip2", bz2.compress(RAW)))
    is_refused(tmp_path / "a.nrrd", "cannot be")


def test_a_compressed_nrrd_in_several_files(tmp_path):
    (tmp_path / "a.nhdr").write_bytes(nrrd("gzip", fields="data file: LIST\nb1.gz\nb2.gz\n"))
    for name, half in zip(("b1.gz", "b2.gz"), HALVES, strict=True):
        (tmp_path / name).write_bytes(gzip.compress(half))
    is_refused(tmp_path / "a.nhdr", "compressed in several files; write it as one file")


def test_a_compressed_metaimage_that_does_not_say_how_long_it_is(tmp_path):
    """The library below takes whatever lies in memory."""
    (tmp_path / "a.mha").write_bytes(meta(fields="CompressedData = True\n", data=PACKED_RAW))
    is_refused(tmp_path / "a.mha", "a does not state CompressedDataSize")
