"""A CT whose values cannot be HU is refused, whatever its header says and whatever file it is; a sound one is not."""

import numpy as np
import pytest
import SimpleITK
from cohort_files import COLUMNS, FIRST_MM, PIXEL_MM, ROWS, SLICES, STEP_MM, row, write_ct, write_rtstruct, write_table

from perisurv.cohort import read_cohort, read_patient
from perisurv.core import InputError


def chest(air=-1000.0, lung=-850.0, noise=12.0):
    """HU (slices, rows, columns): air, a body, a lung with a tumour in rows and columns 10 to 19 of slices 3 to 5."""
    rng = np.random.default_rng(3)
    k, j, i = np.meshgrid(np.arange(SLICES), np.arange(ROWS), np.arange(COLUMNS), indexing="ij")
    hu = np.full(k.shape, air)
    hu[((j - 15.5) / 13) ** 2 + ((i - 15.5) / 15) ** 2 < 1] = 40
    hu[((j - 15.5) / 9) ** 2 + ((i - 15.5) / 11) ** 2 < 1] = lung
    hu[3:6, 10:20, 10:20] = 30
    hu[:, 15:17, 28:30] = 500
    return hu + rng.normal(0, noise, hu.shape)


def circle_of(value, sound):
    """The values beyond the circle that the scanner reconstructs."""
    j, i = np.meshgrid(np.arange(ROWS), np.arange(COLUMNS), indexing="ij")
    return np.where(np.hypot(j - 15.5, i - 15.5) > 15.5, value, sound)


def ground_glass():
    hu = chest()
    hu[3:6, 10:20, 10:20] = np.random.default_rng(1).normal(-650, 60, (3, 10, 10))
    return hu


def metal():
    hu = chest()
    hu[4, 16, 28] = 30000
    return hu


def bones(hu):
    """With denser and denser bone, so that a window ends within it."""
    _, j, i = np.meshgrid(*(np.arange(n) for n in hu.shape), indexing="ij")
    return np.where((j >= 24) & (j < 27) & (i >= 8) & (i < 24), 40.0 + 45 * (i - 8), hu)


def from_slice(k, changed):
    """A CT that changes its rescale at a slice."""
    return np.concatenate([chest()[:k], changed[k:]])


def masked(value):
    """All but the body set to one value."""
    hu = chest()
    return np.where(hu < -950, value, hu)


SOUND = {
    "as a scanner gives it": chest(),
    "air at -850": chest(air=-850.0),
    "air at -1024, cut there": np.maximum(chest(air=-1024.0), -1024.0),
    "padding of -2000": circle_of(-2000.0, chest()),
    "padding of -3024": circle_of(-3024.0, chest()),
    "a circle of zeros": circle_of(0.0, chest()),
    "metal": metal(),
    "ground glass": ground_glass(),
    "emphysema": chest(lung=-960.0),
    "much noise": chest(noise=80.0),
    "bone and contrast": bones(chest()),
    "air and bone cut, tissue whole": np.clip(bones(chest()), -1000, 400),
    "outside of the body -1024": masked(-1024.0),
    "outside of the body -3024": masked(-3024.0),
    "first slice padding alone": np.concatenate([np.full((1, ROWS, COLUMNS), -1024.0), chest()[1:]]),
    "last slice padding alone": np.concatenate([chest()[:-1], np.full((1, ROWS, COLUMNS), -3024.0)]),
}
WRONG = {
    "offset not applied": chest() + 1024,
    "offset not applied, air at zero": np.maximum(chest() + 1024, 0),
    "offset not applied, with padding": circle_of(-2000.0, chest() + 1024),
    "offset taken off twice": chest() - 1024,
    "window of soft tissue": np.clip(chest(), -160, 240),
    "window of bone": np.clip(chest(), -500, 1300),
    "window of soft tissue, with padding": circle_of(-2000.0, np.clip(chest(), -160, 240)),
    "window of soft tissue in a circle, -1024 beyond": circle_of(-1024.0, np.clip(chest(), -160, 240)),
    "window of soft tissue in a circle, two paddings": circle_of(-1024.0, masked(-3024.0).clip(-160, 240)),
    "window of lung": np.clip(bones(chest()), -1350, 150),
    "window of lung, with padding": circle_of(-2000.0, np.clip(bones(chest()), -1250, 250)),
    "window of lung in a circle, -1024 beyond": circle_of(-1024.0, np.clip(bones(chest()), -800, 200)),
    "grey levels of 8 bits": np.clip((chest() + 160) / 400 * 255, 0, 255),
    "grey levels of 8 bits below the offset": np.clip((chest() + 160) / 400 * 255, 0, 255) - 1024,
    "inverted": -chest(),
    "slope of two": 2 * (chest() + 1024) - 1024,
    "slope of one half": 0.5 * (chest() + 1024) - 1024,
    "slope of ten": 10 * (chest() + 1024) - 1024,
    "one value": np.full((SLICES, ROWS, COLUMNS), -1000.0),
}


