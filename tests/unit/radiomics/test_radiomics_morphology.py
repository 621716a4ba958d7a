import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from perisurv.radiomics import Raster
from perisurv.radiomics import morphology as of_shape
from perisurv.radiomics.morphology import _ellipsoid_area, intensity_shape
from perisurv.radiomics.spatial import autocorrelation

SPACING = (1.5, 0.8, 1.0)


def shape(inside, values=None, spacing=(1.0, 1.0, 1.0), counted=None):
    """Morphology of a mask in an image of 100 HU or of the given values."""
    image = np.full(inside.shape, 100.0, np.float32) if values is None else values.astype(np.float32)
    around = tuple(slice(0, n) for n in inside.shape)
    whole = Raster.of(inside, around)
    part = whole if counted is None else Raster.of(counted, around)
    hu = part.gather(image)
    found = of_shape.shape(whole, spacing)
    found |= intensity_shape(whole, part, hu, spacing, found["morph_volume"])
    return found | dict(zip(("morph_moran_i", "morph_geary_c"), autocorrelation(part, hu, spacing), strict=True))


def ball(radius, margin=2):
    n = int(2 * radius) + 2 * margin + 1
    k, j, i = np.indices((n, n, n)) - n // 2
    return k**2 + j**2 + i**2 <= radius**2


def box(*edges):
    inside = np.zeros([n + 2 for n in edges], bool)
    inside[1:-1, 1:-1, 1:-1] = True
    return inside


def test_ball() -> None:
    radius = 20.0
    f = shape(ball(radius))
    volume, area = 4 / 3 * np.pi * radius**3, 4 * np.pi * radius**2
    assert f["morph_volume"] == pytest.approx(volume, rel=0.01)
    assert f["morph_vol_approx"] == pytest.approx(volume, rel=0.01)
    # Marching cubes of a binary ball has about 9 % too much surface: the staircase is cut at 45 degrees.
    assert f["morph_area_mesh"] == pytest.approx(1.085 * area, rel=0.02)
    assert f["morph_sphericity"] == pytest.approx(1 / 1.085, rel=0.02)
    assert f["morph_diam"] == pytest.approx(2 * radius + 1, abs=0.5)
    for axis in ("maj", "min", "least"):
        assert f[f"morph_pca_{axis}_axis"] == pytest.approx(4 * radius / np.sqrt(5), rel=0.005)
    assert f["morph_pca_elongation"] == pytest.approx(1, abs=1e-6)
    assert f["morph_pca_flatness"] == pytest.approx(1, abs=1e-6)
    assert 0.95 < f["morph_vol_dens_conv_hull"] < 1
    assert f["morph_vol_dens_aabb"] == pytest.approx(volume / (2 * radius + 1) ** 3, rel=0.01)
    assert f["morph_com"] == pytest.approx(0, abs=1e-9)


def test_cuboid_by_hand() -> None:
    """A mesh at half occupancy is the cuboid with its edges cut: 12 edges lose 1/8 mm2 in section, 8 corners more."""
    edges = np.array([6, 9, 14])
    f = shape(box(*edges))
    # Between the outermost voxel centres and half a voxel beyond them: extent = number of voxels.
    inner = edges - 1
    corner = 1 / 48  # of a corner cell: a tetrahedron with three edges of one half
    volume = (
        inner.prod()
        + 2 * 0.5 * (inner[0] * inner[1] + inner[0] * inner[2] + inner[1] * inner[2])
        + 4 * 0.125 * inner.sum()
        + 8 * corner
    )
    area = (
        2 * (inner[0] * inner[1] + inner[0] * inner[2] + inner[1] * inner[2])
        + 4 * np.sqrt(0.5) * inner.sum()
        + 8 * np.sqrt(3) / 8
    )
    assert f["morph_vol_approx"] == edges.prod()
    assert f["morph_volume"] == pytest.approx(volume, rel=1e-9)
    assert f["morph_area_mesh"] == pytest.approx(area, rel=1e-9)
    assert f["morph_vol_dens_conv_hull"] == pytest.approx(1, rel=1e-9)
    assert f["morph_area_dens_conv_hull"] == pytest.approx(1, rel=1e-9)
    assert f["morph_vol_dens_aabb"] == pytest.approx(volume / edges.prod(), rel=1e-9)
    assert f["morph_diam"] == pytest.approx(np.sqrt((inner[:2] ** 2).sum() + edges[2] ** 2), rel=1e-9)
    n = edges.prod()
    for axis, length in zip(("least", "min", "maj"), edges, strict=True):
        expected = 4 * np.sqrt((length**2 - 1) / 12 * n / (n - 1))
        assert f[f"morph_pca_{axis}_axis"] == pytest.approx(expected, rel=1e-9)


