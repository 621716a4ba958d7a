"""Contours that an index remembers: the same result as without, whatever changes in the study file or the folder."""

import os
import shutil
from dataclasses import fields, replace

import numpy as np
import pytest
from cohort_files import SLICES, hospital, square, uid, write_ct, write_patient, write_rtstruct
from mask_files import write_seg

from perisurv.cohort import ClinicalOptions, CohortOptions, ColumnOptions, RoiRule, cohort_to_frame, read_cohort
from perisurv.cohort import judged as judging
from perisurv.cohort.rtstruct import read as reading
from perisurv.core import EmptyCohortError, ReadError

DEFAULTS = CohortOptions()
# Of every setting other values than the default.
OTHERS = {
    "tumour_roi": [(RoiRule(exact="Heart"),), (RoiRule(glob="GTV*"),)],
    "several_rois": ["union", "largest"],
    "other_lesions": [("GTV2", "Heart")],
    "lung_rois": [("Lung",)],
    "several_structure_sets": ["newest"],
    "several_cts": ["refuse"],
    "references": ["series", "geometry"],
    "between_slices": ["interpolate", "leave"],
    "mask_labels": [(1,)],
    "mask_threshold": [0.3],
    "other_grid": ["resample"],
    "raster_limit": [0.9],
    "slice_limit": [0],
    "volume_limit": [1e-9],
    "ids": ["pseudonym"],
    "pseudonym_key": ["k"],
    "columns": [ColumnOptions(age="gender")],
    "clinical": [ClinicalOptions()],
    "covariates": [{"age2": "age"}],
    "levels": [{}],
    "slice_tolerance": [0.2],
    "gantry_tilt": ["resample"],
    "irregular_slices": ["resample"],
}
SETTINGS = [(name, value) for name, values in OTHERS.items() for value in values]


def _every_kind(root):
    """Patients whose result hangs on one setting or another."""
    hospital(root)
    rois = {"GTV-1": [square(k) for k in (2, 3, 4)], "GTV2": [square(4, 22, 26)], "Heart": [square(6, 3, 9)],
            "Lung_L": [square(k, 2, 9) for k in (1, 2)], "Lung_R": []}  # fmt: skip
    write_patient(root, "M1", rois=rois)
    write_patient(root, "M2", rois={"Tumour_a": [square(1), square(2), square(5)], "GTV_b": [square(3, 22, 25)]})
    write_patient(root, "G1", rois={"GTV-1": [square(1), square(2), square(5)]})
    write_patient(root, "D1", rois={"GTV-1": [square(3)], "Heart": [square(4)]}, edit=_damage_heart)
    write_patient(root, "R1", edit=_unknown_slices)
    write_patient(root, "O1", of="O2")
    write_rtstruct(root / "S1" / "older.dcm", "S1", rois={"GTV-1": [square(3)]})
    write_ct(root / "C1" / "a", "C1", series="one")
    write_ct(root / "C1" / "b", "C1", series="two")
    write_rtstruct(root / "C1" / "a.dcm", "C1", series="one")
    write_rtstruct(root / "C1" / "b.dcm", "C1", series="two")
    shutil.copyfile(root / "G1" / "rt.dcm", root / "G1" / "copy.dcm")
    irregular = write_ct(root / "I1" / "ct", "I1", slices=[0, 1, 2, 4, 5, 6, 7])
    assert irregular
    write_rtstruct(root / "I1" / "rt.dcm", "I1", rois={"GTV-1": [square(1)]}, edit=_names_few)
    paths = write_ct(root / "E1" / "ct", "E1")
    masks = {name: np.zeros((SLICES, 32, 32), bool) for name in ("GTV-1", "GTV2", "Heart")}
    for n, mask in enumerate(masks.values()):
        mask[2 + n : 5, 10:20, 10 + n : 20] = True
    write_seg(root / "E1" / "seg.dcm", paths, masks)


def _damage_heart(data, _):
    data.ROIContourSequence[1].ContourSequence[0].ContourData = ["1", "2"]


def _unknown_slices(data, _):
    series = data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    for n, image in enumerate(series.ContourImageSequence):
        image.ReferencedSOPInstanceUID = uid("nowhere", n)


def _names_few(data, _):
    series = data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    series.ContourImageSequence = series.ContourImageSequence[:2]


