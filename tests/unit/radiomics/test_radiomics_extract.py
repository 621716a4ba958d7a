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
from perisurv.imaging.filters import LaplacianOfGaussian
from perisurv.radiomics import ExtractOptions, extract, feature_catalogue, preset, preset_names

GRID = Geometry((28, 30, 32), (1.0, 1.0, 1.0), (12.5, -80.0, 40.0))
LOG_2MM = {"kind": "log", "sigma_mm": 2.0}
SMALL = preset("fast", filters=(LOG_2MM,))


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
    default = [s.name for s in feature_catalogue() if s.family in SMALL.families]
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
    # Filtered images are made on the box of all regions: their last digit may differ.
    np.testing.assert_allclose(both.select(alone.names).frame, alone.frame, rtol=1e-6)


def test_one_filtered_image_for_all_regions(monkeypatch) -> None:
    calls = []
    original = LaplacianOfGaussian.responses
    monkeypatch.setattr(
        LaplacianOfGaussian, "responses", lambda self, *args: calls.append(self.sigma_mm) or original(self, *args)
    )
    extract(regions(), preset("fast", filters=({"kind": "log", "sigma_mm": 1.0}, LOG_2MM), families=("stat",)))
    assert calls == [1.0, 2.0]


def test_filters_see_beyond_the_box_of_the_regions() -> None:
    """A bright wall behind the region changes its filtered image, not its own intensities."""
    r = distance()
    values = ct().values.copy()
    values[:, :, 25:] = 300
    walled, plain = (
        extract(regions(image, tumour=r <= 6), SMALL).frame.iloc[0] for image in (Volume(values, GRID), ct())
    )
    assert walled["tumour__original__stat_mean"] == plain["tumour__original__stat_mean"]
    assert walled["tumour__log_2mm__stat_mean"] != plain["tumour__log_2mm__stat_mean"]
    # The same numbers come out of the whole image, filtered at once.
    response = dict(LaplacianOfGaussian(2.0).responses(ct()))["log_2mm"].values[r <= 6]
    assert plain["tumour__log_2mm__stat_mean"] == pytest.approx(response.mean(dtype=float), rel=1e-4)


@pytest.mark.parametrize("name", ["fast", "ibsi"])
def test_threads_change_no_bit(name) -> None:
    one, three = (extract(regions(), preset(name), threads=n).frame for n in (1, 3))
    assert list(one.columns) == list(three.columns)
    assert one.to_numpy().tobytes() == three.to_numpy().tobytes()


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
    table = extract(regions(Volume(values, GRID)), SMALL)
    row = table.frame.iloc[0]
    ring = row[[n for n in row.index if n.startswith("ring_3mm")]]
    assert ring.isna().sum() == len(ring) - 1
    assert ring["ring_3mm__morph__morph_vol_approx"] > 0
    assert row[[n for n in row.index if n.startswith("tumour")]].notna().all()
    reasons = table.undefined["P7"]
    assert set(reasons) == set(ring.index[ring.isna()])
    assert set(reasons.values()) == {"fewer than two voxels lie in the re-segmentation range"}


def test_a_missing_value_has_its_own_reason() -> None:
    """A constant region, and one voxel apart from the others: each feature says why it has no value."""
    options = ExtractOptions(filters=())
    flat = Volume(np.full(GRID.shape, 40.0, np.float32), GRID)
    table = extract(regions(flat, tumour=distance() <= 6), options)
    reasons = {name.split("__")[-1]: why for name, why in table.undefined["P7"].items()}
    assert reasons == {
        "morph_moran_i": "all intensities are equal",
        "morph_geary_c": "all intensities are equal",
        "cm_corr": "all neighbours have one level, or there are none",
        "cm_info_corr1": "all neighbours have one level, or there are none",
    }
    two = np.zeros(GRID.shape, bool)
    two[3, 3, 3] = two[20, 20, 20] = True
    reasons = extract(regions(ct(), tumour=two), options).undefined["P7"]
    assert {why for name, why in reasons.items() if "__cm_" in name} == {
        "no two voxels of the region are neighbours",
        "all neighbours have one level, or there are none",
    }
    one = np.zeros(GRID.shape, bool)
    one[14, 15, 16] = True
    table = extract(regions(ct(), tumour=one), options)
    undefined = set(table.undefined["P7"])
    assert table.frame.iloc[0][list(undefined)].isna().all()
    assert np.isfinite(table.frame.iloc[0].drop(list(undefined))).all()
    assert table.undefined["P7"]["tumour__morph__morph_pca_flatness"] == "the region is one voxel"


