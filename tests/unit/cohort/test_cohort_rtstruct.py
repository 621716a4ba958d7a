"""Contours to voxels against analytic shapes, and the choice of the tumour."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from perisurv.cohort.checks import CONTOUR_CHECKS, REFERENCE_CHECKS, SERIES_CHECKS
from perisurv.cohort.options import TUMOUR_ROI, CohortOptions, RoiRule
from perisurv.cohort.rtstruct import RoiEntry, RoiRules, choose_rois, nearest_name, rasterise
from perisurv.core import Geometry

GRID = Geometry((40, 96, 96), (3.0, 1.0, 1.0), (-48.0, -50.0, -60.0))


def circle(radius_mm, z_mm, centre_mm=(0.3, -0.2), n=400):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack(
        [centre_mm[0] + radius_mm * np.cos(angle), centre_mm[1] + radius_mm * np.sin(angle), np.full(n, z_mm)]
    )


def sphere(radius_mm):
    heights = [z for z in -60.0 + 3.0 * np.arange(40) if abs(z) < radius_mm]
    return [circle(np.sqrt(radius_mm**2 - z**2), z) for z in heights]


def test_sphere_holds_the_voxels_whose_centres_it_holds():
    mask = rasterise(sphere(30.0), GRID)
    points = GRID.to_mm(np.stack(np.indices(GRID.shape), axis=-1))
    inside = ((points - [0.3, -0.2, 0.0]) ** 2).sum(axis=-1) < 30.0**2
    assert (mask.values != inside).sum() <= 2e-3 * inside.sum()
    assert mask.volume_ml == pytest.approx(4 / 3 * np.pi * 27.0, rel=5e-3)


def test_hole_is_cut_out():
    outer, inner = rasterise([circle(20, 0)], GRID), rasterise([circle(8, 0)], GRID)
    ring = rasterise([circle(20, 0), circle(8, 0)], GRID)
    np.testing.assert_array_equal(ring.values, outer.values & ~inner.values)
    assert ring.voxel_count == pytest.approx(np.pi * (400 - 64), rel=0.02)


def test_two_lesions_in_a_slice_add_up():
    left, right = circle(8, 3.0, (-20, 0)), circle(10, 3.0, (20, 0))
    both = rasterise([left, right], GRID).voxel_count
    assert both == rasterise([left], GRID).voxel_count + rasterise([right], GRID).voxel_count


def test_keyhole_contour_equals_ring():
    """One contour that runs in through a channel of no width, around the hole and out again."""
    outer, inner = circle(20, 0), circle(8, 0)[::-1]
    keyhole = np.concatenate([outer, outer[:1], np.roll(inner, 1, axis=0), inner[-1:], outer[:1]])
    np.testing.assert_array_equal(
        rasterise([keyhole], GRID).values, rasterise([circle(20, 0), circle(8, 0)], GRID).values
    )


def test_rectangle_on_voxel_centres_takes_lower_and_leaves_upper_edge():
    corners = np.array([(10, 20), (14, 20), (14, 25), (10, 25)], dtype=float)
    points = np.column_stack([corners[:, 0] - 48.0, corners[:, 1] - 50.0, np.full(4, -60.0)])
    mask = rasterise([points], GRID)
    k, j, i = np.nonzero(mask.values)
    assert (set(k), set(j), set(i)) == ({0}, set(range(20, 25)), set(range(10, 14)))
    assert mask.voxel_count == 20


def test_direction_and_first_point_do_not_matter():
    contour = circle(15, 0)
    expected = rasterise([contour], GRID).values
    np.testing.assert_array_equal(rasterise([contour[::-1]], GRID).values, expected)
    np.testing.assert_array_equal(rasterise([np.roll(contour, 57, axis=0)], GRID).values, expected)


def test_contour_at_the_edge_of_the_image_is_clipped():
    points = circle(5, 0, (-48.0, 0.0))[:, :]
    points[:, 0] = np.maximum(points[:, 0], -48.9)
    mask = rasterise([points], GRID)
    assert mask.voxel_count > 0
    assert np.nonzero(mask.values)[2].min() == 0


def test_oblique_slices():
    """The same contour in a turned patient gives the same voxels."""
    c, s = np.cos(0.3), np.sin(0.3)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    axes = turn @ np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    grid = Geometry(GRID.shape, GRID.spacing_mm, tuple(turn @ GRID.origin_mm), tuple(map(tuple, axes.tolist())))
    turned = rasterise([contour @ turn.T for contour in sphere(25.0)], grid)
    np.testing.assert_array_equal(turned.values, rasterise(sphere(25.0), GRID).values)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["Lung-Left", "GTV-1", "GTV-2"], ["GTV-1"]),
        (["Body", "gtv 1"], ["gtv 1"]),
        (["GTV_p", "GTV_n"], ["GTV_p"]),
        (["GTVn1", "GTV primary"], ["GTV primary"]),
        (["GTV", "GTV node", "GTV-N"], ["GTV"]),
        (["PTV", "CTV", "GTV_Lung"], ["GTV_Lung"]),
        (["Tumour", "Heart"], ["Tumour"]),
        (["primary tumor", "tumor bed"], ["primary tumor"]),
        (["GTV 70Gy", "PTV-GTV"], ["GTV 70Gy"]),
        (["GTV-2", "GTV-3"], ["GTV-2", "GTV-3"]),
        (["GTVn", "GTV-N2", "GTV_nodes", "PTV", "Spinal cord"], []),
    ],
)
def test_rules_for_the_tumour(names, chosen):
    entries = [RoiEntry(n, name) for n, name in enumerate(names, start=1)]
    hits = choose_rois(entries, RoiRules(TUMOUR_ROI)).tumour
    assert [entries[n - 1].name for n in hits] == chosen


PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "eclipse-export.md"


@pytest.mark.parametrize(
    ("names", "tumour", "others"),
    [
        (["BODY", "GTV_primary", "GTV_n1"], ["GTV_primary"], ["GTV_n1"]),
        (["GTV1_prim", "PTV"], ["GTV1_prim"], []),
        (["Tumor:GTV", "BODY:EXTERNAL"], ["Tumor"], []),
        (["BODY", "CTV"], [], []),
    ],
)
def test_rules_of_the_how_to(names, tumour, others):
    block, *_ = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    table = tomllib.loads(block)["cohort"]
    entries = [RoiEntry(n, *name.split(":")) for n, name in enumerate(names)]
    rules = RoiRules(*(tuple(RoiRule(**rule) for rule in table[key]) for key in ("tumour_roi", "other_lesions")))
    choice = choose_rois(entries, rules)
    assert [entries[n].name for n in choice.tumour] == tumour
    assert [entries[n].name for n in choice.others if n not in choice.tumour] == others


def test_limits_and_titles_of_the_how_to():
    text = PAGE.read_text(encoding="utf-8")
    for key, value in re.findall(r"`(\w+_limit) = ([\d.]+)`", text):
        assert getattr(CohortOptions(), key) == float(value)
    titles = {c.fault for c in (*REFERENCE_CHECKS, *SERIES_CHECKS, *CONTOUR_CHECKS)} | {"duplicate patient"}
    quoted = set(re.findall(r"`([a-z]+(?: [a-zA-Z]+)+|RTSTRUCT of another CT)`", text))
    assert len(quoted) > 5
    assert quoted <= titles


def test_nearest_name():
    assert nearest_name(["Heart", "GTV 1a", "Lung"], TUMOUR_ROI) == "GTV 1a"
    assert nearest_name(["Heart", "Lung"], TUMOUR_ROI) == ""
    assert nearest_name([], TUMOUR_ROI) == ""
