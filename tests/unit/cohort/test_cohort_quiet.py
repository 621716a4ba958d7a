"""The libraries below print nothing of their own: what a file lacks is said by us, once, without its values."""

import os
import subprocess
import sys

import numpy as np
import pydicom
import pytest
import SimpleITK
from cohort_files import row, write_ct, write_patient, write_rtstruct, write_table
from pydicom.encaps import encapsulate

from perisurv.cohort import read_patient
from perisurv.cohort.dicom import quiet_pydicom
from perisurv.cohort.quiet import quiet_codecs
from perisurv.core import InputError

SYNTAXES = {
    "JPEG": "1.2.840.10008.1.2.4.57",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "RLE": "1.2.840.10008.1.2.5",
}


def undecodable(syntax):
    """Make pixels that start like those of JPEG and go on as nothing does."""

    def edit(data, _k):
        data.file_meta.TransferSyntaxUID = syntax
        data.PixelData = encapsulate([b"\xff\xd8\xff\xf7" + bytes(range(200)) * 3])
        data["PixelData"].is_undefined_length = True

    return edit


def odd_values(data, _k):
    data.SpecificCharacterSet, data.PatientName = "ISO_IR 999", "Secret^Name"
    data.PatientAge, data.AccessionNumber = "Secret", "Secret" * 4
    data.StudyInstanceUID = "1.02.Secret"


def damaged_research_files(folder):
    image = SimpleITK.GetImageFromArray(np.full((4, 8, 8), -1000, np.int16))
    for name, old, new in (
        ("a.mha", b"MET_SHORT", b"MET_SECRET"),
        ("b.mha", b"NDims = 3", b"NDims = x"),
        ("c.nrrd", b"encoding: ", b"encoding: Secret"),
        ("d.nrrd", b"sizes: ", b"sizes: Secret "),
    ):
        place = folder / name[0]
        place.mkdir(parents=True)
        path = place / f"ct{name[1:]}"
        SimpleITK.WriteImage(image, str(path))
        SimpleITK.WriteImage(image > 0, str(place / f"mask{name[1:]}"))
        path.write_bytes(path.read_bytes().replace(old, new, 1))


def odd_patients(data):
    write_patient(data, "S1")
    structures = pydicom.dcmread(data / "S1" / "rt.dcm")
    structures.StructureSetLabel, structures.StructureSetDate = "Secret" * 6, "Secret"
    structures.save_as(data / "S1" / "rt.dcm")
    for n, edit in enumerate([*map(undecodable, SYNTAXES.values()), odd_values], start=2):
        write_ct(data / f"S{n}" / "ct", f"S{n}", edit=edit)
        write_rtstruct(data / f"S{n}" / "rt.dcm", f"S{n}")
    damaged_research_files(data / "Secret")


@pytest.mark.parametrize("name", SYNTAXES)
def test_pixels_that_no_library_can_decode(tmp_path, name, capfd):
    write_ct(tmp_path / "P1" / "ct", "P1", edit=undecodable(SYNTAXES[name]))
    write_rtstruct(tmp_path / "P1" / "rt.dcm", "P1")
    with pytest.raises(InputError, match="cannot be decoded"):
        read_patient(tmp_path)["P1"].load()
    assert tuple(capfd.readouterr()) == ("", "")


def test_the_index_of_a_folder_of_odd_files_prints_our_words_only(tmp_path):
    data = tmp_path / "data"
    with quiet_pydicom():  # it warns of what is written, too
        odd_patients(data)
    write_table(data, [row(f"S{n}") for n in range(1, 7)])
    study = tmp_path / "study.toml"
    study.write_text(f'out = "{tmp_path / "run"}"\n[input]\nfolder = "{data}"\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "default", "-m", "perisurv", "index", study], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    foreign = [line for line in done.stderr.splitlines() if " index: " not in line]
    assert not foreign
    assert "Secret" not in done.stdout + done.stderr
    assert "ITK" not in done.stdout
    assert done.stdout.startswith("Cohort(")


def write_and_fail():
    with quiet_codecs():
        os.write(2, b"lost ")
        raise ValueError("inside")


def test_standard_error_comes_back_also_after_an_error(capfd):
    os.write(2, b"before ")
    with pytest.raises(ValueError, match="inside"):
        write_and_fail()
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"