def test_derived_features_follow_from_volume_and_area() -> None:
    f = shape(ball(6) & (np.indices((17, 17, 17)).sum(0) % 5 > 0), spacing=SPACING)
    v, a = f["morph_volume"], f["morph_area_mesh"]
    assert f["morph_av"] == pytest.approx(a / v)
    assert f["morph_comp_1"] == pytest.approx(v / np.sqrt(np.pi * a**3))
    assert f["morph_comp_2"] == pytest.approx(36 * np.pi * v**2 / a**3)
    assert f["morph_sphericity"] ** 3 == pytest.approx(f["morph_comp_2"])
    assert f["morph_sph_dispr"] == pytest.approx(1 / f["morph_sphericity"])
    assert f["morph_asphericity"] == pytest.approx(f["morph_sph_dispr"] - 1)


def test_spacing_scales_lengths() -> None:
    rng = np.random.default_rng(3)
    inside = np.pad(rng.random((6, 7, 8)) < 0.7, 1)
    one, three = shape(inside), shape(inside, spacing=(3.0, 3.0, 3.0))
    powers = {"morph_volume": 3, "morph_area_mesh": 2, "morph_diam": 1, "morph_pca_min_axis": 1, "morph_av": -1}
    powers |= {"morph_integ_int": 3, "morph_sphericity": 0, "morph_area_dens_aee": 0, "morph_vol_dens_conv_hull": 0}
    for name, power in powers.items():
        assert three[name] == pytest.approx(one[name] * 3.0**power, rel=1e-6), name


def test_diameter_and_autocorrelation_are_the_sums_over_all_pairs() -> None:
    """Against n^2 distances, on an anisotropic grid, with voxels left out of the intensity mask."""
    rng = np.random.default_rng(5)
    inside = np.pad(rng.random((7, 9, 8)) < 0.6, 1)
    values = (rng.normal(size=inside.shape) * 50 + np.arange(10)).astype(np.float32)
    counted = inside & (rng.random(inside.shape) < 0.8)
    f = shape(inside, values, SPACING, counted)
    points = np.argwhere(counted) * SPACING
    distance = squareform(pdist(points))
    weight = np.divide(1, distance, out=np.zeros_like(distance), where=distance > 0)
    x = values[counted].astype(float)
    d = x - x.mean()
    moran = len(x) * (weight * np.outer(d, d)).sum() / weight.sum() / (d**2).sum()
    geary = (len(x) - 1) * (weight * (x[:, None] - x) ** 2).sum() / (2 * weight.sum() * (d**2).sum())
    assert f["morph_moran_i"] == pytest.approx(moran, rel=1e-9)
    assert f["morph_geary_c"] == pytest.approx(geary, rel=1e-9)
    assert f["morph_integ_int"] == pytest.approx(f["morph_volume"] * x.mean())
    grey = (points * x[:, None]).sum(0) / x.sum()
    assert f["morph_com"] == pytest.approx(np.linalg.norm((np.argwhere(inside) * SPACING).mean(0) - grey))
    cells = np.argwhere(inside)
    faces = np.concatenate([cells + 0.5 * s * np.eye(3, dtype=int)[a] for a in range(3) for s in (-1, 1)]) * SPACING
    assert f["morph_diam"] == pytest.approx(pdist(faces).max(), rel=1e-6)


