"""Folders that cannot be listed and links that lead nowhere are named, and the others go on."""

import os
from pathlib import Path

import pytest
from cohort_files import row, write_patient, write_table

from perisurv.cohort import read_cohort
from perisurv.cohort.walk import find_files
from perisurv.core import InputError


@pytest.fixture
def locked(monkeypatch):
    """Let the machine refuse to list some folders, as it would to a user without the right."""
    names = set()
    plain = os.scandir

    def scandir(path="."):
        if Path(path).name in names:
            raise PermissionError(13, os.strerror(13), path)
        return plain(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return names.add


@pytest.fixture
def folder(tmp_path):
    for patient in ("S1", "S2"):
        write_patient(tmp_path, patient)
    write_table(tmp_path, [row("S1"), row("S2")])
    return tmp_path


def test_a_folder_that_cannot_be_listed_is_named(folder, locked):
    locked("S2")
    cohort = read_cohort(folder)
    assert cohort.ids == ("S1",)
    assert "folder not listed: S2 cannot be listed (Permission denied)" in cohort.set_aside[0].reason


def test_several_folders_of_any_depth(folder, locked):
    (folder / "S1" / "old" / "notes").mkdir(parents=True)
    (folder / "S1" / "private").mkdir()
    locked("notes")
    locked("private")
    unlisted = [(path.relative_to(folder).as_posix(), why) for path, why in find_files(folder).unlisted]
    assert unlisted == [("S1/old/notes", "Permission denied"), ("S1/private", "Permission denied")]


def test_where_nothing_can_be_listed_nobody_is_left_for_that_reason(folder, locked):
    locked("S1")
    locked("S2")
    with pytest.raises(InputError, match="folder not listed: S1 cannot be listed"):
        read_cohort(folder)


def test_links_that_lead_nowhere_are_named(folder):
    (folder / "S1" / "more.dcm").symlink_to(folder / "gone.dcm")
    (folder / "S3").symlink_to(folder / "unmounted")
    reasons = [e.reason for e in read_cohort(folder).set_aside]
    assert reasons == [
        "broken link: S1/more.dcm leads to a file that is not there; mend or remove it.",
        "broken link: S3 leads to a file that is not there; mend or remove it.",
    ]


def test_a_link_to_a_sound_folder_is_followed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_patient(elsewhere, "S4")
    (folder / "S4").symlink_to(elsewhere / "S4")
    write_table(folder, [row("S1"), row("S4")])
    assert "S4" in read_cohort(folder).ids
