"""With pseudonyms nobody is named."""

import logging
import warnings

import pydicom
import pytest
from cohort_files import hospital, row, write_ct, write_patient, write_rtstruct

from perisurv.cohort import CohortOptions, cohort_to_frame, pseudonym, read_cohort, read_patient
from perisurv.core import SettingsError

KEYED = CohortOptions(ids="pseudonym", pseudonym_key="a secret")


def test_pseudonym_depends_on_patient_and_key_alone():
    assert pseudonym("LUNG1-001", "k") == pseudonym(" lung1-001 ", "k")
    assert len({pseudonym("LUNG1-001", "k"), pseudonym("LUNG1-002", "k"), pseudonym("LUNG1-001", "other")}) == 3
    assert pseudonym("LUNG1-001", "k")[:2] == "P-"
    assert len(pseudonym("LUNG1-001", "k")) == 18


def test_pseudonyms_stay_what_they_are():
    """A changed value would split the patients of a running study in two."""
    assert pseudonym("LUNG1-001", "key") == "P-b8b0407dbe25c666"


@pytest.mark.parametrize("key", ["", "x" * 65])
def test_key_must_be_usable(key):
    with pytest.raises(SettingsError):
        pseudonym("P", key)
    with pytest.raises(SettingsError):
        CohortOptions(ids="pseudonym", pseudonym_key=key)


def test_no_id_name_or_birth_date_is_left(tmp_path, caplog):
    """Files are named by number, so that any trace of an id comes from the headers or the tables."""
    root = tmp_path / "in"
    names = {"Mueller-77": "1", "Schmidt-78": "2", "Weber-79": "3", "Vogel-80": "4"}
    for name, number in names.items():
        write_patient(root, name)
        (root / name).rename(root / number)
    for path in (root / "1").rglob("*.dcm"):
        data = pydicom.dcmread(path)
        data.PatientName = "Mueller^Erika"
        data.save_as(path)
    (root / "3" / "rt.dcm").unlink()
    bad = (root / "4" / "ct" / "003.dcm").read_bytes()
    (root / "4" / "ct" / "003.dcm").write_bytes(bad[:-9])
    lines = [row("mueller-77"), row("Schmidt-78", -4), row("Weber-79"), row("Vogel-80"), row("Absent-81")]
    hospital(root)
    table = root / "clinical.csv"
    table.write_text(table.read_text() + "\n".join(lines) + "\n")
    with caplog.at_level(logging.DEBUG):
        cohort = read_cohort(root, options=KEYED)
    assert pseudonym("Mueller-77", KEYED.pseudonym_key) in cohort.ids
    assert len(cohort.exclusions) == 4
    frame = cohort_to_frame(cohort, root)
    text = "\n".join(
        [str(e) for e in cohort.exclusions] + [caplog.text, frame.drop(columns="source").to_csv(), repr(cohort)]
    )
    for trace in ("mueller", "erika", "schmidt", "weber", "vogel", "absent", "1950"):
        assert trace not in text.casefold()


def test_odd_values_are_not_quoted_by_the_dicom_library(tmp_path, caplog):
    """Too long for a PatientID and no date: the library would warn with the value, and warnings are errors here."""
    identity = "Schneider" * 9

    def odd(data, k):
        data.PatientBirthDate = "5 May 1950"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_ct(tmp_path / "1", identity, edit=odd)
        write_rtstruct(tmp_path / "2", identity, edit=odd)
    with caplog.at_level(logging.DEBUG):
        cohort = read_patient(tmp_path, KEYED)
        cohort.patients[0].load()
    assert cohort.ids == (pseudonym(identity, KEYED.pseudonym_key),)
    assert "Schneider" not in caplog.text


def test_ids_are_kept_as_written_in_the_images(tmp_path):
    hospital(tmp_path, ["b-1"])
    write_patient(tmp_path, "B-1")
    assert read_cohort(tmp_path).ids == ("B-1", "S1", "S2")


def test_unreadable_file_of_an_unknown_patient_has_no_id(tmp_path):
    hospital(tmp_path)
    write_ct(tmp_path / "x", "Q1", slices=[0])
    path = tmp_path / "x" / "000.dcm"
    path.write_bytes(path.read_bytes()[:150])
    (exclusion,) = read_cohort(tmp_path, options=KEYED).set_aside
    assert (exclusion.patient, exclusion.stage) == ("", "index")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tumour_roi": ()},
        {"tumour_roi": ("(",)},
        {"ids": "hash"},
        {"levels": {"ldh": ("a", "b")}},
        {"slice_tolerance": 0.0},
    ],
)
def test_options_are_checked(wrong):
    with pytest.raises(SettingsError):
        CohortOptions(**wrong)
