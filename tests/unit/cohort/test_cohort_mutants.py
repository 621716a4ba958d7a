"""Thousands of damaged files: never a crash, and never a geometry, a mask or a value that no file says.

A mutant is refused by name, or it gives the scan of the sound files, but for what its bytes still say explicitly: a
pixel value, a rescale, a vertex of a contour. What they say is read here by other means.
"""

import io
import traceback

import numpy as np
import pytest
from cohort_files import FIRST_MM, PIXEL_MM, SLICES, STEP_MM, TUMOUR, hounsfield, uid, write_ct, write_rtstruct
from matplotlib.path import Path as Polygon
from mutants import MUTATIONS, sound
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from perisurv.cohort import read_patient
from perisurv.core import InputError

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR DS")

NAMES = [*(f"ct/{k:03d}.dcm" for k in range(SLICES)), "rt.dcm"]
TOLERANCE_MM = 0.01 * STEP_MM


def implicit(data, k):
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian


def run_lengths(data, k):
    data.compress(RLELossless, generate_instance_uid=False)


KINDS = {"explicit": None, "implicit": implicit, "compressed": run_lengths}


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory):
    """One patient for each way to write them: folder, scan, sound files."""
    found = {}
    for kind, edit in KINDS.items():
        root = tmp_path_factory.mktemp(kind)
        write_ct(root / "ct", "P1", edit=edit)
        write_rtstruct(root / "rt.dcm", "P1", edit=edit if kind == "implicit" else None)
        scan = read_patient(root).patients[0].load()
        found[kind] = root, scan, {name: sound((root / name).read_bytes()) for name in NAMES}
    return found


def test_some_mutants(hospitals):
    check(hospitals, seed=0, count=300)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_five_thousand_mutants(hospitals, seed):
    check(hospitals, seed, count=500)


def check(hospitals, seed, count):
    rng = np.random.default_rng(seed)
    refused = 0
    for n in range(count):
        kind = list(KINDS)[rng.integers(0, len(KINDS))]
        name = NAMES[rng.integers(0, len(NAMES))] if rng.random() < 0.7 else "rt.dcm"
        root, expected, files = hospitals[kind]
        mutation = MUTATIONS[n % len(MUTATIONS)]
        content = mutation(files[name], rng)
        (root / name).write_bytes(content)
        try:
            refused += judge(root, name, expected, files[name], f"{mutation.__name__} {n} of {kind} {name}")
        finally:
            (root / name).write_bytes(files[name].content)
    assert count / 3 < refused < count


def judge(root, name, expected, file, label):
    """Whether the mutant that lies there is refused; fails if it is accepted with what it does not say."""
    try:
        scan = read_patient(root).patients[0].load()
    except InputError as error:
        return _names_nobody(str(error), label)
    except Exception:  # noqa: BLE001  (whatever it is, which mutant it was must be said)
        pytest.fail(f"{label} crashed:\n{traceback.format_exc()}")
    content = (root / name).read_bytes()
    assert scan.ct.geometry.shape == expected.ct.geometry.shape, label
    assert scan.ct.geometry.is_close(expected.ct.geometry, TOLERANCE_MM), label
    if name == "rt.dcm":
        assert np.array_equal(scan.ct.values, expected.ct.values), label
        if not np.array_equal(scan.tumour.values, expected.tumour.values):
            expected_tumour, outline = drawn(root / name, scan.ct.geometry)
            assert not ((scan.tumour.values != expected_tumour) & ~outline).any(), label
        return False
    assert np.array_equal(scan.tumour.values, expected.tumour.values), label
    k = int(name[3:6])
    assert np.array_equal(np.delete(scan.ct.values, k, 0), np.delete(expected.ct.values, k, 0)), label
    if not np.array_equal(scan.ct.values[k], expected.ct.values[k]):
        assert said(content, file, scan.ct.values[k]), label
    return False


def _names_nobody(message, label):
    assert "Doe" not in message, label
    assert "1950" not in message, label
    return True


