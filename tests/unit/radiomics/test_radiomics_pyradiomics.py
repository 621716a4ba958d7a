"""The preset pyradiomics against pyradiomics 3.0.1 itself: values made by tests/golden/radiomics_pyradiomics.py."""

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from perisurv.cohort import read_patient
from perisurv.cohort.volumes import read_volume
from perisurv.core import Geometry, Mask, Region, RegionSet, Scan, SettingsError, Volume
from perisurv.radiomics import extract, preset, published_signature
from perisurv.regions import rings
from perisurv.regions.options import RingOptions

GOLDEN = Path(__file__).parents[2] / "golden"
REFERENCE = json.loads((GOLDEN / "radiomics_pyradiomics.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-4
# Grey levels are of float32 images here: a voxel at the edge of a bin may fall on the other side of it.
KNOWN = {("phantom/ring_3mm", "wavelet-LLL", "glszm_SizeZoneNonUniformity"): 1.3e-4}


def random_regions():
    spec = importlib.util.spec_from_file_location("random_regions", GOLDEN / "random_regions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.random_regions()


REGIONS = {region.name: region for region in random_regions()}


def sha256(image, mask):
    return hashlib.sha256(image.astype("<i2").tobytes() + mask.astype(np.uint8).tobytes()).hexdigest()[:16]


def values(regions, options):
    """(image, feature) -> value."""
    row = extract(regions, options).frame.iloc[0]
    parts = (name.split("__") for name in row.index)
    return {("original" if p[1] == "morph" else p[1], p[2]): v for p, v in zip(parts, row, strict=True)}


def differing(name, got, reference, features):
    """Values further than the tolerance from those of pyradiomics."""
    bad = {}
    for image, numbers in reference.items():
        for feature, expected in zip(features["original" if image == "original" else "filtered"], numbers, strict=True):
            bound = KNOWN.get((name, image, feature), TOLERANCE) * abs(expected) + 1e-9
            if not abs(got[image, feature] - expected) <= bound:
                bad[image, feature] = got[image, feature], expected
    return bad


@pytest.mark.parametrize("name", REGIONS)
def test_random_region(name) -> None:
    region = REGIONS[name]
    reference = dict(REFERENCE["random_regions"]["values"][name])
    assert sha256(region.image, region.mask) == reference.pop("sha256")
    grid = Geometry(region.image.shape, region.spacing_mm)
    mask = Mask(region.mask.astype(bool), grid)
    regions = RegionSet(name, Volume(region.image, grid), (Region("tumour", mask),))
    got = values(regions, preset("pyradiomics", filters=()))
    features = REFERENCE["random_regions"]["features"]
    assert {feature for _, feature in got} == set(features["original"])
    assert not differing(name, got, reference, features)


@pytest.mark.parametrize("name", list(REFERENCE["patients"]["values"]))
def test_patient(name, test_data) -> None:
    """Original, LoG of 1 and 3 mm and eight wavelet images of a tumour and a ring."""
    patient, region = name.split("/")
    regions = rings(phantom(test_data) if patient == "phantom" else lung1(test_data), RingOptions(barrier="none"))
    reference = dict(REFERENCE["patients"]["values"][name])
    assert sha256(regions.image.values, regions[region].mask.values) == reference.pop("sha256")
    filters = (
        *({"kind": "log_recursive", "sigma_mm": sigma} for sigma in (1.0, 3.0)),
        {"kind": "wavelets_stationary", "wavelet": "coif1"},
    )
    got = values(RegionSet(patient, regions.image, (regions[region],)), preset("pyradiomics", filters=filters))
    assert sum(len(numbers) for numbers in reference.values()) == len(got) == 1051
    assert not differing(name, got, reference, REFERENCE["patients"]["features"])


def test_the_signature_of_aerts_2014(test_data) -> None:
    table = extract(rings(lung1(test_data), RingOptions(barrier="none")), preset("pyradiomics"))
    columns = published_signature("aerts2014")
    assert len(columns) == 4
    row = table.select(columns).frame.iloc[0]
    reference = REFERENCE["patients"]["values"]["lung1/tumour"]
    features = REFERENCE["patients"]["features"]
    for column, value in row.items():
        _, image, feature = column.split("__")
        image = "original" if image == "morph" else image
        names = features["original" if image == "original" else "filtered"]
        assert value == pytest.approx(reference[image][names.index(feature)], rel=TOLERANCE)
    with pytest.raises(SettingsError, match="no published signature 'aerts2015'; there is aerts2014"):
        published_signature("aerts2015")


def test_undefined_features_keep_their_reason() -> None:
    """One voxel, and two that do not touch."""
    grid = Geometry((6, 6, 6), (1.0, 1.0, 1.0))
    image = Volume(np.arange(216, dtype=np.float32).reshape(6, 6, 6), grid)
    for places, count in (((1,), 1), ((1, 4), 2)):
        inside = np.zeros((6, 6, 6), bool)
        for n in places:
            inside[n, n, n] = True
        regions = RegionSet("p", image, (Region("tumour", Mask(inside, grid)),))
        table = extract(regions, preset("pyradiomics", filters=()))
        undefined = table.undefined["p"]
        assert set(undefined) == set(table.frame.columns[table.frame.iloc[0].isna()])
        assert all(undefined.values())
        if count == 2:
            assert {name.split("__")[-1].split("_")[0] for name in undefined} <= {"glcm", "ngtdm", "firstorder"}


def phantom(test_data):
    folder = test_data / "ibsi1" / "ct_phantom" / "nifti"
    image, grid = read_volume(folder / "image.nii.gz", "image")
    inside, _ = read_volume(folder / "mask.nii.gz", "mask")
    return Scan("phantom", Volume(image, grid), Mask(inside > 0, grid))


def lung1(test_data):
    (patient,) = read_patient(test_data / "lung1_001")
    return patient.load()
