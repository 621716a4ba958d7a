"""Collections come whole, byte for byte, on their terms; interrupted or damaged, only what is missing comes again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cohort_files import uid, write_ct, write_patient
from mask_files import write_seg
from object_store import clinical_table, index_of, put_clinical

from perisurv.archives import Wanted, collections, fetch, plan_fetch
from perisurv.cohort import read_cohort, read_patient
from perisurv.core import ArchiveError, InputError
from perisurv.study.settings import read_settings

PATIENTS = ("S1", "S2")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The files of the collection."""
    root = tmp_path_factory.mktemp("source")
    for patient in PATIENTS:
        write_patient(root, patient)
    return root


@pytest.fixture(scope="module")
def table(source):
    """Its index, for what needs no store."""
    return index_of(source)


@pytest.fixture
def index(store, source):
    """Its index, with the files and the clinical table in the store."""
    put_clinical(store, clinical_table([*PATIENTS, "not-fetched"]))
    return index_of(source, store)


def contents(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in folder.rglob("*.dcm"))


def run(index, store, folder, **wanted):
    return fetch(plan_fetch(index, "NSCLC-Radiomics", folder, Wanted(**wanted)), index, endpoint=store.url)


def test_everything_comes_byte_for_byte(store, index, source, tmp_path):
    done = run(index, store, tmp_path / "got")
    assert (done.patients, done.series, done.fetched) == (2, 4, 4)
    assert contents(tmp_path / "got") == contents(source)
    assert not done.notes
    assert not (tmp_path / "got" / ".fetching").exists()


def test_the_folder_is_a_cohort_with_its_study_file(store, index, source, tmp_path):
    done = run(index, store, tmp_path / "got")
    settings = read_settings(done.study)
    assert Path(settings.out).resolve() == tmp_path / "got_run"  # artefacts are no patient files
    cohort = read_cohort(settings.input.folder, clinical=settings.input.clinical, options=settings.cohort)
    assert cohort.ids == PATIENTS
    assert not cohort.exclusions
    assert cohort.outcome.time_days.tolist() == [300, 400]
    for patient in PATIENTS:
        got, expected = cohort[patient].load(), read_patient(source / patient)[patient].load()
        assert np.array_equal(got.ct.values, expected.ct.values)
        assert np.array_equal(got.tumour.values, expected.tumour.values)


def test_of_a_structure_set_and_a_segmentation_of_one_tumour_the_study_takes_one(store, tmp_path):
    root = tmp_path / "source"
    write_patient(root, "S1")
    tumour = read_patient(root / "S1")["S1"].load().tumour
    write_seg(root / "S1" / "seg.dcm", sorted((root / "S1" / "ct").iterdir()), {"GTV-1": tumour.values})
    put_clinical(store, clinical_table(["S1"]))
    settings = read_settings(run(index_of(root, store), store, tmp_path / "got").study)
    cohort = read_patient(settings.input.folder, settings.cohort)
    assert cohort.ids == ("S1",)
    assert np.array_equal(cohort["S1"].load().tumour.values, tumour.values)


def test_a_study_file_that_is_there_stays(store, index, tmp_path):
    (tmp_path / "got").mkdir()
    (tmp_path / "got" / "study.toml").write_text("mine", encoding="utf-8")
    assert run(index, store, tmp_path / "got").study.read_text(encoding="utf-8") == "mine"


def test_the_clinical_table_has_the_patients_of_the_folder_and_one_id(store, index, tmp_path):
    done = run(index, store, tmp_path / "got", first=1)
    table = pd.read_csv(done.clinical[0])
    assert table["PatientID"].tolist() == ["S1"]
    assert not {"dicom_patient_id", "patientid", "source_batch"} & set(table.columns)
    done = run(index, store, tmp_path / "got", patients=("S2",))
    assert pd.read_csv(done.clinical[0])["PatientID"].tolist() == ["S1", "S2"]  # both lie in the folder


def test_without_clinical_table_the_images_come_and_it_is_said(store, source, tmp_path):
    index = index_of(source, store)
    done = run(index, store, tmp_path / "got")
    assert done.fetched == 4
    assert not done.clinical
    assert "No clinical table came" in done.notes[0]
    assert tomllib.loads(done.study.read_text(encoding="utf-8"))["input"] == {"folder": ".", "clinical": []}


def test_a_damaged_clinical_table_does_not_keep_the_images(store, source, tmp_path):
    index = index_of(source, store)
    store.put("bigquery_export/idc_v25_clinical/nsclc_radiomics_clinical/0.parquet", b"PAR1?", "idc-open-metadata")
    done = run(index, store, tmp_path / "got")
    assert done.fetched == 4
    assert "nsclc_radiomics_clinical cannot be read" in done.notes[0]


