"""Files that vanish, or that the machine does not let us open, while a study runs: said as that, with the file."""

import os
from pathlib import Path

import pytest
from cohort_files import write_patient

from perisurv.cohort import match, read_patient
from perisurv.core import InputError


@pytest.fixture
def indexed(tmp_path):
    write_patient(tmp_path, "P1")
    return read_patient(tmp_path)


@pytest.mark.parametrize("name", ["ct/003.dcm", "rt.dcm"])
def test_a_file_that_was_deleted_after_the_index(tmp_path, indexed, name):
    (tmp_path / "P1" / name).unlink()
    with pytest.raises(InputError, match=rf"P1/{name} is gone since its folder was listed; put it back"):
        indexed["P1"].load()


@pytest.mark.parametrize("name", ["ct/003.dcm", "rt.dcm"])
def test_a_file_that_cannot_be_opened(tmp_path, indexed, name, monkeypatch):
    refused = tmp_path / "P1" / name
    plain = Path.open

    def opened(self, *args, **kwargs):
        if self == refused:
            raise PermissionError(13, os.strerror(13), str(self))
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(InputError, match=rf"P1/{name} cannot be opened \(Permission denied\); check its rights"):
        indexed["P1"].load()


def test_a_file_that_is_deleted_while_the_index_reads(tmp_path, monkeypatch):
    write_patient(tmp_path, "P1")
    write_patient(tmp_path, "P2")
    plain = match.probe

    def probed(path, name):
        if name == "P2/rt.dcm":
            path.unlink()
        return plain(path, name)

    monkeypatch.setattr(match, "probe", probed)
    cohort = read_patient(tmp_path)
    assert cohort.ids == ("P1",)
    assert any("P2/rt.dcm is gone since" in e.reason for e in (*cohort.exclusions, *cohort.set_aside))
