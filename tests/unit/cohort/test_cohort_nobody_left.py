"""Nobody is left: every kind of reason is told, and reasons and checks lie in the run folder."""

import pandas as pd
import pytest
from cohort_files import row, square, write_ct, write_patient, write_rtstruct, write_table

from perisurv.cohort import read_cohort, read_patient
from perisurv.core import EmptyCohortError
from perisurv.study.run import Run
from perisurv.study.settings import InputOptions, StudySettings
from perisurv.study.store import RunFolder


def hopeless(root):
    """Four patients, three kinds of reasons."""
    for patient in ("B1", "B2"):
        write_patient(root, patient, rois={"Heart": [square(3)]})
    write_ct(root / "B3" / "ct", "B3", slices=[0, 1, 2, 4, 5, 6, 7])
    write_rtstruct(root / "B3" / "rt.dcm", "B3")
    write_patient(root, "B4")
    write_table(root, [row(p) for p in ("B1", "B2", "B3")])


def test_every_kind_of_reason_is_told(tmp_path):
    hopeless(tmp_path)
    with pytest.raises(EmptyCohortError) as caught:
        read_cohort(tmp_path)
    text, cohort = str(caught.value), caught.value.cohort
    assert "Left out: 2 x no tumour ROI, 1 x missing slice, 1 x no clinical row. First of each: no tumour ROI: " in text
    assert "missing slice: B3/ct/002.dcm and B3/ct/004.dcm" in text
    assert "no clinical row: no table names" in text
    assert cohort.patients == ()
    assert {e.patient for e in cohort.exclusions} == {"B1", "B2", "B3", "B4"}
    assert {"B1", "B2", "B3", "B4"} <= set(cohort.findings)
    assert any("clinical.csv" in note for note in cohort.notes)


def test_every_reason_of_a_patient_is_told(tmp_path):
    write_patient(tmp_path, "B1", rois={"Heart": [square(3)]})
    write_rtstruct(tmp_path / "B1" / "rt2.dcm", "B1", series="follow-up")
    with pytest.raises(EmptyCohortError) as caught:
        read_patient(tmp_path)
    (exclusion,) = caught.value.cohort.exclusions
    assert "no tumour ROI: B1/rt.dcm" in exclusion.reason
    assert "RTSTRUCT of another CT: B1/rt2.dcm" in exclusion.reason


@pytest.mark.parametrize("keep", [True, False])
def test_reasons_and_checks_lie_in_the_run_folder(tmp_path, keep):
    hopeless(tmp_path / "data")
    folder = RunFolder(tmp_path / "run")
    settings = StudySettings(out=str(folder.root), keep_ids=keep, input=InputOptions(folder=str(tmp_path / "data")))
    with pytest.raises(EmptyCohortError, match=r"All reasons lie in .*exclusions, all checks in .*checks\.parquet"):
        Run(settings, folder).index()
    reasons = [e.reason for e in folder.read_exclusions("index")]
    assert len(reasons) == 4
    checks = pd.read_parquet(folder.checks)
    assert checks["patient"].nunique() == 4
    told = " ".join([*reasons, *checks["text"]])
    assert ("B3/ct" in told) == keep
    assert not folder.cohort.exists()
