"""The real index of the archive, and a real patient under it: fetched, pulled and received."""

import json

import numpy as np
import pandas as pd
import pytest
from object_store import put_clinical
from typer.testing import CliRunner

from perisurv.archives import Login, PullOptions, Wanted, collections, load_index, plan_fetch, pull
from perisurv.cli import app
from perisurv.cohort import read_patient
from perisurv.core import InputError

TABLE = "lung1_tables/NSCLC Radiomics Lung1.clinical-version3-Oct 2019.csv"


@pytest.fixture(scope="module")
def index():
    return load_index()


@pytest.fixture(scope="module")
def dicom(test_data):
    folder = test_data / "lung1_001" / "dicom"
    if not folder.is_dir():
        pytest.skip("LUNG1-001 absent")
    return folder


def test_the_collections_that_qualify(index):
    found = {collection.name: collection for collection in collections(index)}
    lung1 = found["nsclc_radiomics"]
    assert (lung1.patients, lung1.licences) == (422, ("CC BY-NC 3.0",))
    assert lung1.gigabytes == pytest.approx(35.78, abs=0.01)
    assert found["nsclc_radiomics_interobserver1"].patients == 21
    assert "nlst" not in found  # its segmentations are by others
    assert "nlst" in {collection.name for collection in collections(index, Wanted(derived=True))}


def test_a_plan_of_lung1(index, tmp_path):
    plan = plan_fetch(index, "NSCLC-Radiomics", tmp_path / "got", Wanted(first=3, contours=("RTSTRUCT",)))
    assert plan.patients == ("LUNG1-001", "LUNG1-002", "LUNG1-003")
    assert [series.modality for series in plan.series] == ["CT", "RTSTRUCT"] * 3
    (licence,) = plan.licences
    assert licence.url == "https://creativecommons.org/licenses/by-nc/3.0/"
    assert licence.citation.startswith("Aerts, H. J. W. L.")
    assert not plan.notes
    with pytest.raises(InputError, match=r"nearest: nsclc_radiomics,"):
        plan_fetch(index, "nsclc-radiomic", tmp_path, Wanted())


@pytest.mark.slow
def test_lung1_001_is_fetched_and_indexed(index, dicom, store, test_data, tmp_path):
    """The files on disk have the number and the bytes that the archive's own index states."""
    folder = tmp_path / "LUNG1"
    plan = plan_fetch(index, "nsclc-radiomics", folder, Wanted(patients=("LUNG1-001",), contours=("RTSTRUCT",)))
    for series, name in zip(plan.series, ("image", "mask_rtstruct"), strict=True):
        for path in sorted((dicom / name).iterdir()):
            store.put(f"{series.url.split('/')[3]}/{path.name}", path.read_bytes(), series.url.split("/")[2])
    published = pd.read_csv(test_data / TABLE, dtype=str).rename(columns=lambda c: c.replace(".", "").casefold())
    put_clinical(store, published.assign(dicom_patient_id=published["patientid"], source_batch="0"))
    arguments = ["fetch", "NSCLC-Radiomics", str(folder), "--patient", "LUNG1-001", "--contours", "RTSTRUCT"]
    result = CliRunner().invoke(app, [*arguments, "--endpoint", store.url, "--yes", "--json"])
    told = json.loads(result.stdout)
    assert (told["fetched"], told["bytes_to_come"], told["notes"]) == (2, 70514186 + 1508418, [])
    indexed = json.loads(CliRunner().invoke(app, ["index", told["study"], "--json"]).stdout)
    assert (indexed["patients"], indexed["exclusions"]) == (1, [])
    assert read_patient(folder)["LUNG1-001"].load().tumour.values.sum() == 54639
    again = json.loads(CliRunner().invoke(app, [*arguments, "--dry-run", "--json"]).stdout)
    assert again["bytes_to_come"] == 0


@pytest.mark.slow
def test_lung1_001_is_pulled_from_orthanc(dicom, orthanc, tmp_path):
    orthanc.upload(dicom)
    got = pull(orthanc.dicomweb, tmp_path / "got", PullOptions(patients=("LUNG1-001",)), login=Login(*orthanc.auth))
    assert got.fetched == 135
    scan, direct = (read_patient(folder)["LUNG1-001"].load() for folder in (tmp_path / "got", dicom))
    assert np.array_equal(scan.ct.values, direct.ct.values)
    assert np.array_equal(scan.tumour.values, direct.tumour.values)
