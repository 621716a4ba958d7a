"""Stacks that are tilted, irregular, oblique or stored as frames, against analytic truth and against one another."""

import numpy as np
import pytest
from cohort_files import SLICES, STEP_MM, hounsfield, uid, write_ct, write_rtstruct
from ct_writers import POSITIONS, both, turned, values
from enhanced_ct import (
    GROUPS,
    enhanced,
    frames_of,
    odd_frames,
    refers,
    two_in_one,
    write_enhanced,
    write_enhanced_rtstruct,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import JPEGLosslessSV1, RLELossless

from perisurv.cohort import CohortOptions, read_patient
from perisurv.core import InputError, ReadError

PLANES, PIXELS, PIXEL_MM = 36, 64, 1.25
RADIUS_MM, EDGE_MM = 17.3, 5.0
CENTRE_MM = np.array((1.7, -3.1, 101.9))
SPHERE_MM3 = 4 / 3 * np.pi * (RADIUS_MM**3 + RADIUS_MM * EDGE_MM**2 / 4)
TILT_DEGREES = 18.0


def sphere_hu(points):
    """A sphere of 50 HU in lung of -850 HU; its edge is a ramp."""
    depth = RADIUS_MM - np.linalg.norm(points - CENTRE_MM, axis=-1)
    return -850 + 900 * np.clip(depth / EDGE_MM + 0.5, 0, 1)


def write_sphere(root, positions, axes):
    """CT slices whose centres lie at these positions, and the outlines of the sphere in their planes."""
    row, column = axes
    index = PIXEL_MM * (np.arange(PIXELS) - 0.5 * (PIXELS - 1))
    grid = index[:, None, None] * np.array(column) + index[None, :, None] * np.array(row)

    def edit(data, k):
        data.Rows = data.Columns = PIXELS
        data.PixelSpacing = [PIXEL_MM, PIXEL_MM]
        data.ImageOrientationPatient = [*row, *column]
        data.ImagePositionPatient = [f"{v:.6f}" for v in positions[k] + grid[0, 0]]
        data.PixelData = np.rint(sphere_hu(positions[k] + grid) + 1024).astype("<i2").tobytes()

    write_ct(root / "ct", "B1", slices=range(len(positions)), edit=edit)
    outlines = [c for p in positions if (c := outline(p, row, column)) is not None]
    write_rtstruct(root / "rt.dcm", "B1", rois={"GTV-1": outlines})


def outline(position, row, column):
    normal = np.cross(row, column)
    height = normal @ (CENTRE_MM - position)
    if abs(height) >= RADIUS_MM:
        return None
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)[:, None]
    around = np.cos(angle) * np.array(row) + np.sin(angle) * np.array(column)
    return CENTRE_MM - height * normal + np.sqrt(RADIUS_MM**2 - height**2) * around


def assert_sphere(scan, tolerance_mm=0.1):
    """HU and contours have volume and centre of the sphere."""
    geometry = scan.ct.geometry
    points = geometry.to_mm(np.indices(geometry.shape).transpose(1, 2, 3, 0))
    near = np.linalg.norm(points - CENTRE_MM, axis=-1) < RADIUS_MM + 10
    share = (scan.ct.values[near] + 850) / 900
    assert share.sum() * geometry.voxel_volume_mm3 == pytest.approx(SPHERE_MM3, rel=0.005)
    np.testing.assert_allclose(share @ points[near] / share.sum(), CENTRE_MM, atol=tolerance_mm)
    assert np.abs(scan.ct.values[near] - sphere_hu(points[near])).mean() < 10
    assert scan.tumour.volume_ml == pytest.approx(4 / 3 * np.pi * RADIUS_MM**3 / 1000, rel=0.02)
    np.testing.assert_allclose(points[scan.tumour.values].mean(axis=0), CENTRE_MM, atol=2 * tolerance_mm)


def tilted_axes(degrees):
    angle = np.radians(degrees)
    return (1.0, 0.0, 0.0), (0.0, float(np.cos(angle)), float(np.sin(angle)))