def test_the_plan_tells_size_and_terms(table, source, tmp_path):
    plan = plan_fetch(table, "nsclc_radiomics", tmp_path / "got", Wanted())
    assert plan.missing_bytes == sum(map(len, contents(source)))
    assert plan.patients == PATIENTS
    (licence,) = plan.licences
    assert (licence.name, licence.url) == ("CC BY-NC 3.0", "https://creativecommons.org/licenses/by-nc/3.0/")
    assert licence.doi == "https://doi.org/10.7937/k9/tcia.2015.pf0m9rei"
    assert licence.citation == "Aerts et al. & others"
    assert not (tmp_path / "got").exists()


def test_provenance_says_what_the_folder_holds(store, index, tmp_path):
    run(index, store, tmp_path / "got", patients=("S1",))
    run(index, store, tmp_path / "got", patients=("S2",))
    told = json.loads((tmp_path / "got" / "provenance.json").read_text(encoding="utf-8"))
    assert (told["collection"], told["idc_version"], told["endpoint"]) == ("nsclc_radiomics", "v25", store.url)
    assert sorted(entry["patient"] for entry in told["series"]) == ["S1", "S1", "S2", "S2"]
    assert [licence["name"] for licence in told["licences"]] == ["CC BY-NC 3.0"]


def test_again_fetches_nothing(store, index, tmp_path):
    run(index, store, tmp_path / "got")
    store.got.clear()
    assert run(index, store, tmp_path / "got").fetched == 0
    assert not store.got


def test_a_lost_or_shortened_file_comes_again_and_no_other(store, index, source, tmp_path):
    run(index, store, tmp_path / "got")
    lost, short, *_ = sorted((tmp_path / "got" / "S1").glob("CT_*/*.dcm"))
    lost.unlink()
    short.write_bytes(short.read_bytes()[:-10])
    store.got.clear()
    assert run(index, store, tmp_path / "got").fetched == 1
    assert sorted(Path(key).name for key in store.got) == sorted([lost.name, short.name])
    assert contents(tmp_path / "got") == contents(source)


def wait_for_a_file(folder: Path, at_most_s: float = 100.0) -> None:
    """Return once one object has come whole: the store may be asked for many before it has answered any."""
    end = time.monotonic() + at_most_s
    while not any(folder.rglob("*.dcm")) and time.monotonic() < end:
        time.sleep(0.02)


