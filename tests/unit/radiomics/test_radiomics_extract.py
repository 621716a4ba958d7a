import sys

import numpy as np
import pytest

from perisurv.core import (
    FeatureError,
    Geometry,
    GeometryError,
    Mask,
    Region,
    RegionError,
    RegionSet,
    SettingsError,
    Volume,
)
from perisurv.radiomics import ExtractOptions, extract, extract_region, feature_catalogue

# The package exports the function under the name of its module.
extract_module = sys.modules["perisurv.radiomics.extract"]
GRID = Geometry((28, 30, 32), (1.0, 1.0, 1.0), (12.5, -80.0, 40.0))
SMALL = ExtractOptions(log_sigmas_mm=(2.0,))


def distance(centre=(14, 15, 16)):
    return np.sqrt(((np.indices(GRID.shape).T - centre) ** 2).sum(-1)).T


def ct(seed=0):
    rng = np.random.default_rng(seed)
    lung_to_tumour = -850 + 880 / (1 + np.exp(distance() - 6))
    return Volume(np.rint(lung_to_tumour + rng.normal(0, 25, GRID.shape)).astype(np.float32), GRID)


def regions(image=None, **masks):
    r = distance()
    masks = masks or {"tumour": r <= 6, "ring_3mm": (r > 6) & (r <= 9)}
    return RegionSet("P7", image or ct(), tuple(Region(n, Mask(m, GRID)) for n, m in masks.items()))


def test_columns_and_their_order() -> None:
    table = extract(regions(), SMALL)
    default = [s.name for s in feature_catalogue() if s.family != "ih"]
    textures = [name for name in default if not name.startswith("morph")]
    expected = [f"tumour__morph__{name}" for name in default if name.startswith("morph")]
    expected += ["ring_3mm__morph__morph_vol_approx"]
    for image in ("original", "log_2mm"):
        for region in ("tumour", "ring_3mm"):
            expected += [f"{region}__{image}__{name}" for name in textures]
    assert list(table.names) == expected
    assert table.patients == ("P7",)
    assert np.isfinite(table.frame.to_numpy()).all()


def test_same_input_same_bytes() -> None:
    assert extract(regions(), SMALL).frame.to_numpy().tobytes() == extract(regions(), SMALL).frame.to_numpy().tobytes()


def test_a_region_does_not_depend_on_the_others() -> None:
    both = extract(regions(), SMALL)
    r = distance()
    alone = extract(regions(tumour=r <= 6), SMALL)
    np.testing.assert_array_equal(both.select(alone.names).frame, alone.frame)


def test_one_filtered_image_for_all_regions(monkeypatch) -> None:
    calls = []
    original = extract_module.laplacian_of_gaussian
    monkeypatch.setattr(
        extract_module, "laplacian_of_gaussian", lambda v, s: calls.append((v.values.shape, s)) or original(v, s)
    )
    extract(regions(), ExtractOptions(log_sigmas_mm=(1.0, 2.5), families=("stat",)))
    assert calls == [(GRID.shape, 1.0), (GRID.shape, 2.5)]


def test_resegmentation_is_by_hu_in_filtered_images_too_and_not_in_morphology() -> None:
    """A metal clip in the tumour: out of every intensity, still in the shape."""
    image = ct()
    r = distance()
    clip = r <= 1.5
    values = image.values.copy()
    values[clip] = 3000
    with_clip = Volume(values, GRID)
    whole = extract(regions(with_clip, tumour=r <= 6), SMALL).frame.iloc[0]
    cut = extract(regions(with_clip, tumour=(r <= 6) & ~clip), SMALL).frame.iloc[0]
    for name in whole.index:
        if "__morph__" not in name:
            assert whole[name] == cut[name], name
    assert whole["tumour__original__stat_max"] <= 400
    assert whole["tumour__morph__morph_vol_approx"] == (r <= 6).sum()
    mean = whole["tumour__morph__morph_integ_int"] / whole["tumour__morph__morph_volume"]
    assert mean == pytest.approx(whole["tumour__original__stat_mean"])
    assert np.isfinite(whole["tumour__log_2mm__stat_mean"])


