"""Whatever happens to the bytes of a file, the patient is read, left out with a reason or refused by name."""

import shutil

import pytest
from cohort_files import write_patient
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.cohort import read_patient
from perisurv.core import InputError


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    root = tmp_path_factory.mktemp("sound")
    write_patient(root, "P1")
    return root


@given(st.sampled_from(["ct/003.dcm", "rt.dcm"]), st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_file_is_bad_input_and_never_a_crash(sound, name, data):
    folder = sound.parent / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)
    content = bytearray((folder / "P1" / name).read_bytes())
    header = len(content) if name == "rt.dcm" else 1200
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, header - 1))] = data.draw(st.integers(0, 255))
    (folder / "P1" / name).write_bytes(bytes(content))
    scans, message = _attempt(lambda: [patient.load() for patient in read_patient(folder)])
    assert message or [scan.patient for scan in scans]


def _attempt(read):
    try:
        return read(), ""
    except InputError as error:
        return [], str(error)
