"""Files that vanish, or that the machine does not let us open, while a study runs: said as that, with the file."""

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from cohort_files import write_patient

from perisurv.cohort import match, read_patient
from perisurv.core import InputError


@pytest.fixture
def indexed(tmp_path):
    write_patient(tmp_path, "P1")
    return read_patient(tmp_path)


@pytest.fixture
def closed(monkeypatch):
    """Let the machine refuse to open some files, as it would to a user without the right."""
    names = set()
    plain = Path.open

    def opened(self, *args, **kwargs):
        if self.name in names:
            raise PermissionError(13, os.strerror(13), str(self))
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)
    return names.add


def research_patient(folder, kind):
    """Air with a cube of tissue, half of which is tumour, as NIfTI, NRRD or MetaImage."""
    hu, tumour = np.full((8, 16, 16), -1000, np.int16), np.zeros((8, 16, 16), np.uint8)
    hu[2:6, 4:12, 4:12], tumour[3:5, 5:11, 5:11] = 40, 1
    (folder / "P1").mkdir()
    for name, values in (("ct", hu), ("mask", tumour)):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values), str(folder / "P1" / f"{name}.{kind}"))


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


@pytest.mark.parametrize("name", ["003.dcm", "rt.dcm"])
def test_a_file_that_the_index_cannot_open(tmp_path, name, closed):
    write_patient(tmp_path, "P1")
    write_patient(tmp_path, "P2")
    (tmp_path / "P2" / "more").mkdir()
    (tmp_path / "P2" / "more" / "x.dcm").write_bytes(b"no DICOM" * 40)
    (tmp_path / "P2" / "more" / "IM0001").write_bytes(b"closed to us")
    closed("IM0001")
    closed("x.dcm")
    cohort = read_patient(tmp_path)
    assert [e.reason for e in cohort.set_aside] == [
        f"unreadable file: P2/more/{n} cannot be opened; check its rights and the disk." for n in ("IM0001", "x.dcm")
    ]
    closed(name)
    with pytest.raises(InputError, match=f"{name} cannot be opened; check its rights"):
        read_patient(tmp_path)


kinds = pytest.mark.parametrize("kind", ["nii", "nii.gz", "nrrd", "mha"])
files = pytest.mark.parametrize("name", ["ct", "mask"])


@kinds
@files
def test_a_research_file_that_was_deleted_after_the_index(tmp_path, kind, name):
    research_patient(tmp_path, kind)
    cohort = read_patient(tmp_path)
    (tmp_path / "P1" / f"{name}.{kind}").unlink()
    with pytest.raises(InputError, match=rf"P1/{name}.{kind} is gone since its folder was listed; put it back"):
        cohort["P1"].load()


@kinds
@files
def test_a_research_file_that_cannot_be_opened(tmp_path, kind, name, closed):
    research_patient(tmp_path, kind)
    closed(f"{name}.{kind}")
    with pytest.raises(InputError, match=rf"P1/{name}.{kind} cannot be opened \(Permission denied\); check its rights"):
        read_patient(tmp_path)