@pytest.mark.parametrize("degrees", [TILT_DEGREES, -TILT_DEGREES])
def test_tilted_gantry_gives_the_sphere_in_its_place(tmp_path, degrees):
    """The couch moves along z, the slices are tilted against it."""
    positions = [np.array((0.0, 0.0, 66.0 + 2.0 * k)) for k in range(PLANES)]
    write_sphere(tmp_path, positions, tilted_axes(degrees))
    with pytest.raises(InputError, match="gantry tilt: .* a tilt of 18.0 degrees"):
        read_patient(tmp_path)
    scan = read_patient(tmp_path, CohortOptions(gantry_tilt="resample")).patients[0].load()
    assert_sphere(scan)
    geometry = scan.ct.geometry
    assert geometry.spacing_mm[0] == pytest.approx(2.0 * np.cos(np.radians(TILT_DEGREES)))
    corners = geometry.to_index([p + PIXEL_MM * 31.5 * s * np.array(a) for p in (positions[0], positions[-1])
                                 for a in tilted_axes(degrees) for s in (-1, 1)])  # fmt: skip
    assert (corners > -1e-3).all()
    assert (corners < np.array(geometry.shape) - 1 + 1e-3).all()


def test_oblique_stack_is_no_tilt(tmp_path):
    """Slices turned with the couch: the grid is oblique and nothing is resampled."""
    row, column = tilted_axes(TILT_DEGREES)
    normal = np.cross(row, column)
    write_sphere(tmp_path, [CENTRE_MM + 2.0 * (k - PLANES / 2) * normal for k in range(PLANES)], (row, column))
    scan = read_patient(tmp_path).patients[0].load()
    assert scan.ct.geometry.shape == (PLANES, PIXELS, PIXELS)
    assert_sphere(scan)


@given(st.lists(st.floats(-0.12, 0.12), min_size=PLANES, max_size=PLANES))
@settings(max_examples=4, deadline=None)
def test_irregular_slices_give_the_sphere_in_its_place(tmp_path_factory, jitter):
    root = tmp_path_factory.mktemp("irregular")
    heights = 66.0 + 2.0 * np.arange(PLANES) + jitter
    heights[3] = heights[2] + 1.9
    write_sphere(root, [np.array((0.0, 0.0, h)) for h in heights], tilted_axes(0))
    with pytest.raises(InputError, match='irregular slice distance: .*or set irregular_slices to "resample"'):
        read_patient(root)
    scan = read_patient(root, CohortOptions(irregular_slices="resample")).patients[0].load()
    assert_sphere(scan, 0.15)
    assert scan.ct.geometry.spacing_mm[0] == pytest.approx(2.0, abs=0.02)