APART = {
    "offset not applied from the middle on": (from_slice(4, chest() + 1024), 5),
    "offset taken off twice in one slice": (
        np.concatenate([chest()[:2], chest()[2:3] - 1024, chest()[3:]]),
        3,
    ),
    "offset not applied in the last slice": (from_slice(SLICES - 1, chest() + 1024), SLICES),
    "slope of two from the middle on": (from_slice(4, 2 * (chest() + 1024) - 1024), 5),
}


def as_dicom(folder, hu):
    """One patient in DICOM whose rescaled values are these."""
    rows, columns = hu.shape[1:]

    def values(data, k):
        data.Rows, data.Columns = rows, columns
        data.PixelData = (np.rint(hu[k]) + 1024).astype("<i2").tobytes()

    write_ct(folder / "P1" / "ct", "P1", edit=values)
    write_rtstruct(folder / "P1" / "rt.dcm", "P1")


def as_research_file(folder, hu, kind):
    tumour = np.zeros(hu.shape, np.uint8)
    tumour[3:6, hu.shape[1] // 3 : hu.shape[1] // 2, hu.shape[2] // 3 : hu.shape[2] // 2] = 1
    (folder / "P1").mkdir(parents=True)
    for name, values in (("ct", np.rint(hu).astype(np.float32)), ("mask", tumour)):
        image = SimpleITK.GetImageFromArray(values)
        image.SetSpacing((PIXEL_MM, PIXEL_MM, STEP_MM))
        image.SetOrigin(FIRST_MM)
        SimpleITK.WriteImage(image, str(folder / "P1" / f"{name}.{kind}"))


def write_as(kind, folder, hu):
    if kind == "dcm":
        as_dicom(folder, hu)
    else:
        as_research_file(folder, hu, kind)


kinds = pytest.mark.parametrize("kind", ["dcm", "nii.gz", "nrrd", "mha"])


@kinds
@pytest.mark.parametrize("name", SOUND)
def test_a_sound_ct_is_taken(tmp_path, kind, name):
    write_as(kind, tmp_path, SOUND[name])
    cohort = read_patient(tmp_path)
    np.testing.assert_array_equal(cohort["P1"].load().ct.values, np.rint(SOUND[name]).astype(np.float32))


@pytest.mark.parametrize("kind", ["nii.gz", "nrrd"])
def test_a_crop_of_lung_is_taken(tmp_path, kind):
    write_as(kind, tmp_path, chest()[:, 7:25, 6:26])
    assert read_patient(tmp_path).ids == ("P1",)


@kinds
@pytest.mark.parametrize("name", WRONG)
def test_values_that_are_not_hu_are_refused_at_the_index(tmp_path, kind, name):
    write_as(kind, tmp_path, WRONG[name])
    with pytest.raises(InputError, match="not HU: .*P1/ct.* holds values from"):
        read_patient(tmp_path)


@pytest.mark.parametrize("name", APART)
def test_slices_that_are_rescaled_apart_are_refused_as_research_files(tmp_path, name):
    hu, slice_number = APART[name]
    write_as("nii.gz", tmp_path, hu)
    said = f"slice {slice_number} and the one before it .* cannot both be HU|no soft tissue where it lies"
    with pytest.raises(InputError, match=f"not HU: .*P1/ct.nii.gz.*({said})"):
        read_patient(tmp_path)


@pytest.mark.parametrize("name", APART)
def test_slices_that_are_rescaled_apart_are_refused_when_a_dicom_ct_is_loaded(tmp_path, name):
    hu, _ = APART[name]
    write_as("dcm", tmp_path, hu)
    with pytest.raises(InputError, match="not HU"):
        read_patient(tmp_path)["P1"].load()


def test_what_changes_after_the_index_is_refused_when_it_is_loaded(tmp_path):
    write_as("dcm", tmp_path, chest())
    cohort = read_patient(tmp_path)
    as_dicom(tmp_path, WRONG["offset not applied"])
    with pytest.raises(InputError, match="Patient P1: not HU"):
        cohort["P1"].load()


@pytest.mark.parametrize(
    ("tumour_hu", "said"), [(-940.0, "nine tenths of the tumour lie below"), (900.0, "half of the tumour lies above")]
)
def test_a_tumour_of_air_or_bone_is_refused_when_it_is_loaded(tmp_path, tumour_hu, said):
    """As where the contour lies elsewhere than it was drawn."""
    hu = chest()
    hu[3:6, 10:20, 10:20] = tumour_hu
    write_as("dcm", tmp_path, hu)
    with pytest.raises(InputError, match=f"Patient P1: not HU: the CT: {said}"):
        read_patient(tmp_path)["P1"].load()


def test_the_other_patients_go_on(tmp_path):
    for patient, hu in (("P1", chest()), ("P2", WRONG["offset not applied"]), ("P3", chest())):
        write_ct(tmp_path / patient / "ct", patient, edit=lambda data, k, hu=hu: setattr(
            data, "PixelData", (np.rint(hu[k]) + 1024).astype("<i2").tobytes()))  # fmt: skip
        write_rtstruct(tmp_path / patient / "rt.dcm", patient)
    write_table(tmp_path, [row("P1"), row("P2"), row("P3")])
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("P1", "P3")
    (gone,) = cohort.exclusions
    assert (gone.patient, gone.reason[:22]) == ("P2", "not HU: the CT in P2/c")