def test_nothing_in_range_is_undefined_and_keeps_its_shape() -> None:
    r = distance()
    values = ct().values.copy()
    values[(r > 6) & (r <= 9)] = 900
    values[14, 15, 24] = 20
    row = extract(regions(Volume(values, GRID)), SMALL).frame.iloc[0]
    ring = row[[n for n in row.index if n.startswith("ring_3mm")]]
    assert ring.isna().sum() == len(ring) - 1
    assert ring["ring_3mm__morph__morph_vol_approx"] > 0
    assert row[[n for n in row.index if n.startswith("tumour")]].notna().all()


def test_discretisation_is_by_size_for_hu_and_by_number_for_filtered_images() -> None:
    mask = Mask(distance() <= 6, GRID)
    image = ct()
    options = ExtractOptions(families=("ih",))
    hu = extract_region(image, mask, options)
    inside = image.values[mask.values]
    assert hu["ih_min"] == (inside.min() + 1000) // 25 + 1
    assert hu["ih_max"] == (inside.max() + 1000) // 25 + 1
    filtered = extract_region(image, mask, options, filtered=True)
    assert (filtered["ih_min"], filtered["ih_max"]) == (1, 32)
    numbered = extract_region(image, mask, ExtractOptions(families=("ih",), ct_bins=16))
    assert (numbered["ih_min"], numbered["ih_max"]) == (1, 16)


def test_rings_get_their_shape_on_request() -> None:
    row = extract(regions(), ExtractOptions(families=("morph",), ring_morphology=True)).frame.iloc[0]
    assert len(row) == 50
    assert np.isfinite(row).all()
    # Inner and outer surface.
    assert row["ring_3mm__morph__morph_area_mesh"] > row["tumour__morph__morph_area_mesh"]


def test_families_in_any_order_keep_the_order_of_the_catalogue() -> None:
    table = extract(regions(), ExtractOptions(log_sigmas_mm=(), families=("ngt", "ih", "stat")))
    order = {s.name: n for n, s in enumerate(feature_catalogue())}
    place = [order[name.split("__")[-1]] for name in table.names if name.startswith("tumour")]
    assert place == sorted(place)
    assert len(place) == 46


def test_a_number_that_is_no_number_is_an_error_with_its_place(monkeypatch) -> None:
    """Neither infinity nor a NaN that the catalogue does not know may reach a table."""
    for value in (np.inf, np.nan):
        monkeypatch.setattr(extract_module, "statistics", lambda values, v=value: (v,) + (0.0,) * 17)
        with pytest.raises(FeatureError, match=r"P7: stat_mean of region tumour \(original\) came out as (inf|nan)"):
            extract(regions(), SMALL)


def test_mask_of_another_grid_is_refused() -> None:
    moved = Geometry(GRID.shape, GRID.spacing_mm, (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="do not share one grid"):
        extract_region(ct(), Mask(distance() <= 6, moved))


def test_impossible_regions_are_refused_before() -> None:
    with pytest.raises(GeometryError, match="boolean"):
        Mask((distance() <= 6).astype(np.uint8), GRID)
    with pytest.raises(RegionError, match="ring_3mm is empty"):
        regions(tumour=distance() <= 6, ring_3mm=distance() < 0)


def test_hu_below_the_first_bin_is_refused() -> None:
    with pytest.raises(FeatureError, match="starts at -500"):
        extract_region(ct(), Mask(distance() <= 9, GRID), ExtractOptions(resegment_hu=(-500.0, 400.0)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resegment_hu": (400.0, -1000.0)}, "resegment_hu"),
        ({"bin_width_hu": 0.0}, "bin_width_hu"),
        ({"bin_width_hu": float("nan")}, "bin_width_hu"),
        ({"bin_width_hu": 0.5}, "2000 bins"),
        ({"log_sigmas_mm": (1.0, -2.0)}, "log_sigmas_mm"),
        ({"log_sigmas_mm": (1.0, 1.00000001)}, "log_sigmas_mm"),
        ({"filtered_bins": 1}, "filtered_bins"),
        ({"ct_bins": 1}, "ct_bins"),
        ({"families": ("stat", "glcm")}, "families must be some of morph, stat"),
        ({"families": ()}, "families"),
        ({"aggregation": "mean"}, "merged, averaged"),
    ],
)
def test_settings_that_mean_nothing_are_refused(options, message) -> None:
    with pytest.raises(SettingsError, match=message):
        ExtractOptions(**options)
