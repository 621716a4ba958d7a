"""A cohort survives its table, also at another place."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from cohort_files import hospital, row, write_patient

from perisurv.cohort import cohort_from_frame, cohort_to_frame, read_cohort, read_patient
from perisurv.cohort.sources import source_from_fields
from perisurv.core import InputError


def assert_same(a, b):
    assert a.ids == b.ids
    assert [p.centre for p in a] == [p.centre for p in b]
    pd.testing.assert_frame_equal(a.clinical, b.clinical, check_dtype=False)
    assert a.exclusions == b.exclusions
    if a.outcome is None:
        assert b.outcome is None
    else:
        pd.testing.assert_frame_equal(a.outcome.to_frame(), b.outcome.to_frame())


def test_round_trip_through_parquet(tmp_path):
    hospital(tmp_path / "in", ["B1"])
    cohort = read_cohort(tmp_path / "in")
    frame = cohort_to_frame(cohort, tmp_path / "in")
    assert len(frame) == 2
    assert str(tmp_path) not in frame.to_json()
    frame.to_parquet(tmp_path / "cohort.parquet")
    again = cohort_from_frame(pd.read_parquet(tmp_path / "cohort.parquet"), cohort.exclusions, tmp_path / "in")
    assert_same(cohort, again)
    assert [p.source for p in cohort] == [p.source for p in again]
    np.testing.assert_array_equal(cohort["S1"].load().ct.values, again["S1"].load().ct.values)


def test_cohort_folder_may_move(tmp_path):
    hospital(tmp_path / "a")
    cohort = read_cohort(tmp_path / "a")
    frame = cohort_to_frame(cohort, tmp_path / "a")
    shutil.move(tmp_path / "a", tmp_path / "b")
    again = cohort_from_frame(frame, (), tmp_path / "b")
    assert again["S2"].load().tumour.voxel_count == 300


def test_root_above_or_beside_the_cohort_folder(tmp_path):
    hospital(tmp_path / "a" / "b")
    cohort = read_cohort(tmp_path / "a" / "b")
    (tmp_path / "c").mkdir()
    for root in (tmp_path / "a", tmp_path / "c"):
        frame = cohort_to_frame(cohort, root)
        name = json.loads(frame["source"][0])["structures"]
        assert name == ("b/S1/rt.dcm" if root.name == "a" else str(tmp_path / "a" / "b" / "S1" / "rt.dcm"))
        assert cohort_from_frame(frame, (), root)["S1"].load().tumour.voxel_count == 300


def test_patients_to_be_predicted(tmp_path):
    write_patient(tmp_path, "P1")
    cohort = read_patient(tmp_path)
    assert_same(cohort, cohort_from_frame(cohort_to_frame(cohort, tmp_path), (), tmp_path))


def test_same_folder_gives_the_same_table(tmp_path):
    hospital(tmp_path, ["B1"], B1=row("B1"))
    first, second = (cohort_to_frame(read_cohort(tmp_path), tmp_path) for _ in range(2))
    assert first.to_json() == second.to_json()


def test_damaged_table(tmp_path):
    write_patient(tmp_path, "P1")
    frame = cohort_to_frame(read_patient(tmp_path), tmp_path)
    with pytest.raises(InputError, match="no column 'source'"):
        cohort_from_frame(frame.drop(columns="source"), (), tmp_path)
    with pytest.raises(InputError, match="damaged"):
        source_from_fields({"kind": "dicom"}, tmp_path)
    with pytest.raises(InputError, match="Unknown kind of source 'tape'"):
        source_from_fields({"kind": "tape"}, tmp_path)
