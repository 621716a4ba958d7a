"""All reference values of the IBSI: digital phantom, and the CT phantom in its configurations A to E."""

import dataclasses
import importlib
import importlib.util
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from perisurv.core import FeatureError, Mask, Volume
from perisurv.radiomics import CONFIGURATIONS, digital_phantom, feature_catalogue, phantom, self_test
from perisurv.radiomics.catalogue import FAMILIES, names

# Values with a consensus in the tables of the IBSI.
EXPECTED = {"digital_phantom": 482, "A": 346, "B": 346, "C": 210, "D": 210, "E": 210}


def read(path):
    import SimpleITK

    from perisurv.core import Geometry

    image = SimpleITK.ReadImage(str(path))
    values = SimpleITK.GetArrayFromImage(image)
    return values, Geometry(values.shape, tuple(reversed(image.GetSpacing())))


def wrong(rows):
    return [(row.tag, row.got, row.expected, row.tolerance) for row in rows if not row.ok]


def test_the_reference_is_whole() -> None:
    assert sum(EXPECTED.values()) == 1804
    assert {name: len(phantom.reference_values(name)) for name in CONFIGURATIONS} == EXPECTED


def test_digital_phantom_in_all_aggregations() -> None:
    rows = self_test()
    assert len(rows) == 482
    assert not wrong(rows)
    # One fraction of the intensity-volume histogram has no consensus here.
    whole = {"morph": 25, "loc": 2, "stat": 18, "ih": 23, "ivh": 6}
    textures = {"cm": 150, "rlm": 96, "szm": 48, "dzm": 48, "ngt": 15, "ngl": 51}
    assert Counter(row.tag.split("_")[0] for row in rows) == whole | textures


@pytest.mark.parametrize("configuration", ["A", "B", "C", "D", "E"])
def test_ct_phantom(configuration, test_data) -> None:
    folder = test_data / "ibsi1" / "ct_phantom" / "nifti"
    values, geometry = read(folder / "image.nii.gz")
    inside, _ = read(folder / "mask.nii.gz")
    rows = self_test(configuration, Volume(values.astype(np.float32), geometry), Mask(inside > 0, geometry))
    assert len(rows) == EXPECTED[configuration]
    assert not wrong(rows)


def test_a_configuration_of_the_ct_phantom_needs_its_image() -> None:
    with pytest.raises(FeatureError, match="Configuration C needs image and mask"):
        self_test("C")


def test_digital_phantom_is_the_published_one(test_data) -> None:
    folder = test_data / "ibsi1" / "digital_phantom"
    image, mask = digital_phantom()
    for got, name in ((image.values, "image"), (mask.values, "mask")):
        published, geometry = read(folder / f"{name}.nii.gz")
        np.testing.assert_array_equal(got, published)
        assert geometry.spacing_mm == image.geometry.spacing_mm


def test_self_test_notices_a_wrong_installation(monkeypatch) -> None:
    """One voxel of the phantom changed: no family may pass."""
    image, mask = digital_phantom()
    values = image.values.copy()
    values[0, 0, 0] = 2
    monkeypatch.setattr(phantom, "digital_phantom", lambda: (Volume(values, image.geometry), mask))
    bad = {row.tag.split("_")[0] for row in self_test() if not row.ok}
    assert bad >= set(FAMILIES) - {"loc"}


def test_catalogue_is_explicit() -> None:
    specs = feature_catalogue()
    assert len({s.name for s in specs}) == len(specs) == 170
    # Two fractions of the intensity-volume histogram share the code of their feature.
    assert len({s.ibsi_code for s in specs}) == 168
    assert all(len(s.ibsi_code) == 4 and s.ibsi_code.isupper() | s.ibsi_code.isdigit() for s in specs)
    assert [n for f in FAMILIES for n in names(f)] == [s.name for s in specs]
    assert [len(names(f)) for f in FAMILIES] == [25, 2, 18, 23, 7, 25, 16, 16, 16, 5, 17]
    with pytest.raises(dataclasses.FrozenInstanceError):
        specs[0].name = "other"


def test_every_feature_says_who_computes_it_and_where_its_formula_stands() -> None:
    for spec in feature_catalogue():
        module, function = spec.function.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), function)), spec.name
        assert spec.reference.startswith("IBSI 3.")
        assert spec.ibsi_code in spec.reference


def test_the_page_of_features_is_the_catalogue() -> None:
    """docs/reference/features.md is what `make reference` writes today."""
    script = Path(__file__).parents[3] / "docs" / "make_reference.py"
    spec = importlib.util.spec_from_file_location("make_reference", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run make reference"
