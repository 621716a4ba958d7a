"""Artefacts are whole or absent; the ledger decides what is done."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import Exclusion, FeatureTable, InputError, ModelError, ReadError
from perisurv.study.store import RunFolder, read_json, read_table, safe_name, write_table, write_text


def test_feature_tables_keep_what_they_were_fitted_on(tmp_path: Path) -> None:
    table = FeatureTable(pd.DataFrame({"a": [1.0, float("nan")]}, index=["P1", "P2"]), {"P2": frozenset({"P8", "P9"})})
    write_table(tmp_path / "t.parquet", table)
    again = read_table(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(again.frame, table.frame)
    assert again.fitted_on == table.fitted_on


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def broken(self: Path, text: str, encoding: str) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", broken)
    with pytest.raises(OSError, match="disk full"):
        write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"


@pytest.mark.parametrize("patient", ["../evil", "a/b", "", ".hidden", "x" * 100, "Müller"])
def test_no_patient_id_escapes_the_folder(patient: str, tmp_path: Path) -> None:
    path = tmp_path / safe_name(patient)
    assert path.parent == tmp_path
    assert path.resolve().parent == tmp_path.resolve()
    assert safe_name("LUNG1-001") == "LUNG1-001"


def test_ledger(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(InputError, match="perisurv index"):
        folder.require("index")
    folder.finish("index", "k1")
    assert folder.done("index") == "k1"
    folder.forget("index")
    assert folder.done("index") == ""


def test_parts_are_kept_for_one_key_only(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    part = folder.open_parts("extract", "k1") / "P1"
    part.touch()
    assert (folder.open_parts("extract", "k1") / "P1").exists()
    assert not (folder.open_parts("extract", "k2") / "P1").exists()


def test_exclusions_round_trip(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    rows = [Exclusion("P1", "index", "no contour"), Exclusion("P2", "index", "no CT")]
    folder.write_exclusions("index", rows)
    assert folder.read_exclusions("index", "regions") == tuple(rows)


def test_unreadable_artefacts_say_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        read_json(tmp_path / "none.json")
    write_text(tmp_path / "bad.json", "{")
    with pytest.raises(ModelError, match="not readable"):
        read_json(tmp_path / "bad.json")
    with pytest.raises(ReadError, match="missing"):
        read_table(tmp_path / "none.parquet")
    write_text(tmp_path / "bad.parquet", "no table")
    with pytest.raises(ReadError, match="not a readable table"):
        read_table(tmp_path / "bad.parquet")


def test_a_table_keeps_why_values_are_missing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": [np.nan, 2.0]}, index=["P1", "P2"])
    table = FeatureTable(frame, {"P2": frozenset({"P9"})}, {"P2": {"a": "all intensities are equal"}})
    write_table(tmp_path / "t.parquet", table)
    read = read_table(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read.frame, table.frame)
    assert (read.fitted_on, read.undefined) == (table.fitted_on, table.undefined)
