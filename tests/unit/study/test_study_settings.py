"""The study file is strict: unknown keys name the nearest, values are checked, defaults are complete."""

import dataclasses
import math
import tomllib
from pathlib import Path

import pytest

from perisurv.core import SettingsError
from perisurv.radiomics import preset
from perisurv.study.provenance import provenance
from perisurv.study.settings import StudySettings, read_settings, settings_from_dict, settings_to_toml


def _write(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("sed = 3", "seed"),
        ("[regions]\nwidth_mm = [3.0]", "widths_mm"),
        ("[deep.training]\nepoch = 3", "epochs"),
        ("[region]\nwidths_mm = [3.0]", "regions"),
    ],
)
def test_an_unknown_key_names_the_nearest(tmp_path: Path, text: str, nearest: str) -> None:
    with pytest.raises(SettingsError, match=f"nearest known key is '{nearest}'"):
        read_settings(_write(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        'seed = "three"',
        "seed = 1.5",
        "seed = -1",
        'regions = "wide"',
        "[regions]\nkind = 'doughnut'",
        "[evaluation]\nhorizons_days = []",
        "[stability]\nminimum_icc = 2.0",
        "[deep]\nfolds = 1",
        "[radiomics]\npreset = 'quick'",
        "[radiomics]\nfilters = [{ kind = 'lag' }]",
        "[radiomics]\nfamilies = ['stat']",
        "[cohort]\ntumour_roi = [{ exakt = 'GTV' }]",
        "[cohort]\ntumour_roi = [{ exact = 'GTV', type = 'GTV' }]",
        "[cohort]\ntumour_roi = [{ regex = '(' }]",
        "[cohort]\nother_lesions = ['(']",
        "[cohort]\nseveral_rois = 'all'",
        "[cohort]\nvolume_limit = -1.0",
        "not toml",
    ],
)
def test_a_wrong_value_is_refused_in_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"study\.toml"):
        read_settings(_write(tmp_path, text))


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no study file"):
        read_settings(tmp_path / "study.toml")


def test_paths_count_from_the_study_file(tmp_path: Path) -> None:
    settings = read_settings(_write(tmp_path, "out = 'runs/a'\n[input]\nfolder = 'dicom'\nclinical = ['a.csv']"))
    assert settings.out == str(tmp_path / "runs/a")
    assert settings.input.folder == str(tmp_path / "dicom")
    assert settings.input.clinical == (str(tmp_path / "a.csv"),)


def test_settings_written_as_toml_read_back_the_same() -> None:
    settings = StudySettings(seed=7)
    assert settings_from_dict(tomllib.loads(settings_to_toml(settings))) == settings


def test_a_preset_stands_for_its_keys_and_others_go_first() -> None:
    settings = settings_from_dict({"radiomics": {"preset": "fast", "bin_width_hu": 20.0}})
    assert settings.radiomics == preset("fast", bin_width_hu=20.0)
    theirs = settings_from_dict({"radiomics": {"preset": "pyradiomics"}})
    assert theirs.radiomics.resegment_hu == (-math.inf, math.inf)
    assert settings_from_dict(tomllib.loads(settings_to_toml(theirs))) == theirs


def test_a_study_hides_identities_unless_asked() -> None:
    assert not settings_from_dict({}).keep_ids
    with pytest.raises(SettingsError, match="keep_ids"):
        settings_from_dict({"cohort": {"ids": "keep"}})


CLINICAL = """
[cohort.columns]
id = "Pat-Nr"
time = ["OS_days", "Survival.time"]
ignore = ["OS_months"]
[cohort.covariates]
ldh = "LDH (U/l)"
egfr = "EGFR"
[cohort.levels]
egfr = ["wild type", "mutant"]
[cohort.clinical]
encoding = "latin-1"
delimiter = "\\t"
missing = ["-9"]
tnm_edition = 8
imaging_tolerance_days = inf
event_codes = { "1:DECEASED" = "dead", "0:LIVING" = "alive" }
"""


