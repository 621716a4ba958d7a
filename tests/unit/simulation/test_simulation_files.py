"""What is written is valid DICOM under untidy names, complete or absent, and the same bytes again."""

import hashlib
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813

from perisurv.core import SettingsError
from perisurv.simulation import SimulationOptions, make_scan, patient_ids, plan, simulate_patient

PLAN = plan(SimulationOptions(patients=3, matrix=64), 21)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("cohort")
    return [simulate_patient(PLAN, number, root) for number in range(3)]


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def read(folder: Path) -> tuple[list[pydicom.Dataset], pydicom.Dataset]:
    everything = [pydicom.dcmread(path) for path in files(folder)]
    series = sorted((d for d in everything if d.Modality == "CT"), key=lambda d: d.ImagePositionPatient[2])
    (structures,) = (d for d in everything if d.Modality == "RTSTRUCT")
    return series, structures


def digest(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files(folder)}


@pytest.mark.parametrize("number", range(3))
def test_pydicom_reads_the_planned_patient(folders: list[Path], number: int) -> None:
    series, structures = read(folders[number])
    patient = PLAN.patients[number]
    assert {d.PatientID for d in [*series, structures]} == {patient_ids(PLAN)[number]}
    assert len({d.SOPInstanceUID for d in series}) == len(series)
    assert len({d.SeriesInstanceUID for d in series}) == 1
    steps = np.diff([float(d.ImagePositionPatient[2]) for d in series])
    np.testing.assert_allclose(steps, patient.centre.slice_spacing_mm, atol=1e-4)
    made = make_scan(PLAN, number)
    assert all(d.RescaleIntercept == -1024 and d.pixel_array.dtype == np.int16 for d in series)
    stored = np.stack([d.pixel_array for d in series]).astype(int) - 1024
    np.testing.assert_array_equal(stored, made.hu)


@pytest.mark.parametrize("number", range(3))
def test_simpleitk_and_highdicom_see_the_same_volume(folders: list[Path], number: int) -> None:
    series, structures = read(folders[number])
    ordered = [
        str(path) for path in files(folders[number]) if pydicom.dcmread(path, stop_before_pixels=True).Modality == "CT"
    ]
    ordered.sort(key=lambda path: pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2])
    image = sitk.ReadImage(ordered)
    array = sitk.GetArrayFromImage(image)
    expected = np.stack([d.pixel_array for d in series]).astype(int) - 1024
    np.testing.assert_array_equal(array, expected)
    volume = highdicom.get_volume_from_series(series)
    assert sorted(volume.spacing) == pytest.approx(sorted(image.GetSpacing()), abs=1e-4)
    names = {str(roi.ROIName) for roi in structures.StructureSetROISequence}
    assert names == set(PLAN.patients[number].centre.roi_names)


@pytest.mark.parametrize("number", range(3))
def test_the_structures_reference_this_series(folders: list[Path], number: int) -> None:
    series, structures = read(folders[number])
    by_uid = {d.SOPInstanceUID: d for d in series}
    (frame,) = structures.ReferencedFrameOfReferenceSequence
    (study,) = frame.RTReferencedStudySequence
    (referenced,) = study.RTReferencedSeriesSequence
    assert frame.FrameOfReferenceUID == series[0].FrameOfReferenceUID
    assert study.ReferencedSOPInstanceUID == series[0].StudyInstanceUID
    assert referenced.SeriesInstanceUID == series[0].SeriesInstanceUID
    assert {item.ReferencedSOPInstanceUID for item in referenced.ContourImageSequence} == set(by_uid)
    numbers = {roi.ROINumber for roi in structures.StructureSetROISequence}
    assert numbers == {roi.ReferencedROINumber for roi in structures.ROIContourSequence}
    assert numbers == {roi.ReferencedROINumber for roi in structures.RTROIObservationsSequence}
    for roi in structures.ROIContourSequence:
        assert len(roi.ContourSequence) > 0
        for contour in roi.ContourSequence:
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
            assert contour.ContourGeometricType == "CLOSED_PLANAR"
            assert len(points) == contour.NumberOfContourPoints >= 3
            image = by_uid[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
            np.testing.assert_allclose(points[:, 2], float(image.ImagePositionPatient[2]), atol=0.01)


def test_drawn_tumour_is_soft_tissue_in_the_written_ct(folders: list[Path]) -> None:
    for number, folder in enumerate(folders):
        series, structures = read(folder)
        names = {roi.ROINumber: roi.ROIName for roi in structures.StructureSetROISequence}
        wanted = PLAN.patients[number].centre.roi_names[0]
        (gtv,) = (roi for roi in structures.ROIContourSequence if names[roi.ReferencedROINumber] == wanted)
        values = []
        for contour in gtv.ContourSequence:
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
            (image,) = (
                d for d in series if d.SOPInstanceUID == contour.ContourImageSequence[0].ReferencedSOPInstanceUID
            )
            x, y = (points.mean(axis=0)[:2] - image.ImagePositionPatient[:2]) / image.PixelSpacing
            values.append(float(image.pixel_array[round(y), round(x)]) - 1024)
        assert -30 < np.median(values) < 130


def test_every_centre_names_and_nests_its_files_differently(folders: list[Path]) -> None:
    first, second, third = ([path.relative_to(folder) for path in files(folder)] for folder in folders)
    assert {path.parts[0] for path in first} == {"CT", "RTSTRUCT"}
    assert len({path.parent for path in second}) == 1
    assert {len(path.parts) for path in third} == {4, 5}
    assert {path.suffix for path in first} == {".dcm"}
    assert {path.suffix for path in third} == {""}
    series, _ = read(folders[2])
    by_name = [pydicom.dcmread(path) for path in files(folders[2]) if path.parent.name != "SE00001"]
    assert [d.InstanceNumber for d in by_name] != [d.InstanceNumber for d in series]


def test_same_seed_same_bytes_and_another_seed_other_bytes(folders: list[Path], tmp_path: Path) -> None:
    again = simulate_patient(PLAN, 1, tmp_path / "again")
    assert digest(again) == digest(folders[1])
    other = simulate_patient(plan(PLAN.options, 22), 1, tmp_path / "other")
    assert not set(digest(other).values()) & set(digest(again).values())


def test_an_interrupted_patient_is_absent_and_then_made_whole(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perisurv.simulation import patient as room

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(room.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            simulate_patient(PLAN, 1, tmp_path)
    assert not (tmp_path / "rheinburg" / PLAN.patients[1].id).exists()
    made = simulate_patient(PLAN, 1, tmp_path)
    assert digest(made) == digest(folders[1])
    assert [p.name for p in made.parent.iterdir()] == [made.name]
    assert digest(simulate_patient(PLAN, 1, tmp_path)) == digest(folders[1])


def test_a_number_beyond_the_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"0\.\.2, not 3"):
        simulate_patient(PLAN, 3, tmp_path)