def said(content, file, values):
    """Whether these HU are what the pixels and the rescale of a slice say; pixels are the last of its elements."""
    data = dcmread(io.BytesIO(content), force=True)
    slope, intercept = float(data.RescaleSlope), float(data.RescaleIntercept)
    start, end = file.value("PixelData")
    if len(content) == len(file.content) and end - start == 2 * values.size:
        stored = np.frombuffer(content[start:end], "<i2").reshape(values.shape)
    elif content[start:] == file.content[start:]:
        stored = hounsfield(round((float(data.ImagePositionPatient[2]) - FIRST_MM[2]) / STEP_MM)) + 1024
    else:  # damage inside compressed pixels can reach the rest of the slice
        return len(content) == len(file.content) and bool(np.isfinite(values).all())
    return np.array_equal(values, stored.astype(np.float32) * np.float32(slope) + np.float32(intercept))


def drawn(path, geometry):
    """The tumour by another implementation, from the contours that the file holds, which must all be there.

    And the voxels whose centre lies on an outline: which side they are on is a rule of each implementation.
    """
    data = dcmread(path, force=True)
    contours = [
        np.reshape([float(v) for v in c.ContourData], (-1, 3)) for c in data.ROIContourSequence[0].ContourSequence
    ]
    assert len(contours) == len(TUMOUR["GTV-1"])
    beside = raster(contours, geometry, 1e-4) != raster(contours, geometry, -1e-4)
    return raster(contours, geometry), beside


def raster(contours, geometry, radius_mm=0.0):
    centres = geometry.to_mm(np.stack(np.indices(geometry.shape), axis=-1).reshape(-1, 3))
    inside = np.zeros(len(centres), dtype=bool)
    for points in contours:
        level = np.abs(centres[:, 2] - np.median(points[:, 2])) < 0.5 * geometry.spacing_mm[0]
        assert np.ptp(points[:, 2]) < 0.1 * STEP_MM
        inside[level] ^= Polygon(points[:, :2], closed=False).contains_points(centres[level, :2], radius=radius_mm)
    return inside.reshape(geometry.shape)


def shifted(tag, n, by):
    """A change of the n-th number of an element."""

    def change(data):
        values = [float(v) for v in data[tag].value]
        values[n] += by
        data[tag].value = values

    return change


def filled(**values):
    """New values of elements."""

    def change(data):
        for keyword, value in values.items():
            setattr(data, keyword, value)

    return change