def test_clinical_tables_in_the_study_file() -> None:
    settings = settings_from_dict(tomllib.loads(CLINICAL))
    cohort = settings.cohort
    assert cohort.columns.named() == {"id": ("Pat-Nr",), "time": ("OS_days", "Survival.time")}
    assert cohort.covariates == {"ldh": "LDH (U/l)", "egfr": "EGFR"}
    assert cohort.clinical.event_codes == {"1:DECEASED": "dead", "0:LIVING": "alive"}
    assert math.isinf(cohort.clinical.imaging_tolerance_days)
    assert settings_from_dict(tomllib.loads(settings_to_toml(settings))) == settings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[cohort.columns]\nevnt = 'x'", "nearest known key is 'event'"),
        ("[cohort.columns]\nage = 3", "cohort.columns.age"),
        ("[cohort.clinical]\nencoding = 'ebcdic'", "encoding"),
        ("[cohort.clinical]\ntnm_edition = 9", "tnm_edition"),
        ("[cohort.clinical]\ndate_format = 'DD.MM.YYYY'", "date_format"),
        ("[cohort.clinical]\nevent_codes = { '1' = 'yes' }", "event_codes"),
        ("[cohort.clinical]\nevent_codes = { '1' = 'dead' }", "both 'dead' and 'alive'"),
        ("[cohort.covariates]\nstage = 'x'", "has its own meaning"),
        ("[cohort.levels]\nldh = ['a', 'b']", "is no covariate"),
    ],
)
def test_wrong_clinical_settings_are_refused_in_words(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        read_settings(_write(tmp_path, text))
    print(caught.value)


def test_provenance_ignores_where_and_with_how_many_workers() -> None:
    settings = StudySettings()
    moved = dataclasses.replace(settings, out="elsewhere", workers=7)
    assert provenance(settings) == provenance(moved)
    assert provenance(settings) != provenance(dataclasses.replace(settings, seed=1))


def test_rules_for_rois_come_back(tmp_path: Path) -> None:
    text = "[cohort]\ntumour_roi = [{ exact = 'GTV-1' }, { type = 'GTV' }, '^GTV']\nother_lesions = [{ glob = 'GTV*' }]"
    settings = read_settings(_write(tmp_path, text))
    assert [str(rule) for rule in settings.cohort.tumour_roi] == ["exact 'GTV-1'", "type 'GTV'", "^GTV"]
    assert settings_from_dict(tomllib.loads(settings_to_toml(settings))) == settings


def test_a_wrong_key_of_a_rule_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"tumour_roi\.0.*exakt"):
        read_settings(_write(tmp_path, "[cohort]\ntumour_roi = [{ exakt = 'GTV' }]"))


def test_the_study_file_of_the_page_of_barriers_is_read_and_comes_back(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "explanation" / "barriers.md").read_text(encoding="utf-8")
    settings = read_settings(_write(tmp_path, page.split("```toml\n")[1].split("```")[0]))
    assert settings.regions.exclude == ("bone", "airway", "vessel")
    assert [str(rule) for rule in settings.cohort.lung_rois] == ["glob 'Lung*'"]
    assert settings_from_dict(tomllib.loads(settings_to_toml(settings))) == settings
    with pytest.raises(SettingsError, match="exclude"):
        read_settings(_write(tmp_path, "[regions]\nexclude = ['fat']"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[validation]\ndesign = 'bootstrap'", "design"),
        ("[validation]\nfolds = 1", "folds >= 2"),
        ("[validation]\ndesign = 'temporal'", "order names the clinical covariate"),
        ("[validation]\ndesign = 'nested'\norder = 'year'", "order names the clinical covariate"),
        ("[fit]\nfusion = 'late_ridge'", "features that no training patient shaped"),
        ("[fit]\nunpenalised = ['klinik']", "no group 'klinik'"),
        ("[fit]\nselect_by = 'patient'", "select_by"),
        ("[fit]\nstrata = 'scanner'", "strata"),
        ("[fit]\nharmonise = 'sva'", "harmonise"),
        ("[fit]\nunseen = 'sample'", "unseen"),
        ("[fit]\nharmonise_groups = ['radiomic']", "no group 'radiomic'"),
        ("[fit]\nharmonise = 'combat'\nharmonise_groups = []", "needs harmonise_groups"),
    ],
)
def test_wrong_validation_and_fusion_are_refused_in_words(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read_settings(_write(tmp_path, text))


def test_the_study_file_of_the_page_of_validation_is_read_and_comes_back(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "explanation" / "validation.md").read_text(encoding="utf-8")
    settings = read_settings(_write(tmp_path, page.split("```toml\n")[1].split("```")[0]))
    assert (settings.validation.design, settings.validation.repeats) == ("nested", 10)
    late = "deep = { enabled = false }\n[fit]\nfusion = 'late_ridge'\nunpenalised = ['clinical']"
    for kept in (settings, read_settings(_write(tmp_path, late))):
        assert settings_from_dict(tomllib.loads(settings_to_toml(kept))) == kept