def test_contours_on_irregular_slices_follow_the_rule_for_contours_between_slices(tmp_path):
    """One slice of the tumour lies 0.6 mm off regular distances: more than a quarter of them."""
    heights = 66.0 + 2.0 * np.arange(PLANES) + 0.6 * (np.arange(PLANES) == PLANES // 2)
    write_sphere(tmp_path, [np.array((0.0, 0.0, h)) for h in heights], tilted_axes(0))
    with pytest.raises(InputError, match="contours without common planes: .* irregular distances"):
        read_patient(tmp_path, CohortOptions(irregular_slices="resample"))


@pytest.mark.usefixtures("any_values")
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_frames_are_the_slices(tmp_path_factory, data):
    """One patient as classic and as enhanced CT, in any position, order of frames and place of the attributes."""
    root = tmp_path_factory.mktemp("frames")
    turn = turned(*data.draw(st.sampled_from(list(POSITIONS.values()))))
    edit = both(turn, data.draw(st.sampled_from([values(), values(RescaleSlope=0.5, RescaleIntercept=-10)])))
    write_ct(root / "classic" / "ct", "B1", edit=edit)
    write_rtstruct(root / "classic" / "rt.dcm", "B1")
    enhanced(
        edit,
        order=data.draw(st.permutations(range(SLICES))),
        shared=data.draw(st.sets(st.sampled_from([g for g in GROUPS if g != "PlanePositionSequence"]))),
        syntax=data.draw(st.sampled_from([None, RLELossless])),
    )(root / "frames")
    refers(("enhanced", 0))(root / "frames")
    one, other = (read_patient(root / name).patients[0].load() for name in ("classic", "frames"))
    assert one.ct.geometry == other.ct.geometry
    assert one.acquisition == other.acquisition
    np.testing.assert_array_equal(one.ct.values, other.ct.values)
    np.testing.assert_array_equal(one.tumour.values, other.tumour.values)


def test_enhanced_ct_by_another_converter(tmp_path):
    """A Legacy Converted Enhanced CT as highdicom writes it."""
    from highdicom.legacy import LegacyConvertedEnhancedCTImage

    study = values(
        StudyID="1", StudyDate="20200101", StudyTime="1200", AccessionNumber="", ReferringPhysicianName="",
        PatientSex="O", SeriesNumber=1, ContentDate="20200101", ContentTime="1200", AcquisitionNumber=1, KVP=120,
        PatientPosition="HFS", SliceThickness=3,
    )  # fmt: skip
    frames = frames_of(tmp_path / "frames", both(study, lambda data, k: setattr(data, "InstanceNumber", k + 1)))
    converted = LegacyConvertedEnhancedCTImage(
        frames, series_instance_uid=uid("B1", "planning"), series_number=2, sop_instance_uid=uid("B1", "enhanced"),
        instance_number=1,
    )  # fmt: skip
    converted.save_as(tmp_path / "ct.dcm")
    refers(("enhanced", 0))(tmp_path)
    scan = read_patient(tmp_path).patients[0].load()
    np.testing.assert_array_equal(scan.ct.values, [hounsfield(k) for k in range(SLICES)])
    assert scan.tumour.voxel_count == 300
    assert scan.ct.geometry.spacing_mm[0] == STEP_MM
    assert scan.acquisition["kernel"] == "B30f"


def test_frame_that_cannot_be_decoded_is_named(tmp_path):
    enhanced(syntax=JPEGLosslessSV1)(tmp_path)
    refers(("enhanced", 0))(tmp_path)
    patient = read_patient(tmp_path).patients[0]
    path = tmp_path / "ct" / "all"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ReadError, match=r"Patient B1: .*ct/all"):
        patient.load()


def test_frames_lost_after_the_index(tmp_path):
    enhanced()(tmp_path)
    refers(("enhanced", 0))(tmp_path)
    patient = read_patient(tmp_path).patients[0]
    write_enhanced(tmp_path / "ct" / "all", frames_of(tmp_path / "frames", slices=range(SLICES - 1)))
    with pytest.raises(ReadError, match="Patient B1: the CT has lost slices"):
        patient.load()


def test_two_contoured_phases_of_one_file_are_two_cts(tmp_path):
    two_in_one(values(TemporalPositionIndex=1), values(TemporalPositionIndex=2))(tmp_path)
    odd_frames(7, 9, 11)(tmp_path)
    images = [("enhanced", n) for n in (8, 10, 12)]
    write_enhanced_rtstruct(tmp_path / "other.dcm", images=images, contours=True)
    with pytest.raises(InputError, match="duplicate patient: there are 2 contoured CTs"):
        read_patient(tmp_path, CohortOptions(several_cts="refuse"))
    found = {f.id: f for f in read_patient(tmp_path).findings["B1"]}
    assert "of the lowest phase of those of one day" in found["several_cts"].text


def test_a_sop_instance_uid_is_not_always_there(tmp_path):
    """Without it nothing can be a copy, and nothing can be named."""

    def nameless(data, _):
        data.SOPInstanceUID = ""

    write_ct(tmp_path / "ct", "B1", edit=nameless)
    write_rtstruct(tmp_path / "rt.dcm", "B1")
    with pytest.raises(InputError, match="RTSTRUCT of another CT: .*refers to none of the slices"):
        read_patient(tmp_path)