def test_autocorrelation_tells_smooth_from_noise_from_checkerboard() -> None:
    k, j, i = np.indices((12, 12, 12))
    inside = np.ones((12, 12, 12), bool)
    smooth = shape(inside, (k * 10.0).astype(np.float32))["morph_moran_i"]
    noise = shape(inside, np.random.default_rng(0).normal(size=inside.shape).astype(np.float32))["morph_moran_i"]
    board = shape(inside, ((k + j + i) % 2 * 10.0).astype(np.float32))["morph_moran_i"]
    assert smooth > 0.1 > abs(noise) > 0
    assert board < 0
    assert board < noise


def test_hollow_region_is_taken_as_it_is() -> None:
    """The surface of a ring has an inner and an outer part; its hull is that of the filled ball."""
    outer, inner = ball(10, margin=3), ball(6, margin=7)
    solid, hollow, hole = shape(outer), shape(outer & ~inner), shape(inner)
    assert hollow["morph_vol_approx"] == solid["morph_vol_approx"] - hole["morph_vol_approx"]
    assert hollow["morph_volume"] == pytest.approx(solid["morph_volume"] - hole["morph_volume"], rel=1e-9)
    assert hollow["morph_area_mesh"] == pytest.approx(solid["morph_area_mesh"] + hole["morph_area_mesh"], rel=1e-9)
    assert hollow["morph_diam"] == solid["morph_diam"]


@pytest.mark.parametrize(
    ("region", "zero_axes"),
    [
        (lambda k, j, i: k == 4, ["least"]),
        (lambda k, j, i: (k + j == 7) & (i > 2), ["least"]),
        (lambda k, j, i: (k == j) & (j == i), ["least", "min"]),
        (lambda k, j, i: (k == 3) & (j == 3), ["least", "min"]),
        (lambda k, j, i: (k == 3) & (j == 3) & (i == 3), ["least", "min", "maj"]),
    ],
    ids=["plane", "oblique plane", "diagonal", "line", "voxel"],
)
def test_flat_regions_have_no_ellipsoid_and_no_warning(region, zero_axes) -> None:
    f = shape(region(*np.indices((8, 8, 8))))
    assert all(f[f"morph_pca_{a}_axis"] == 0 for a in zero_axes)
    assert np.isnan([f["morph_vol_dens_aee"], f["morph_area_dens_aee"]]).all()
    assert 0 < f["morph_vol_dens_conv_hull"] <= 1 + 1e-9
    assert np.isnan(f["morph_pca_flatness"]) == (len(zero_axes) == 3)


def test_ellipsoid_area_where_the_printed_series_divides_by_zero() -> None:
    """Spheres are exact; two equal major axes are the limit of two unequal ones."""
    assert _ellipsoid_area(np.array([4.0, 4.0, 4.0])) == pytest.approx(16 * np.pi)
    near = _ellipsoid_area(np.array([4.0, 4.0 - 1e-9, 2.0]))
    assert _ellipsoid_area(np.array([4.0, 4.0, 2.0])) == pytest.approx(near, rel=1e-7)
    assert np.isfinite(near)


def test_constant_and_empty_intensities_have_their_reason() -> None:
    inside = ball(4)
    constant = shape(inside, np.full(inside.shape, -987.3, np.float32))
    assert constant["morph_integ_int"] == pytest.approx(-987.3 * constant["morph_volume"], rel=1e-6)
    assert np.isnan([constant["morph_moran_i"], constant["morph_geary_c"]]).all()
    empty = shape(inside, counted=np.zeros_like(inside))
    undefined = {name for name, value in empty.items() if np.isnan(value)}
    assert undefined == {"morph_com", "morph_integ_int", "morph_moran_i", "morph_geary_c"}