# Changes of one slice that contradict the others, or that no CT slice may say.
CONTRADICTIONS = {
    "beside the others": shifted("ImagePositionPatient", 0, 0.4 * PIXEL_MM),
    "below the others": shifted("ImagePositionPatient", 1, 0.1),
    "nearer": shifted("ImagePositionPatient", 2, 0.1),
    "onto a neighbour": shifted("ImagePositionPatient", 2, STEP_MM),
    "far away": shifted("ImagePositionPatient", 2, 1e6),
    "turned": filled(ImageOrientationPatient=[np.cos(0.01), np.sin(0.01), 0, -np.sin(0.01), np.cos(0.01), 0]),
    "mirrored": filled(ImageOrientationPatient=[-1, 0, 0, 0, 1, 0]),
    "columns first": filled(ImageOrientationPatient=[0, 1, 0, 1, 0, 0]),
    "larger pixels": filled(PixelSpacing=[1.01 * PIXEL_MM, PIXEL_MM]),
    "no pixel size": filled(PixelSpacing=[0, PIXEL_MM]),
    "another matrix": filled(Rows=16, Columns=64),
    "fewer rows": filled(Rows=16),
    "another frame": filled(FrameOfReferenceUID=uid("another frame")),
    "another patient": filled(PatientID="P2"),
    "colour": filled(SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0),
    "inverted": filled(PhotometricInterpretation="MONOCHROME1"),
    "bytes": filled(BitsAllocated=8, BitsStored=8, HighBit=7),
    "fewer bits": filled(BitsStored=10, HighBit=9),
    "high bit elsewhere": filled(HighBit=11),
    "no slope": filled(RescaleSlope=0),
    "negative slope": filled(RescaleSlope=-1),
    "infinite slope": filled(RescaleSlope="inf"),
    "slope that is no number": filled(RescaleSlope="nan"),
    "infinite intercept": filled(RescaleIntercept="-inf"),
    "intercept that is no number": filled(RescaleIntercept="nan"),
    "not HU": filled(RescaleType="US"),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
@pytest.mark.parametrize("k", [0, 2, SLICES - 1])
def test_a_slice_that_contradicts_the_others_is_refused(tmp_path, what, k):
    write_ct(tmp_path / "ct", "P1", edit=lambda data, slice_: CONTRADICTIONS[what](data) if slice_ == k else None)
    write_rtstruct(tmp_path / "rt.dcm", "P1")
    with pytest.raises(InputError, match="P1|ct"):
        read_patient(tmp_path).patients[0].load()


@pytest.mark.parametrize("k", range(SLICES))
def test_a_lost_slice_is_refused(tmp_path, k):
    write_ct(tmp_path / "ct", "P1", slices=[n for n in range(SLICES) if n != k])
    write_rtstruct(tmp_path / "rt.dcm", "P1")
    with pytest.raises(InputError):
        read_patient(tmp_path)


@pytest.mark.parametrize("k", [0, 2, SLICES - 1])
def test_a_copied_slice_adds_nothing(tmp_path, k):
    """Refused, or passed over; never a ninth slice."""
    write_ct(tmp_path / "ct", "P1")
    write_rtstruct(tmp_path / "rt.dcm", "P1")
    (tmp_path / "ct" / "copy.dcm").write_bytes((tmp_path / "ct" / f"{k:03d}.dcm").read_bytes())
    try:
        values = read_patient(tmp_path).patients[0].load().ct.values
    except InputError:
        return
    assert np.array_equal(values, [hounsfield(n) for n in range(SLICES)])


EVERYWHERE = {
    "moved": (shifted("ImagePositionPatient", 0, 4.6), (STEP_MM, PIXEL_MM, PIXEL_MM), 4.6),
    "narrower": (filled(PixelSpacing=[PIXEL_MM, 0.9 * PIXEL_MM]), (STEP_MM, PIXEL_MM, 0.9 * PIXEL_MM), 0.0),
}


@pytest.mark.parametrize("what", EVERYWHERE)
def test_what_all_slices_say_is_another_geometry(tmp_path, what):
    """The contours stay where they are in the patient, and the tumour follows them."""
    change, spacing_mm, moved_mm = EVERYWHERE[what]
    write_ct(tmp_path / "ct", "P1", edit=lambda data, k: change(data))
    write_rtstruct(tmp_path / "rt.dcm", "P1")
    scan = read_patient(tmp_path).patients[0].load()
    assert scan.ct.geometry.spacing_mm == pytest.approx(spacing_mm)
    assert scan.ct.geometry.origin_mm == pytest.approx((FIRST_MM[0] + moved_mm, *FIRST_MM[1:]))
    assert np.array_equal(scan.ct.values, [hounsfield(k) for k in range(SLICES)])
    assert np.array_equal(scan.tumour.values, raster(TUMOUR["GTV-1"], scan.ct.geometry))


@pytest.mark.parametrize("n", range(3))
@pytest.mark.parametrize("by", [(0, 0, 1.6), (0, 0, -40.0), (1e4, 0, 0), (0, np.nan, 0)])
def test_a_contour_elsewhere_is_refused(tmp_path, n, by):
    contours = [points + by if m == n else points for m, points in enumerate(TUMOUR["GTV-1"])]
    write_ct(tmp_path / "ct", "P1")
    write_rtstruct(tmp_path / "rt.dcm", "P1", rois={"GTV-1": contours})
    with pytest.raises(InputError):
        read_patient(tmp_path).patients[0].load()
