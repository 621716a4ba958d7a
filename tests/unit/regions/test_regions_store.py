"""Regions survive the disk, damage is noticed, a broken write leaves nothing half done."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from region_shapes import ball_scan

from perisurv.core import ReadError, RegionSet, Volume
from perisurv.regions import RingOptions, load_regions, rings, save_regions


@pytest.fixture(scope="module")
def regions():
    scan = ball_scan(6.0, 2.0)
    noisy = Volume(np.random.default_rng(1).normal(0, 200, scan.ct.values.shape), scan.ct.geometry)
    named = replace(scan, patient="Pat-Ä 7", ct=noisy, acquisition={"kernel": "B30f", "slice_spacing_mm": 2.0})
    return rings(named, RingOptions(barrier="none", margin_mm=2.0, cube_mm=0.0))


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def assert_equal(a: RegionSet, b: RegionSet):
    assert a.patient == b.patient
    assert dict(a.acquisition) == dict(b.acquisition)
    assert a.image.geometry == b.image.geometry
    np.testing.assert_array_equal(a.image.values, b.image.values)
    assert [r.name for r in a] == [r.name for r in b]
    assert list(a.taken) == list(b.taken)
    for cause, mask in a.taken.items():
        np.testing.assert_array_equal(mask.values, b.taken[cause].values)
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one.mask.values, other.mask.values)
        assert one.mask.geometry == other.mask.geometry
        assert dict(one.audit) == dict(other.audit)


def test_what_a_ring_lost_survives_too(regions, tmp_path):
    ring = regions["ring_9mm"].mask
    lost = {"lung": ring, "bone": regions["tumour"].mask}
    some = replace(regions, taken=lost)
    save_regions(tmp_path / "a", some)
    assert_equal(load_regions(tmp_path / "a"), some)


def test_round_trip(regions, tmp_path):
    save_regions(tmp_path / "deep" / "7", regions)
    assert_equal(load_regions(tmp_path / "deep" / "7"), regions)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["7"]


@pytest.mark.parametrize("values", [[-0.25, 1e5], [-40000.0, 40000.0]])
def test_images_beyond_16_bits_lose_nothing(regions, tmp_path, values):
    changed = np.array(regions.image.values)
    changed[0, 0, :2] = values
    odd = replace(regions, image=Volume(changed, regions.image.geometry))
    save_regions(tmp_path / "odd", odd)
    assert_equal(load_regions(tmp_path / "odd"), odd)


def test_same_regions_give_the_same_bytes(regions, tmp_path):
    for name in ("a", "b", "b"):
        save_regions(tmp_path / name, regions)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    save_regions(tmp_path / "c", load_regions(tmp_path / "a"))
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "c")


def test_files_hold_no_time_of_day_and_no_path(regions, tmp_path):
    save_regions(tmp_path / "a", regions)
    with zipfile.ZipFile(tmp_path / "a" / "voxels.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert str(tmp_path) not in (tmp_path / "a" / "regions.json").read_text(encoding="utf-8")


def test_older_version_is_replaced_whole(regions, tmp_path):
    folder = tmp_path / "a"
    save_regions(folder, regions)
    (folder / "left_over.txt").write_text("old")
    fewer = replace(regions, regions=regions.regions[:2])
    save_regions(folder, fewer)
    assert_equal(load_regions(folder), fewer)
    assert sorted(path.name for path in folder.iterdir()) == ["regions.json", "voxels.npz"]


def edit(folder, change):
    path = folder / "regions.json"
    text = json.loads(path.read_text(encoding="utf-8"))
    change(text)
    path.write_text(json.dumps(text), encoding="utf-8")


def rewrite(folder, change):
    """The same archive with changed arrays."""
    with np.load(folder / "voxels.npz") as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(folder / "voxels.npz", **arrays)


def flip_middle(path):
    data = bytearray(path.read_bytes())
    for n in range(len(data) // 2, len(data) // 2 + 64):
        data[n] ^= 0xFF
    path.write_bytes(bytes(data))


DAMAGE = {
    "no folder": lambda f: [p.unlink() for p in f.iterdir()] and f.rmdir(),
    "no json": lambda f: (f / "regions.json").unlink(),
    "no voxels": lambda f: (f / "voxels.npz").unlink(),
    "cut json": lambda f: (f / "regions.json").write_bytes((f / "regions.json").read_bytes()[:90]),
    "json of another kind": lambda f: (f / "regions.json").write_text("[1, 2]"),
    "bytes that are no text": lambda f: (f / "regions.json").write_bytes(b"\xff\xfe\x00\x80"),
    "cut voxels": lambda f: (f / "voxels.npz").write_bytes((f / "voxels.npz").read_bytes()[:-200]),
    "empty voxels": lambda f: (f / "voxels.npz").write_bytes(b""),
    "flipped bits": lambda f: flip_middle(f / "voxels.npz"),
    "voxels are text": lambda f: (f / "voxels.npz").write_text("hello"),
    "no patient": lambda f: edit(f, lambda t: t.pop("patient")),
    "no acquisition": lambda f: edit(f, lambda t: t.pop("acquisition")),
    "other shape": lambda f: edit(f, lambda t: t["geometry"].update(shape=[3, 3, 3])),
    "negative spacing": lambda f: edit(f, lambda t: t["geometry"].update(spacing_mm=[1, 1, -1])),
    "one region more": lambda f: edit(f, lambda t: t["regions"].append({"name": "x", "audit": {}})),
    "region twice": lambda f: edit(f, lambda t: t["regions"][1].update(name="tumour")),
    "short mask": lambda f: rewrite(f, lambda a: a.update(mask_1=a["mask_1"][:-9])),
    "empty mask": lambda f: rewrite(f, lambda a: a.update(mask_1=np.zeros_like(a["mask_1"]))),
    "objects": lambda f: rewrite(f, lambda a: a.update(image=np.array([{"a": 1}], dtype=object))),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_a_read_error_that_names_the_folder(regions, tmp_path, damage):
    folder = tmp_path / "patient_7"
    save_regions(folder, regions)
    DAMAGE[damage](folder)
    with pytest.raises(ReadError, match=r"patient_7|does not fit"):
        load_regions(folder)


def test_other_format_is_refused_by_number(regions, tmp_path):
    save_regions(tmp_path / "a", regions)
    edit(tmp_path / "a", lambda t: t.update(format=99))
    with pytest.raises(ReadError, match="format 99, this version reads 3"):
        load_regions(tmp_path / "a")


@pytest.mark.parametrize("broken", ["numpy.save", "json.dumps", "pathlib.Path.replace"])
@pytest.mark.parametrize("before", [False, True])
def test_interrupted_write_leaves_no_half_folder(regions, tmp_path, monkeypatch, broken, before):
    folder = tmp_path / "a"
    if before:
        save_regions(folder, replace(regions, regions=regions.regions[:2]))

    def fail(*_, **__):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(broken, fail)
        with pytest.raises(OSError, match="disk full"):
            save_regions(folder, regions)
    if folder.exists():
        assert len(load_regions(folder)) == 2  # the older version, whole
    assert folder.exists() or not before or broken == "pathlib.Path.replace"
    save_regions(folder, regions)
    assert_equal(load_regions(folder), regions)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
