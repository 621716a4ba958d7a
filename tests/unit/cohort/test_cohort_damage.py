"""Whatever happens to the bytes of a mask, the patient is read, left out with a reason or refused by name.

For CT and contours test_cohort_mutants.py has thousands of files.
"""

import shutil

import numpy as np
import pytest
from cohort_files import write_ct, write_patient
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_files import write_seg, write_volume

from perisurv.cohort import read_patient
from perisurv.core import InputError


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    root = tmp_path_factory.mktemp("sound")
    write_patient(root, "P1")
    return root


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """A patient a folder: DICOM SEG of each kind, and research files of each."""
    root = tmp_path_factory.mktemp("masks")
    tumour = np.zeros((8, 32, 32), dtype=bool)
    tumour[3:6, 10:20, 10:20] = True
    for kind in ("BINARY", "FRACTIONAL", "LABELMAP"):
        ct = write_ct(root / kind / "ct", kind)
        write_seg(root / kind / "seg.dcm", ct, {"GTV-1": tumour, "GTVn": ~tumour}, kind=kind)
    for suffix in ("nii", "nii.gz", "nrrd", "mha"):
        write_volume(root / suffix / f"ct.{suffix}", np.where(tumour, 40, -900).astype(np.int16))
        write_volume(root / suffix / f"mask.{suffix}", tumour.astype(np.uint8))
    return root


@given(st.sampled_from(["BINARY", "FRACTIONAL", "LABELMAP"]), st.data())
@settings(max_examples=40, deadline=None)
def test_damaged_seg_is_bad_input_and_never_a_crash(masks, kind, data):
    _damage(masks / kind, "seg.dcm", None, data)


@given(st.sampled_from(["nii", "nii.gz", "nrrd", "mha"]), st.sampled_from(["ct", "mask"]), st.data())
@settings(max_examples=40, deadline=None)
def test_damaged_volume_is_bad_input_and_never_a_crash(masks, suffix, name, data):
    _damage(masks / suffix, f"{name}.{suffix}", 400, data)


def _damage(whole, name, header, data):
    """Change one to four bytes of a file; of its first ones if ``header`` says how many."""
    folder = whole.parent / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    content = bytearray((folder / name).read_bytes())
    last = min(header or len(content), len(content)) - 1
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, last))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(bytes(content))
    scans, message = _attempt(lambda: [patient.load() for patient in read_patient(folder)])
    assert message or [scan.patient for scan in scans]


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


def _attempt(read):
    try:
        return read(), ""
    except InputError as error:
        return [], str(error)
