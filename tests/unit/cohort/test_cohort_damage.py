"""Damage that a parser would read over; test_cohort_mutants.py has thousands of files."""

import shutil

import pytest
from cohort_files import write_patient

from perisurv.cohort import read_patient
from perisurv.core import InputError


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    root = tmp_path_factory.mktemp("sound")
    write_patient(root, "P1")
    return root


@pytest.mark.parametrize("tag", [b"\x20\x00\x0e\x00", b"\x20\x00\x37\x00", b"\x28\x00\x30\x00"])
def test_an_unknown_value_representation_is_refused_by_name(sound, tag):
    """The two letters that say how a value is coded, damaged."""
    folder = sound.parent / "unknown"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)
    path = folder / "P1" / "ct" / "003.dcm"
    content = path.read_bytes()
    at = content.index(tag) + 5
    path.write_bytes(content[:at] + b"\x00" + content[at + 1 :])
    with pytest.raises(InputError, match="1 x unreadable file"):
        read_patient(folder)
