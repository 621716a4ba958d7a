"""Every sound way to lay out a DICOM file is read; a byte too many or too few is refused."""

import numpy as np
import pytest
from cohort_files import write_ct, write_rtstruct
from mutants import sound
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from perisurv.cohort.dicom_layout import read_whole
from perisurv.cohort.rtstruct import RoiRules, read_structure_set
from perisurv.core import ReadError

UNDEFINED = b"\xff\xff\xff\xff"
EMPTY_UN_SEQUENCE = b"\x01\x40\x10\x00UN\0\0" + UNDEFINED + b"\xfe\xff\xdd\xe0" + bytes(4)


def undefined_lengths(data, k):
    """Sequences and items that end with delimiters."""
    for element in data.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True


def nested_private(data, k):
    inner = Dataset()
    inner.add_new(0x00090010, "LO", "ACME")
    inner.add_new(0x00091002, "UN", b"\xfe\xff\x00\xe0anything")
    outer = Dataset()
    outer.add_new(0x00090010, "LO", "ACME")
    outer.add_new(0x00091001, "SQ", Sequence([inner, Dataset()]))
    data.add_new(0x00090010, "LO", "ACME")
    data.add_new(0x00091001, "SQ", Sequence([outer]))
    data.add_new(0x00091003, "SQ", Sequence([]))
    data.add_new(0xFFFCFFFC, "OB", bytes(40))


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
@pytest.mark.parametrize("edit", [None, undefined_lengths, nested_private])
def test_structure_sets_of_any_layout(tmp_path, syntax, edit):
    def write(data, k):
        data.file_meta.TransferSyntaxUID = syntax
        if edit:
            edit(data, k)

    path = write_rtstruct(tmp_path / "rt.dcm", "P1", edit=write)
    assert (UNDEFINED in path.read_bytes()) == (edit is undefined_lengths and not syntax.is_deflated)
    roi = read_structure_set(path, "rt.dcm", RoiRules(("GTV-1",), ())).rois[1]
    assert [len(c.points_mm) for c in roi.contours] == [4, 4, 4]


@pytest.mark.parametrize("content", [EMPTY_UN_SEQUENCE, b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0abcd"])
def test_sound_elements_at_the_end(tmp_path, content):
    path = write_rtstruct(tmp_path / "rt.dcm", "P1")
    path.write_bytes(path.read_bytes() + content)
    assert read_whole(path, "rt.dcm").PatientID == "P1"


def test_fragments_of_pixels(tmp_path):
    def run_lengths(data, k):
        data.compress(RLELossless)

    path = write_ct(tmp_path, "P1", slices=[0], edit=run_lengths)[0]
    content = path.read_bytes()
    assert read_whole(path, "000.dcm").Rows == 32
    assert sound(content).value("PixelData")[1] == len(content)
    for at in (len(content) - 8, len(content) - 100):
        path.write_bytes(content[:at] + b"\0" + content[at:])
        with pytest.raises(ReadError, match=r"000\.dcm is damaged: the element at byte \d+ does not end"):
            read_whole(path, "000.dcm")


@pytest.mark.parametrize("extra", [b"\0", bytes(7), bytes(2) + b"\x10\x00UI\xff\xff", b"\xfe\xff\x0d\xe0" + bytes(4)])
def test_bytes_of_no_element(tmp_path, extra):
    path = write_ct(tmp_path, "P1", slices=[0])[0]
    read_whole(path, "000.dcm")
    path.write_bytes(path.read_bytes() + extra)
    with pytest.raises(ReadError, match="is damaged"):
        read_whole(path, "000.dcm")


def test_every_length_that_is_off_is_refused(tmp_path):
    """One or two bytes more or less in any length field of a structure set."""
    path = write_rtstruct(tmp_path / "rt.dcm", "P1")
    content = path.read_bytes()
    for element in sound(content).elements:
        for by in (-2, -1, 1, 2):
            changed = bytearray(content)
            low = element.start - (4 if element.start - element.head == 12 else 2)
            changed[low : low + 2] = np.uint16(element.end - element.start + by).tobytes()
            path.write_bytes(bytes(changed))
            with pytest.raises(ReadError):
                read_structure_set(path, "rt.dcm", RoiRules(("GTV-1",), ()))
