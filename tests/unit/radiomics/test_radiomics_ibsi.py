"""Reference values of the IBSI: digital phantom, and CT phantom in configuration C."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from perisurv.core import FeatureTable, Geometry, Mask, Region, RegionSet, Volume
from perisurv.imaging import resample_mask, resample_volume, round_hu
from perisurv.radiomics import ExtractOptions, digital_phantom, extract, feature_catalogue, phantom, self_test
from perisurv.radiomics.catalogue import FAMILIES, names

GOLDEN = Path(__file__).parents[2] / "golden" / "radiomics_ibsi1.csv"
ALL = tuple(FAMILIES)


def reference(dataset: str, aggregation: str) -> dict[str, tuple[float, float]]:
    with GOLDEN.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    return {
        row["feature"]: (float(row["value"]), float(row["tolerance"]))
        for row in rows
        if row["dataset"] == dataset and row["aggregation"] == aggregation
    }


def wrong(got: dict[str, float], expected: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float, float]]:
    """Features outside the tolerance and, where that is 0, other than the three published digits."""
    return {
        name: (got[name], value, tolerance)
        for name, (value, tolerance) in expected.items()
        if not (abs(got[name] - value) <= tolerance or float(f"{got[name]:.3g}") == value)
    }


def single(table: FeatureTable) -> dict[str, float]:
    """Features of a table of one region and one image."""
    return {name.split("__")[-1]: float(value) for name, value in table.frame.iloc[0].items()}


@pytest.mark.parametrize("aggregation", ["merged", "averaged"])
def test_digital_phantom(aggregation) -> None:
    """Through the public path; bins of width 1 from 0.5 on leave the phantom's grey levels as they are."""
    image, mask = digital_phantom()
    options = ExtractOptions(
        resegment_hu=(0.5, 9.5), bin_width_hu=1.0, log_sigmas_mm=(), aggregation=aggregation, families=ALL
    )
    got = single(extract(RegionSet("phantom", image, (Region("tumour", mask),)), options))
    expected = reference("digital_phantom", aggregation)
    assert set(got) == set(expected) == {spec.name for spec in feature_catalogue()}
    assert not wrong(got, expected)


@pytest.mark.parametrize("aggregation", ["merged", "averaged"])
def test_ct_phantom_configuration_c(aggregation, test_data) -> None:
    """2 mm linear, whole HU, -1000..400, bins of 25 HU."""
    regions = configuration_c(test_data / "ibsi1" / "ct_phantom" / "nifti")
    assert abs(regions["tumour"].mask.voxel_count - 45985) <= 100
    options = ExtractOptions(log_sigmas_mm=(), aggregation=aggregation, families=ALL)
    got = single(extract(regions, options))
    expected = reference("config_C", aggregation)
    assert len(expected) == 145
    assert not wrong(got, expected)


def configuration_c(folder: Path) -> RegionSet:
    import SimpleITK

    image = SimpleITK.ReadImage(str(folder / "image.nii.gz"))
    inside = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / "mask.nii.gz"))) > 0
    native = Geometry(inside.shape, tuple(reversed(image.GetSpacing())))
    grid = native.resampled((2.0, 2.0, 2.0))
    ct = Volume(SimpleITK.GetArrayFromImage(image).astype(np.float32), native)
    mask = resample_mask(Mask(inside, native), grid)
    return RegionSet("ct phantom", round_hu(resample_volume(ct, grid, order=1)), (Region("tumour", mask),))


def test_digital_phantom_is_the_published_one(test_data) -> None:
    import SimpleITK

    folder = test_data / "ibsi1" / "digital_phantom"
    image, mask = digital_phantom()
    for got, name in ((image.values, "image"), (mask.values, "mask")):
        published = SimpleITK.ReadImage(str(folder / f"{name}.nii.gz"))
        np.testing.assert_array_equal(got, SimpleITK.GetArrayFromImage(published))
        assert published.GetSpacing() == image.geometry.spacing_mm[::-1]


def test_self_test_holds_every_feature_and_its_golden_value() -> None:
    rows = self_test()
    assert [r.feature for r in rows if not r.ok] == []
    assert {r.feature: (r.expected, r.tolerance) for r in rows} == reference("digital_phantom", "merged")


def test_self_test_notices_a_wrong_installation(monkeypatch) -> None:
    """One voxel of the phantom changed: the self-test must not pass."""
    image, mask = digital_phantom()
    values = image.values.copy()
    values[0, 0, 0] = 2
    monkeypatch.setattr(phantom, "digital_phantom", lambda: (Volume(values, image.geometry), mask))
    bad = {r.feature.split("_")[0] for r in self_test() if not r.ok}
    assert {"stat", "ih", "cm", "rlm", "szm", "ngt", "ngl"} <= bad


def test_catalogue_is_explicit() -> None:
    specs = feature_catalogue()
    assert len({s.name for s in specs}) == len({s.ibsi_code for s in specs}) == len(specs) == 145
    assert all(len(s.ibsi_code) == 4 and s.ibsi_code.isupper() | s.ibsi_code.isdigit() for s in specs)
    assert [n for f in FAMILIES for n in names(f)] == [s.name for s in specs]
    assert [len(names(f)) for f in FAMILIES] == [25, 18, 23, 25, 16, 16, 5, 17]
    with pytest.raises(dataclasses.FrozenInstanceError):
        specs[0].name = "other"