def test_reasons_go_with_their_rows_and_columns() -> None:
    flat = extract(regions(Volume(np.full(GRID.shape, 40.0, np.float32), GRID)), SMALL)
    kept = flat.starting_with("ring_3mm")
    assert kept.undefined["P7"]
    assert all(name.startswith("ring_3mm") for name in kept.undefined["P7"])
    assert flat.select(["tumour__original__stat_mean"]).undefined == {}
    assert type(flat).stack([flat]).take(["P7"]).undefined == flat.undefined


def test_discretisation_is_by_size_for_hu_and_by_number_for_filtered_images() -> None:
    inside = distance() <= 6
    image = ct()

    def levels(**options):
        table = extract(regions(image, tumour=inside), ExtractOptions(families=("ih",), filters=(LOG_2MM,), **options))
        row = table.frame.iloc[0]
        return [(row[f"tumour__{name}__ih_min"], row[f"tumour__{name}__ih_max"]) for name in ("original", "log_2mm")]

    hu = image.values[inside]
    response = dict(LaplacianOfGaussian(2.0).responses(image))["log_2mm"].values[inside]
    assert levels() == [((hu.min() + 1000) // 25 + 1, (hu.max() + 1000) // 25 + 1), (1, 32)]
    assert levels(ct_bins=16)[0] == (1, 16)
    wide = levels(filtered_bins=0, filtered_bin_width=5.0)[1]
    assert wide == (1, np.ptp(response) // 5 + 1)
    multiple = levels(filtered_bins=0, filtered_bin_width=5.0, bin_origin="multiple")
    assert multiple[1] == (1, response.max() // 5 - response.min() // 5 + 1)
    assert multiple[0] == (1, hu.max() // 25 - hu.min() // 25 + 1)


def test_the_intensity_volume_histogram_of_a_filtered_image_has_bins_of_its_own() -> None:
    """Its units are arbitrary: ten times the response gives the same curve."""
    inside = distance() <= 6
    rows = []
    for scale in (1.0, 10.0):
        image = Volume(ct().values / np.float32(scale), GRID)
        options = ExtractOptions(families=("ivh",), filters=(LOG_2MM,), resegment_hu=(-np.inf, np.inf))
        rows.append(extract(regions(image, tumour=inside), options).frame.iloc[0].filter(like="log_2mm"))
    np.testing.assert_allclose(*rows, rtol=0.01)
    assert 1 <= rows[0]["tumour__log_2mm__ivh_i90"] < rows[0]["tumour__log_2mm__ivh_i10"] <= 1000


def test_outliers_are_left_out_of_intensities() -> None:
    """Three standard deviations around the mean of what lies in the range."""
    inside = distance() <= 6
    values = ct().values.copy()
    values[14, 15, 16] = 390
    hu = values[inside].astype(float)
    kept = hu[np.abs(hu - hu.mean()) <= 3 * hu.std()]
    options = ExtractOptions(families=("stat",), filters=(), outlier_sigma=3.0)
    row = extract(regions(Volume(values, GRID), tumour=inside), options).frame.iloc[0]
    assert 390 not in kept
    assert row["tumour__original__stat_mean"] == pytest.approx(kept.mean(), rel=1e-9)
    assert row["tumour__original__stat_max"] == kept.max()


def test_rings_get_their_shape_on_request() -> None:
    row = extract(regions(), ExtractOptions(families=("morph",), ring_morphology=True, filters=())).frame.iloc[0]
    assert len(row) == 50
    assert np.isfinite(row).all()
    # Inner and outer surface.
    assert row["ring_3mm__morph__morph_area_mesh"] > row["tumour__morph__morph_area_mesh"]


def test_families_in_any_order_keep_the_order_of_the_catalogue() -> None:
    table = extract(regions(), ExtractOptions(filters=(), families=("ngt", "ih", "stat")))
    order = {s.name: n for n, s in enumerate(feature_catalogue())}
    place = [order[name.split("__")[-1]] for name in table.names if name.startswith("tumour")]
    assert place == sorted(place)
    assert len(place) == 46


def test_a_number_that_is_no_number_is_an_error_with_its_place(monkeypatch) -> None:
    """Neither infinity nor a NaN that the catalogue does not know may reach a table."""
    for value in (np.inf, np.nan):
        wrong = np.array([value] + [0.0] * 17)
        monkeypatch.setattr("perisurv.radiomics.image_features.statistics", lambda values, w=wrong: w)
        with pytest.raises(FeatureError, match=r"P7: stat_mean of region tumour \(original\) came out as (inf|nan)"):
            extract(regions(), SMALL)


def test_impossible_regions_are_refused_before() -> None:
    with pytest.raises(GeometryError, match="boolean"):
        Mask((distance() <= 6).astype(np.uint8), GRID)
    with pytest.raises(RegionError, match="ring_3mm is empty"):
        regions(tumour=distance() <= 6, ring_3mm=distance() < 0)


def test_arrays_of_any_layout_and_type() -> None:
    """Views, Fortran order, half precision: the same numbers as from a plain array."""
    r = distance()
    plain = extract(regions(), SMALL).frame
    values = ct().values
    turned = Volume(np.asfortranarray(values), GRID)
    mask = np.zeros((28, 30, 64), bool)
    mask[:, :, ::2] = r <= 6
    rs = RegionSet("P7", turned, (Region("tumour", Mask(mask[:, :, ::2], GRID)), *regions().regions[1:]))
    np.testing.assert_array_equal(extract(rs, SMALL).frame, plain)
    half = Volume(values.astype(np.float16), GRID)
    np.testing.assert_array_equal(extract(regions(half), SMALL).frame, plain)


def test_a_region_up_to_the_border_of_the_image() -> None:
    whole = np.ones(GRID.shape, bool)
    row = extract(regions(ct(), tumour=whole), preset("ibsi", autocorrelation=False)).frame.iloc[0]
    assert np.isfinite(row).all()
    assert row["tumour__morph__morph_vol_approx"] == whole.size


def test_images_that_are_no_numbers_are_refused() -> None:
    for value in (np.nan, np.inf):
        values = ct().values.copy()
        values[3, 3, 3] = value
        with pytest.raises(GeometryError, match="not finite"):
            Volume(values, GRID)


def test_presets_are_files_that_say_what_the_options_are() -> None:
    assert set(preset_names()) == {"fast", "ibsi", "pyradiomics"}
    assert preset("ibsi") == preset() == ExtractOptions()
    assert preset("fast", ct_bins=8).ct_bins == 8
    assert preset("fast", ct_bins=8).filters == preset("fast").filters
    with pytest.raises(SettingsError, match="no preset 'quick'; there are fast, ibsi, pyradiomics"):
        preset("quick")
    with pytest.raises(SettingsError, match="unknown key 'bin_width'; the nearest known key is 'bin_width_hu'"):
        preset("fast", bin_width=5.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resegment_hu": (400.0, -1000.0)}, "resegment_hu"),
        ({"bin_width_hu": 0.0}, "bin_width_hu"),
        ({"bin_width_hu": float("nan")}, "bin_width_hu"),
        ({"bin_width_hu": 0.25}, "4096 bins"),
        ({"filters": ({"kind": "log", "sigma_mm": -2.0},)}, "sigma_mm"),
        ({"filters": ({"kind": "log", "sigma": 2.0},)}, "sigma_mm"),
        ({"filters": ({"kind": "lag", "sigma_mm": 2.0},)}, "log"),
        ({"filters": ({"kind": "log", "sigma_mm": 1.0}, {"kind": "log", "sigma_mm": 1.00000001})}, "twice"),
        ({"outlier_sigma": -1.0}, "outlier_sigma"),
        ({"bin_origin": "zero"}, "range, minimum, multiple"),
        ({"naming": "mirp"}, "ibsi, pyradiomics"),
        ({"filtered_bins": 1}, "filtered_bins"),
        ({"ct_bins": 1}, "ct_bins"),
        ({"families": ("stat", "glcm")}, "families must be some of morph, loc"),
        ({"families": ()}, "families"),
        ({"aggregation": "mean"}, "3d_merged, 3d_averaged"),
    ],
)
def test_settings_that_mean_nothing_are_refused(options, message) -> None:
    with pytest.raises(SettingsError, match=message):
        ExtractOptions(**options)