def test_killed_in_the_middle_it_goes_on(store, index, source, tmp_path):
    """kill -9 of the process and its download while an object is half-way; no whole object is asked for again."""
    stalled = store.objects()[len(store.objects()) // 2]
    store.stalled.add(stalled)
    index.series.to_parquet(tmp_path / "series.parquet")
    script = textwrap.dedent(f"""
        from pathlib import Path
        import pandas as pd
        from perisurv.archives import IdcIndex, Wanted, fetch, plan_fetch
        described = pd.DataFrame({{"collection_id": [], "sources": []}})
        series = pd.read_parquet({str(tmp_path / "series.parquet")!r})
        index = IdcIndex("v25", series, described, Path({str(index.s5cmd)!r}), lambda: None)
        plan = plan_fetch(index, "nsclc_radiomics", Path({str(tmp_path / "got")!r}), Wanted())
        fetch(plan, index, endpoint={store.url!r})
    """)
    child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    store.wait_for(stalled)
    wait_for_a_file(tmp_path / "got")
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(60)
    assert not (tmp_path / "got" / "provenance.json").exists()
    whole = {path.name for path in (tmp_path / "got").rglob("*.dcm")}
    assert 0 < len(whole) < len(store.objects())
    assert Path(stalled).name not in whole
    store.stalled.clear()
    store.got.clear()
    run(index, store, tmp_path / "got")
    assert contents(tmp_path / "got") == contents(source)
    assert {Path(key).name for key in store.got} == {Path(key).name for key in store.objects()} - whole
    assert {path.suffix for path in (tmp_path / "got").glob("S*/*/*")} == {".dcm"}


def test_a_broken_object_costs_its_series_only(store, index, source, tmp_path):
    store.broken.add(store.objects()[0])
    with pytest.raises(ArchiveError, match=r"1 of 4 series did not come.*Internal Server Error.*run the same command"):
        run(index, store, tmp_path / "got")
    assert len(list((tmp_path / "got").glob("S*/*"))) == 3
    store.broken.clear()
    assert run(index, store, tmp_path / "got").fetched == 1
    assert contents(tmp_path / "got") == contents(source)


def test_an_object_that_the_store_lacks_is_missed(store, index, tmp_path):
    """s5cmd is content with what it finds: the index is what counts."""
    key = store.objects()[0]
    store.s3.delete_object(Bucket="idc-open-data", Key=key)
    with pytest.raises(ArchiveError, match=r"files instead of \d"):
        run(index, store, tmp_path / "got")


def test_an_object_of_another_size_is_missed(store, index, tmp_path):
    store.put(store.objects()[0], b"short")
    with pytest.raises(ArchiveError, match=r"bytes instead of \d"):
        run(index, store, tmp_path / "got")


def test_no_store_at_all_is_given_up_early(table, source, tmp_path):
    plan = plan_fetch(table, "nsclc_radiomics", tmp_path / "got", Wanted())
    with pytest.raises(ArchiveError, match="3 of 4 series did not come.*Stopped after 3 failures in a row"):
        fetch(plan, replace(table, s5cmd=Path("/bin/false")), endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1", "file:///etc", "http://user:word@127.0.0.1", "nonsense"])
def test_only_plain_urls_are_endpoints(table, tmp_path, endpoint):
    plan = plan_fetch(table, "nsclc_radiomics", tmp_path / "got", Wanted())
    with pytest.raises(InputError, match="http or https URL"):
        fetch(plan, table, endpoint=endpoint)


def test_too_little_disk_is_said_before(table, tmp_path):
    huge = replace(table, series=table.series.assign(series_size_MB=1e12))
    with pytest.raises(InputError, match=r"needs 4000000000.0 GB and has .* GB free; make room"):
        plan_fetch(huge, "nsclc_radiomics", tmp_path / "got", Wanted())
    assert not (tmp_path / "got").exists()


def test_a_folder_holds_one_collection(store, index, tmp_path):
    run(index, store, tmp_path / "got")
    other = replace(index, series=index.series.assign(collection_id="rider_lung_ct"))
    with pytest.raises(InputError, match="holds the collection nsclc_radiomics"):
        plan_fetch(other, "rider_lung_ct", tmp_path / "got", Wanted())


@pytest.mark.parametrize(("name", "words"), [("nsclc-radiomic", "nearest: nsclc_radiomics"), ("xyz", "fetch --list")])
def test_an_unknown_collection_names_the_nearest(table, tmp_path, name, words):
    with pytest.raises(InputError, match=words):
        plan_fetch(table, name, tmp_path, Wanted())


def test_an_unknown_patient_names_the_nearest(table, tmp_path):
    with pytest.raises(InputError, match="no patient 'S9'.*such as S"):
        plan_fetch(table, "nsclc_radiomics", tmp_path, Wanted(patients=("S9",)))


def test_only_drawn_patients_qualify(source, tmp_path):
    shutil.copytree(source, tmp_path / "source")
    write_ct(tmp_path / "source" / "S4", "S4")
    index = index_of(tmp_path / "source")
    assert plan_fetch(index, "nsclc_radiomics", tmp_path, Wanted()).patients == PATIENTS
    (found,) = collections(index)
    assert (found.name, found.patients, found.licences) == ("nsclc_radiomics", 2, ("CC BY-NC 3.0",))


def test_what_others_derived_comes_only_if_asked_for(table, tmp_path):
    drawn = table.series["Modality"] == "RTSTRUCT"
    author = pd.Series("by_a_network", table.series.index).where(drawn)
    derived = replace(table, series=table.series.assign(analysis_result_id=author))
    with pytest.raises(InputError, match="--derived"):
        plan_fetch(derived, "nsclc_radiomics", tmp_path, Wanted())
    assert len(plan_fetch(derived, "nsclc_radiomics", tmp_path, Wanted(derived=True)).series) == 4


def test_only_the_ct_that_was_drawn_on_comes_where_the_archive_knows(source, tmp_path):
    shutil.copytree(source, tmp_path / "source")
    write_ct(tmp_path / "source" / "S1" / "other", "S1", series="follow-up")
    index = index_of(tmp_path / "source")
    drawn = index.series.query("Modality == 'RTSTRUCT'")
    drawn_on = [uid(patient, "planning") for patient in drawn["PatientID"]]
    known = pd.DataFrame({"SeriesInstanceUID": drawn["SeriesInstanceUID"], "drawn_on": drawn_on})
    plan = plan_fetch(replace(index, references=lambda: known), "nsclc_radiomics", tmp_path, Wanted())
    assert plan.notes == ("1 CT series on which nothing was drawn are left out.",)
    assert {series.uid for series in plan.series if series.modality == "CT"} == set(drawn_on)
    for references in (None, known.iloc[1:]):  # nothing is known, nothing is known of S1
        plan = plan_fetch(replace(index, references=lambda r=references: r), "nsclc_radiomics", tmp_path, Wanted())
        assert len([series for series in plan.series if series.modality == "CT"]) == 3


def test_a_patient_id_is_no_path(store, index, source, tmp_path):
    evil = replace(index, series=index.series.replace({"PatientID": {"S1": "../../S1"}}))
    run(evil, store, tmp_path / "got")
    assert contents(tmp_path / "got") == contents(source)
    assert not (tmp_path.parent / "S1").exists()


@pytest.mark.parametrize("damage", [{"SeriesInstanceUID": "../x"}, {"series_aws_url": "s3://idc-open-data/*"}])
def test_a_damaged_index_is_refused(table, tmp_path, damage):
    with pytest.raises(InputError, match="index of the archive is damaged"):
        plan_fetch(replace(table, series=table.series.assign(**damage)), "nsclc_radiomics", tmp_path, Wanted())
