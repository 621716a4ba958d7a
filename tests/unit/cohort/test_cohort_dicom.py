"""DICOM series to volumes: place, order and HU of every voxel."""

import numpy as np
import pydicom
import pytest
from cohort_files import (
    COLUMNS,
    FIRST_MM,
    PIXEL_MM,
    ROWS,
    SLICES,
    STEP_MM,
    hounsfield,
    write_ct,
    write_patient,
    write_rtstruct,
)
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from perisurv.cohort import read_patient
from perisurv.core import GeometryError, ReadError

VOLUME = np.stack([hounsfield(k) for k in range(SLICES)])


def load(root):
    cohort = read_patient(root)
    assert len(cohort) == 1
    return cohort.patients[0].load()


def test_voxels_have_the_place_and_hu_of_the_headers(tmp_path):
    write_patient(tmp_path, "P1")
    scan = load(tmp_path)
    np.testing.assert_array_equal(scan.ct.values, VOLUME)
    geometry = scan.ct.geometry
    assert geometry.shape == (SLICES, ROWS, COLUMNS)
    assert geometry.spacing_mm == (STEP_MM, PIXEL_MM, PIXEL_MM)
    np.testing.assert_allclose(geometry.to_mm((2, 3, 5)), np.add(FIRST_MM, (5 * PIXEL_MM, 3 * PIXEL_MM, 2 * STEP_MM)))
    assert scan.acquisition == {
        "slice_spacing_mm": 3.0, "pixel_spacing_mm": 2.0, "kernel": "B30f", "scanner": "ACME Scan 1",
    }  # fmt: skip


def test_tumour_is_the_square_that_was_drawn(tmp_path):
    write_patient(tmp_path, "P1")
    expected = np.zeros(VOLUME.shape, dtype=bool)
    expected[3:6, 10:20, 10:20] = True
    np.testing.assert_array_equal(load(tmp_path).tumour.values, expected)


def test_order_comes_from_positions_not_from_names_or_folders(tmp_path):
    for k in range(SLICES):
        write_ct(tmp_path / f"{(5 * k) % SLICES}" / "x", "P1", slices=[k], name="IM{k}-no-suffix")
    write_rtstruct(tmp_path / "deep" / "down" / "0", "P1")
    np.testing.assert_array_equal(load(tmp_path).ct.values, VOLUME)


def test_feet_first_series_is_the_same_anatomy(tmp_path):
    """Rows and columns point the other way, so does the normal twice: slices still ascend along it."""

    def turn(data, k):
        data.ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
        data.ImagePositionPatient[0] = FIRST_MM[0] + PIXEL_MM * (COLUMNS - 1)
        data.PixelData = (hounsfield(k)[:, ::-1] + 1024).astype("<i2").tobytes()

    write_ct(tmp_path / "ct", "P1", edit=turn)
    write_rtstruct(tmp_path / "rt", "P1")
    scan = load(tmp_path)
    np.testing.assert_array_equal(scan.ct.values, VOLUME[::-1, :, ::-1])
    np.testing.assert_allclose(scan.ct.geometry.to_mm((SLICES - 1, 0, COLUMNS - 1)), FIRST_MM)
    assert scan.tumour.values[SLICES - 1 - 4, 10:20, COLUMNS - 20 : COLUMNS - 10].all()
    assert scan.tumour.voxel_count == 300


@pytest.mark.usefixtures("any_values")
def test_every_slice_has_its_own_rescale(tmp_path):
    def rescale(data, k):
        data.RescaleSlope, data.RescaleIntercept = 0.5 * (k + 1), -1000 + k
        data.PixelData = np.full((ROWS, COLUMNS), 10, dtype="<i2").tobytes()

    write_ct(tmp_path / "ct", "P1", edit=rescale)
    write_rtstruct(tmp_path / "rt", "P1")
    values = load(tmp_path).ct.values
    np.testing.assert_array_equal(values[:, 0, 0], [-1000 + k + 5 * (k + 1) for k in range(SLICES)])


@pytest.mark.parametrize(("padding", "expected"), [(-2000, -1000.0), (63536, -1000.0), (1024, 0.0)])
def test_padding_becomes_air_unless_it_would_blank_out_tissue(tmp_path, padding, expected):
    stored = padding - 65536 if padding > 32767 else padding

    def pad(data, k):
        pixels = (hounsfield(k) + 1024).astype("<i2")
        pixels[0, 0] = stored
        data.PixelData = pixels.tobytes()
        data.add_new("PixelPaddingValue", "US" if padding > 32767 else "SS", padding)

    write_ct(tmp_path / "ct", "P1", edit=pad)
    write_rtstruct(tmp_path / "rt", "P1")
    values = load(tmp_path).ct.values
    assert (values[:, 0, 0] == expected).all()
    np.testing.assert_array_equal(values[:, 1:], VOLUME[:, 1:])


def test_padding_range_becomes_air(tmp_path):
    def pad(data, k):
        pixels = (hounsfield(k) + 1024).astype("<i2")
        pixels[0, :3] = (-3000, -2500, -2000)
        data.PixelData = pixels.tobytes()
        data.add_new("PixelPaddingValue", "SS", -2000)
        data.add_new("PixelPaddingRangeLimit", "SS", -3000)

    write_ct(tmp_path / "ct", "P1", edit=pad)
    write_rtstruct(tmp_path / "rt", "P1")
    values = load(tmp_path).ct.values
    assert (values[:, 0, :3] == -1000).all()
    assert (values[:, 0, 3:] == VOLUME[:, 0, 3:]).all()