def told(root, options=DEFAULTS, cache=None):
    """Everything that an index says."""
    try:
        cohort = read_cohort(root, options=options, cache=cache, follow_up="none")
    except EmptyCohortError as error:
        cohort = error.cohort
    except Exception as error:  # noqa: BLE001 (what is refused must be refused alike)
        return str(error)
    frame = cohort_to_frame(cohort, root).to_json()
    return (
        frame,
        cohort.exclusions,
        cohort.set_aside,
        dict(cohort.findings),
        cohort.notes,
        cohort.people,
        cohort.left_out,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("kinds")
    _every_kind(root / "data")
    told(root / "data", DEFAULTS, root / "headers.jsonl")
    return root


@pytest.fixture
def folder(root, tmp_path):
    """A copy of a few that may change, with a cache that knows it."""
    for name in ("S1", "S2", "M1", "G1", "R1", "E1"):
        shutil.copytree(root / "data" / name, tmp_path / "data" / name)
    told(tmp_path / "data", DEFAULTS, tmp_path / "headers.jsonl")
    return tmp_path


def _changed(name, value):
    extra = {"pseudonym_key": "k"} if name == "ids" else {}
    return replace(DEFAULTS, **{name: value}, **extra)


def test_no_setting_is_forgotten():
    assert set(OTHERS) == {field.name for field in fields(CohortOptions)}


@pytest.mark.parametrize(("name", "value"), SETTINGS, ids=lambda v: str(v)[:40])
def test_a_changed_setting_gives_what_a_cold_index_gives(root, tmp_path, name, value):
    options = _changed(name, value)
    cache = tmp_path / "headers.jsonl"
    shutil.copyfile(root / "headers.jsonl", cache)
    cold = told(root / "data", options)
    assert told(root / "data", options, cache) == cold
    assert told(root / "data", options, cache) == cold


def test_settings_in_any_order_on_one_cache(root, tmp_path):
    cache = tmp_path / "headers.jsonl"
    pairs = [_changed(name, OTHERS[name][0]) for name in ("tumour_roi", "references", "several_rois")]
    cold = [told(root / "data", options) for options in pairs]
    for n in (0, 1, 0, 2, 1):
        assert told(root / "data", pairs[n], cache) == cold[n]
    names = [line.split(b'"')[1] for line in cache.read_bytes().splitlines()[1:]]
    assert len(names) == len(set(names))


def test_what_is_known_is_neither_read_nor_judged_again(root, tmp_path, monkeypatch):
    shutil.copyfile(root / "headers.jsonl", tmp_path / "headers.jsonl")
    read, judged = [], []
    whole, pair = reading.read_whole, judging.pair
    monkeypatch.setattr(reading, "read_whole", lambda path, name: read.append(name) or whole(path, name))
    monkeypatch.setattr(judging, "pair", lambda s, *rest: judged.append(s.name) or pair(s, *rest))
    told(root / "data", DEFAULTS, tmp_path / "headers.jsonl")
    # What a check of the CT refused is judged again: its pixels may be readable the next time.
    assert set(read) <= {"I1/rt.dcm"}
    assert set(judged) <= {"I1/rt.dcm"}


CHANGES = {
    "deleted": lambda p: p.unlink(),
    "touched": lambda p: os.utime(p, (1e9, 1e9)),
    "cut off": lambda p: p.write_bytes(p.read_bytes()[:-40]),
    "renamed": lambda p: p.rename(p.with_name("other.dcm")),
    "of another patient": lambda p: shutil.copyfile(p.parents[1] / "S2" / "rt.dcm", p),
    "other contours": lambda p: write_rtstruct(p, p.parent.name, rois={"GTV-1": [square(3)], "Heart": [square(1)]}),
    "other names": lambda p: write_rtstruct(p, p.parent.name, rois={"Heart": [square(3)]}),
    "same size and time": lambda p: _swap(p, b"GTV-1 ", b"Heart "),
    "copied": lambda p: shutil.copyfile(p, p.with_name("again.dcm")),
    "copied and changed": lambda p: write_rtstruct(
        p.parent / "sub" / p.name, p.parent.name, rois={"GTV-1": [square(6)]}
    ),
    "CT slice deleted": lambda p: (p.parent / "ct" / "003.dcm").unlink(),
    "CT slice not HU": lambda p: _swap(p.parent / "ct" / "004.dcm", b"-1024 ", b"-1000 "),
    "CT cut off": lambda p: _cut(p.parent / "ct" / "004.dcm"),
    "second CT": lambda p: write_ct(p.parent / "more", p.parent.name, series="more"),
    "CT gone": lambda p: shutil.rmtree(p.parent / "ct"),
    "MR beside it": lambda p: write_ct(p.parent / "mr", p.parent.name, series="mr", edit=_mr),
    "series becomes MR": lambda p: write_ct(p.parent / "ct", p.parent.name, edit=_mr),
    "folder renamed": lambda p: p.parent.rename(p.parent.with_name(f"renamed-{p.parent.name}")),
}


def _swap(path, old, new):
    stat = path.stat()
    path.write_bytes(path.read_bytes().replace(old, new))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def _mr(data, _):
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    data.Modality = "MR"


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_is_read_again(folder, change):
    data, cache = folder / "data", folder / "headers.jsonl"
    for patient in ("M1", "G1", "R1"):
        CHANGES[change](data / patient / "rt.dcm")
    cold = told(data)
    assert told(data, DEFAULTS, cache) == cold
    assert told(data, DEFAULTS, cache) == cold


def test_a_changed_seg_is_read_again(folder):
    data, cache = folder / "data", folder / "headers.jsonl"
    paths = sorted((data / "E1" / "ct").glob("*.dcm"))
    mask = np.zeros((SLICES, 32, 32), bool)
    mask[3, 4:9, 4:9] = True
    for names in (("GTV-1",), ("Heart",), ("GTV-1", "Heart")):
        write_seg(data / "E1" / "seg.dcm", paths, dict.fromkeys(names, mask))
        assert told(data, DEFAULTS, cache) == told(data)
    (data / "E1" / "seg.dcm").unlink()
    assert told(data, DEFAULTS, cache) == told(data)


def test_a_scan_from_a_warm_index_is_the_scan_of_a_cold_one(root, tmp_path):
    cache = tmp_path / "headers.jsonl"
    for options in (DEFAULTS, replace(DEFAULTS, several_rois="union", lung_rois=("Lung",), other_lesions=("Heart",))):
        read_cohort(root / "data", options=options, cache=cache, follow_up="none")
        cold = read_cohort(root / "data", options=options, follow_up="none")
        warm = read_cohort(root / "data", options=options, cache=cache, follow_up="none")
        for one, other in zip(cold, warm, strict=True):
            a, b = one.load(), other.load()
            np.testing.assert_array_equal(a.tumour.values, b.tumour.values)
            np.testing.assert_array_equal(a.ct.values, b.ct.values)
            assert (a.others is None, a.lungs is None) == (b.others is None, b.lungs is None)


def test_what_pixels_did_not_allow_is_tried_again(folder, monkeypatch):
    """A decoder that is missing today may be there tomorrow, and a disk may answer again."""
    from perisurv.cohort.checks import values as value_checks

    data, cache = folder / "data", folder / "headers.jsonl"
    cache.unlink()
    with monkeypatch.context() as broken:
        broken.setattr(value_checks, "sampled_hu", _cannot)
        first = told(data, DEFAULTS, cache)
        assert "cannot be decoded" in str(first[3])
    assert told(data, DEFAULTS, cache) == told(data)


def _cannot(series, count):
    raise ReadError(f"the pixels of {series.slices[0].name} cannot be decoded.")


def test_a_file_that_goes_while_the_index_runs_loses_its_patient_only(folder, monkeypatch):
    data, cache = folder / "data", folder / "headers.jsonl"
    options = replace(DEFAULTS, raster_limit=0.06)  # judged again, from a file that is remembered
    pair = judging.pair

    def gone(structures, *rest):
        if structures.name == "M1/rt.dcm":
            (data / "M1" / "rt.dcm").unlink(missing_ok=True)
        return pair(structures, *rest)

    monkeypatch.setattr(judging, "pair", gone)
    cohort = read_cohort(data, options=options, cache=cache, follow_up="none")
    assert "S2" in cohort.ids
    (reason,) = (e.reason for e in cohort.exclusions if e.patient == "M1")
    assert reason.startswith("unreadable file: M1/rt.dcm is gone since its folder was listed")


def test_names_of_patients_are_not_kept(root):
    content = (root / "headers.jsonl").read_bytes()
    assert b"Doe" not in content
    assert b"19500102" not in content
