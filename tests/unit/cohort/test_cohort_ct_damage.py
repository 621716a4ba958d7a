"""Whatever happens to the bytes of a multi-frame file, the patient is read or left out by name, never a crash."""

import pytest
from enhanced_ct import enhanced, refers
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import JPEG2000Lossless, RLELossless

from perisurv.cohort import read_patient
from perisurv.core import InputError


@pytest.fixture(scope="module", params=[None, RLELossless, JPEG2000Lossless], ids=["plain", "RLE", "JPEG 2000"])
def sound(tmp_path_factory, request):
    root = tmp_path_factory.mktemp("sound")
    enhanced(syntax=request.param)(root)
    refers(("enhanced", 0))(root)
    return root


@given(data=st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_damaged_frames_are_bad_input_and_never_a_crash(sound, data):
    path = sound / "ct" / "all"
    content = path.read_bytes()
    broken = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly the descriptions of the frames, now and then the pixels.
        last = data.draw(st.sampled_from([len(content), 5000, 5000, 5000]))
        broken[data.draw(st.integers(0, min(last, len(content)) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(broken[: data.draw(st.sampled_from([len(content)] * 5 + [len(content) // 2]))]))
    try:
        scans = [patient.load() for patient in read_patient(sound)]
    except InputError as error:
        assert str(error)  # noqa: PT017 (either outcome is sound)
    else:
        assert [scan.patient for scan in scans]
    finally:
        path.write_bytes(content)
