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


@pytest.mark.parametrize("tag", [b"\x20\x00\x0e\x00", b"\x20\x00\x37\x00", b"\x28\x00\x30\x00"])
def test_an_unknown_value_representation_is_refused_by_name(sound, tag):
    """The two letters that say how a value is coded, damaged: found by the test above."""
    folder = sound.parent / "unknown"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)
    path = folder / "P1" / "ct" / "003.dcm"
    content = path.read_bytes()
    at = content.index(tag) + 5
    path.write_bytes(content[:at] + b"\x00" + content[at + 1 :])
    with pytest.raises(InputError, match="1 x unreadable file"):
        read_patient(folder)


def _attempt(read):
    try:
        return read(), ""
    except InputError as error:
        return [], str(error)