def test_compressed_slices(tmp_path):
    write_patient(tmp_path, "P1")
    for path in (tmp_path / "P1" / "ct").iterdir():
        data = pydicom.dcmread(path)
        data.compress(RLELossless, generate_instance_uid=False)
        data.save_as(path)
    np.testing.assert_array_equal(load(tmp_path).ct.values, VOLUME)


def test_jpeg_2000_slices_need_no_plugin_of_pydicom(tmp_path):
    import SimpleITK

    def compress(data, k):
        stored = (hounsfield(k) + 1024).astype(np.int16)[None]
        file = tmp_path / "compressed.tmp.dcm"
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(stored), str(file), useCompression=True)
        jpeg = pydicom.dcmread(file)
        file.unlink()
        assert jpeg.file_meta.TransferSyntaxUID == JPEG2000Lossless
        data.file_meta.TransferSyntaxUID = JPEG2000Lossless
        data.PixelData = jpeg.PixelData
        data["PixelData"].is_undefined_length = True

    write_ct(tmp_path / "P1" / "ct", "P1", edit=compress)
    write_rtstruct(tmp_path / "P1" / "rt.dcm", "P1")
    np.testing.assert_array_equal(load(tmp_path).ct.values, VOLUME)


@pytest.mark.parametrize("name", ["MR_small_jpeg_ls_lossless", "MR_small_jp2klossless", "MR_small_RLE"])
def test_one_image_as_others_compressed_it(tmp_path, name):
    """Pixels of the files that come with pydicom, in the header of a CT."""
    plain, coded = (pydicom.dcmread(get_testdata_file(f"{n}.dcm", download=False)) for n in ("MR_small", name))

    def take(data, k):
        for tag in ("Rows", "Columns", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"):
            data[tag] = coded[tag]
        data.file_meta.TransferSyntaxUID = coded.file_meta.TransferSyntaxUID

    write_ct(tmp_path / "ct", "P1", edit=take)
    write_rtstruct(tmp_path / "rt.dcm", "P1")
    np.testing.assert_array_equal(load(tmp_path).ct.values, [plain.pixel_array - 1024] * SLICES)


@pytest.mark.parametrize("implicit", [True, False])
def test_file_without_preamble_and_meta_information(tmp_path, implicit):
    write_patient(tmp_path, "P1")
    for path in (tmp_path / "P1").rglob("*.dcm"):
        data = pydicom.dcmread(path)
        del data.file_meta
        data.preamble = None
        data.save_as(path, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
        assert path.read_bytes()[128:132] != b"DICM"
    np.testing.assert_array_equal(load(tmp_path).ct.values, VOLUME)


def test_slice_that_vanished_after_the_index_is_named(tmp_path):
    write_patient(tmp_path, "P1")
    patient = read_patient(tmp_path).patients[0]
    (tmp_path / "P1" / "ct" / "004.dcm").unlink()
    with pytest.raises(ReadError, match=r"Patient P1.*P1/ct/004\.dcm"):
        patient.load()


def test_pixels_that_cannot_be_decoded_are_named(tmp_path):
    write_patient(tmp_path, "P1")
    path = tmp_path / "P1" / "ct" / "004.dcm"
    data = pydicom.dcmread(path)
    data.compress(RLELossless, generate_instance_uid=False)
    data.save_as(path)
    path.write_bytes(path.read_bytes()[:-600])
    patient = read_patient(tmp_path).patients[0]
    with pytest.raises(ReadError, match=r"Patient P1.*P1/ct/004\.dcm"):
        patient.load()


def test_contour_that_moved_off_the_slices_after_the_index(tmp_path):
    write_patient(tmp_path, "P1")
    patient = read_patient(tmp_path).patients[0]

    def move(data, _):
        for contour in data.ROIContourSequence[0].ContourSequence:
            contour.ContourData = [v + (1.2 if n % 3 == 2 else 0) for n, v in enumerate(contour.ContourData)]

    write_rtstruct(tmp_path / "P1" / "rt.dcm", "P1", edit=move)
    with pytest.raises(GeometryError, match=r"Patient P1.*rt\.dcm.*lie between the slices"):
        patient.load()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("length", [32_000, 33_000, 100_000])
def test_headers_of_any_length(tmp_path, syntax, length):
    """Long private elements before and after the position: headers end in, at and beyond the block that is read."""

    def lengthen(data, k):
        data.add_new(0x00090010, "LO", "ACME")
        data.add_new(0x00091001, "OB", bytes(length // 2))
        data.add_new(0x00211001, "OB", bytes(length // 2 - length // 2 % 2 - 40 * k))
        data.file_meta.TransferSyntaxUID = syntax

    write_ct(tmp_path / "ct", "P1", edit=lengthen)
    write_rtstruct(tmp_path / "rt.dcm", "P1")
    np.testing.assert_array_equal(load(tmp_path).ct.values, VOLUME)
