import numpy as np
import pytest
from scipy import stats

from perisurv.core import FeatureError
from perisurv.radiomics import Raster
from perisurv.radiomics.catalogue import names
from perisurv.radiomics.discretise import fixed_bin_number, fixed_bin_size
from perisurv.radiomics.histogram import histogram
from perisurv.radiomics.statistics import statistics


def stat(values):
    return dict(zip(names("stat"), statistics(np.sort(np.asarray(values, np.float32))), strict=True))


def hist(levels):
    return dict(zip(names("ih"), histogram(np.bincount(levels)), strict=True))


def test_against_scipy() -> None:
    x = np.random.default_rng(1).gamma(2, 80, 3001).astype(np.float32) - 300
    y, f = x.astype(float), stat(x)
    p10, p25, p75, p90 = np.percentile(y, [10, 25, 75, 90])
    core = y[(y >= p10) & (y <= p90)]
    expected = {
        "stat_mean": y.mean(),
        "stat_var": y.var(),
        "stat_skew": stats.skew(y),
        "stat_kurt": stats.kurtosis(y),
        "stat_median": np.median(y),
        "stat_min": y.min(),
        "stat_p10": p10,
        "stat_p90": p90,
        "stat_max": y.max(),
        "stat_iqr": p75 - p25,
        "stat_range": np.ptp(y),
        "stat_mad": np.abs(y - y.mean()).mean(),
        "stat_rmad": np.abs(core - core.mean()).mean(),
        "stat_medad": np.abs(y - np.median(y)).mean(),
        "stat_cov": y.std() / y.mean(),
        "stat_qcod": (p75 - p25) / (p75 + p25),
        "stat_energy": (y**2).sum(),
        "stat_rms": np.sqrt((y**2).mean()),
    }
    assert f == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("value", [0.1, -987.3, 40.0, 1e6])
def test_constant_has_no_shape_and_no_rounding(value) -> None:
    f = stat(np.full(1000, value))
    zeros = ("var", "skew", "kurt", "iqr", "range", "mad", "medad", "cov", "qcod")
    assert {f"stat_{z}": f[f"stat_{z}"] for z in zeros} == {f"stat_{z}": 0 for z in zeros}
    assert f["stat_rmad"] == pytest.approx(0, abs=1e-12 * abs(value))


def test_where_statistics_have_no_value() -> None:
    f = stat([-3.0, 3.0])
    assert {n for n, v in f.items() if np.isnan(v)} == {"stat_cov", "stat_qcod", "stat_rmad"}


def test_histogram_by_hand() -> None:
    """Levels 1 1 1 2 4 4 4 5: counts 3 1 0 3 1."""
    f = hist([4, 1, 1, 5, 2, 4, 1, 4])
    assert f["ih_mean"] == pytest.approx(22 / 8)
    assert f["ih_mode"] == 4  # 1 and 4 are as frequent; 4 is nearer to 2.75
    p = np.array([3, 1, 3, 1]) / 8
    assert f["ih_entropy"] == pytest.approx(-(p * np.log2(p)).sum())
    assert f["ih_uniformity"] == pytest.approx((p**2).sum())
    # Slopes -2, -1.5, 1, 0.5, -2.
    assert (f["ih_max_grad"], f["ih_max_grad_g"]) == (1.0, 3)
    assert (f["ih_min_grad"], f["ih_min_grad_g"]) == (-2.0, 1)


def test_mode_of_equally_near_levels_is_the_lower_one() -> None:
    assert hist([1, 1, 2, 3, 3])["ih_mode"] == 1


def test_histogram_of_one_bin_has_no_gradient() -> None:
    f = hist([1, 1, 1])
    assert f["ih_entropy"] == 0
    assert f["ih_uniformity"] == 1
    assert {n for n, v in f.items() if np.isnan(v)} == {
        "ih_max_grad",
        "ih_max_grad_g",
        "ih_min_grad",
        "ih_min_grad_g",
    }


def levels(values, bins):
    raster = Raster.of(np.ones((1, 1, len(values)), bool), (slice(0, 1), slice(0, 1), slice(0, len(values))))
    grey = raster.place(raster.gather(np.asarray(values, np.float32).reshape(1, 1, -1)), bins)
    assert grey.counts.sum() == len(values)
    return grey.levels[grey.levels > 0].tolist()


def test_fixed_bin_size_starts_at_the_lower_end_of_the_range() -> None:
    hu = [-1000, -976, -975, -1, 0, 24.9, 399, 400]
    assert levels(hu, fixed_bin_size(25, -1000, -1000, 400)) == [1, 1, 2, 40, 41, 41, 56, 57]


def test_fixed_bin_number_fills_its_bins() -> None:
    assert levels([0, 0.24, 0.25, 0.5, 0.99, 1.0], fixed_bin_number(4, 0.0, 1.0)) == [1, 1, 2, 3, 4, 4]
    assert levels([7.0] * 3, fixed_bin_number(32, 7.0, 7.0)) == [1, 1, 1]


def test_impossible_bins_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"starts at -1000, but there is a value of -1001"):
        fixed_bin_size(25, -1000, -1001, 0)
    with pytest.raises(FeatureError, match="width must be positive"):
        fixed_bin_size(0, -1001, -1001, 0)
    with pytest.raises(FeatureError, match=r"1000001 grey levels; at most 4096"):
        fixed_bin_size(0.001, 0, 0, 1000)
    with pytest.raises(FeatureError, match="within 1..4096, got 1000000"):
        fixed_bin_number(10**6, 0, 1)
