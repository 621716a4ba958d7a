"""What may be shown names no patient: paths become numbers, the key lies elsewhere."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perisurv.core import InputError, ReadError
from perisurv.study.private import PrivateFolder, numbered, without_paths
from perisurv.study.run import Run
from perisurv.study.settings import InputOptions, StudySettings
from perisurv.study.store import RunFolder

PATHS = ("north/Mueller, E/ct/1.dcm", "north/Mueller, E/rt.dcm", "south/table.CSV", "weber.dcm", "clinic.csv")
NAMES = numbered(PATHS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("missing slice: north/Mueller, E/ct/1.dcm and north/Mueller, E/rt.dcm differ; export.",
         "missing slice: file-000002 and file-000003 differ; export."),
        ("slices in north/Mueller, E/ct are 1 mm apart", "slices in folder-0003 are 1 mm apart"),
        ("fits 2 series (north/Mueller, E/ct, weber.dcm).", "fits 2 series (folder-0003, file-000005)."),
        ("the CT in 'north/Mueller, E'.", "the CT in 'folder-0002'."),
        ("column x of south/table.CSV holds 3", "column x of folder-0004/table.CSV holds 3"),
        ("clinic.csv: column x", "clinic.csv: column x"),
        ("northern weber.dcmx stays", "northern weber.dcmx stays"),
        ("", ""),
    ],
)  # fmt: skip
def test_paths_become_numbers(text, expected):
    assert without_paths(text, NAMES) == expected


def test_a_folder_called_by_an_ordinary_word_changes_no_sentence():
    names = numbered(("export/H1/slices/1.dcm", "export/Doe/1.dcm"))
    said = "export/H1/slices lacks 2 slices; export the whole series of Doe in export/Doe."
    assert without_paths(said, names).startswith(
        "folder-0004 lacks 2 slices; export the whole series of Doe in folder-"
    )
    assert "/Doe" not in without_paths(said, names)


def test_tables_beside_the_cohort_folder_are_no_part_of_it():
    """Listed as ``../clinic.csv``: an ellipsis is not the folder above."""
    names = numbered(("../clinic.csv", "P1/ct.nii"))
    assert set(names) == {"P1", "P1/ct.nii"}
    assert without_paths("P1/ct.nii has the labels 1, 2, ... and more", names).endswith(
        " has the labels 1, 2, ... and more"
    )


WORD = st.text("abÄß 1-,(", min_size=1, max_size=6).map(str.strip).filter(bool)


@given(
    st.lists(st.lists(WORD, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6, unique=True),
    st.lists(st.sampled_from(["in ", "(", "; ", ", ", " and ", ": "]), min_size=1, max_size=6),
)
def test_no_path_survives_wherever_it_stands(folders, between):
    """Folders carry a name that occurs nowhere else."""
    paths = [f"{folder}/XXX{n}/slice.dcm" for n, folder in enumerate(folders)]
    names = numbered(paths)
    text = "".join(f"{word}{path}" for word, path in zip(between * 6, paths, strict=False))
    assert "XXX" in text
    assert "XXX" not in without_paths(text, names)


def test_names_can_be_looked_up_again(tmp_path):
    folder = PrivateFolder(tmp_path / "p")
    folder.write_names(NAMES)
    assert folder.read_names() == NAMES
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    folder.files.write_text("number,path\nfile-000001\n")
    with pytest.raises(ReadError, match=r"files\.csv is missing or damaged; run index again"):
        folder.read_names()


def test_the_key_is_made_once(tmp_path):
    folder = PrivateFolder(tmp_path / "p")
    key = folder.pseudonym_key()
    assert len(key) == 32
    assert folder.pseudonym_key() == key != PrivateFolder(tmp_path / "q").pseudonym_key()
    assert stat.S_IMODE((folder.root / "pseudonym.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (StudySettings(), "runs/a1.private"),
        (StudySettings(private="/vault/a1"), "/vault/a1"),
        (StudySettings(keep_ids=True), "runs/a1"),
    ],
)
def test_where_it_lies(tmp_path, settings, place):
    assert Run(settings, RunFolder(tmp_path / "runs" / "a1")).private.root == tmp_path / place


@pytest.mark.parametrize(("out", "private"), [("data/run", ""), ("run", "data/private"), ("data", "")])
def test_a_folder_of_the_study_among_the_patients_is_refused(tmp_path, out, private):
    """Its tables would be read as clinical tables."""
    (tmp_path / "data").mkdir()
    place = str(tmp_path / private) if private else ""
    settings = StudySettings(private=place, input=InputOptions(folder=str(tmp_path / "data")))
    with pytest.raises(InputError, match=f"{private or out} lies in the folder of the patients"):
        Run(settings, RunFolder(tmp_path / out)).index()
    assert not any((tmp_path / "data").iterdir())


def test_sources_that_are_gone_are_named(tmp_path):
    with pytest.raises(ReadError, match=r"sources\.parquet is missing or damaged.*Put it back, or run index again"):
        PrivateFolder(tmp_path).read_sources()
