"""The how-tos of archives: their commands exist, their study files are read, and the layout by hand is a cohort."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
from cohort_files import row, write_patient, write_table

from perisurv.cli import app
from perisurv.cohort import read_cohort
from perisurv.study.settings import StudySettings, read_settings, settings_from_dict

PAGES = {
    name: (Path(__file__).parents[3] / "docs" / "how-to" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("tcia-download", "pacs")
}
VERBS = typer.main.get_command(app).commands


def blocks(page, kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGES[page], re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_exist(page):
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith("perisurv ")]
    assert len(lines) >= 4
    for line in lines:
        verb, *arguments = shlex.split(line)[1:]
        VERBS[verb].make_context(verb, arguments, resilient_parsing=False)


@pytest.mark.parametrize("verb", ["fetch", "receive", "pull"])
def test_every_option_of_the_pages_is_one_of_the_verb(verb):
    known = {option for parameter in VERBS[verb].params for option in parameter.opts}
    page = PAGES["tcia-download" if verb == "fetch" else "pacs"]
    section = page.split("## Pull")[verb == "pull"] if verb != "fetch" else page
    assert set(re.findall(r"`(--[a-z-]+)", section)) <= known | {"--help"}


@pytest.mark.parametrize("page", PAGES)
def test_the_study_files_are_read(page):
    whole, *parts = (settings_from_dict(tomllib.loads(text)) for text in blocks(page, "toml"))
    assert whole.input.clinical
    assert all(part != StudySettings() for part in parts)


def test_what_the_data_retriever_leaves_is_a_cohort(tmp_path):
    """The layout of the page, with the tables of both: metadata.csv is no clinical table."""
    study = blocks("tcia-download", "toml")[0]
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    (layout,) = blocks("tcia-download", "text")
    manifest = tmp_path / "LUNG1" / re.search(r"manifest-\d+", layout)[0]
    name = re.search(r"NSCLC Radiomics.*csv", layout)[0]
    patients = ("LUNG1-001", "LUNG1-002")
    for patient in patients:
        write_patient(manifest / "NSCLC-Radiomics", patient)
    (manifest / "NSCLC-Radiomics" / "LICENSE").write_text("CC BY-NC 3.0", encoding="utf-8")
    header = "Series UID,Collection,Subject ID,Study UID,Study Date,Modality,Number of Images,File Location"
    lines = [f"1.2.{n},NSCLC-Radiomics,{patient},1.3.{n},09-18-2008,CT,8,./x" for n, patient in enumerate(patients)]
    write_table(manifest, lines, header, "metadata.csv")
    write_table(tmp_path / "LUNG1", [row(patient) for patient in patients], name=name)
    settings = read_settings(tmp_path / "study.toml")
    for clinical in (settings.input.clinical, None):
        cohort = read_cohort(settings.input.folder, clinical=clinical, options=settings.cohort)
        assert (cohort.ids, cohort.exclusions) == (patients, ())
