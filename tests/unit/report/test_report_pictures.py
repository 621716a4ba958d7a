"""Pictures of the rings: every outline, the patient the right way up, the same bytes."""

import io

import numpy as np
import pytest
from matplotlib.image import imread
from report_shapes import stored

from perisurv.core import RegionSet
from perisurv.report import map_picture, ring_picture

TUMOUR, INNER, OUTER = (213, 94, 0), (240, 228, 66), (86, 180, 233)


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(imread(io.BytesIO(png), format="png")[..., :3] * 255)


def _where(pixels: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return np.abs(pixels - color).max(axis=-1) < 30


def test_shows_every_outline(regions: RegionSet) -> None:
    pixels = _pixels(ring_picture(regions))
    for color in (TUMOUR, INNER, OUTER):
        assert _where(pixels, color).sum() > 300
    assert not _where(_pixels(ring_picture(_only_tumour(regions))), OUTER).any()


def test_outlines_lie_inside_one_another(regions: RegionSet) -> None:
    """In the left half (axial slice, above the legend) each outline spans what its radius says, to one scale."""
    pixels = _pixels(ring_picture(regions))
    axial = pixels[: int(0.85 * pixels.shape[0]), : pixels.shape[1] // 2]
    spans = [np.ptp(np.flatnonzero(_where(axial, color).any(axis=0))) for color in (TUMOUR, INNER, OUTER)]
    np.testing.assert_allclose(np.array(spans) / spans[0], np.array([8, 11, 14]) / 8, rtol=0.05)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)], ids=["kji", "ikj", "jik"])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2)], ids=["upright", "feet first", "turned"])
def test_the_patient_is_shown_the_same_way_from_any_array_order(
    regions: RegionSet, order: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    assert ring_picture(stored(regions, order, flips)) == ring_picture(regions)


def test_front_is_up_and_the_patients_right_is_left(regions: RegionSet) -> None:
    """The bone lies behind and to the right of the tumour (large y, small x in LPS): lower left in the axial slice."""
    pixels = _pixels(ring_picture(regions))
    height, width = pixels.shape[:2]
    axial = pixels[int(0.1 * height) : int(0.8 * height), : width // 2]
    rows, columns = np.nonzero((axial > 245).all(axis=-1) & _inside(axial))
    assert np.median(rows) > 0.6 * axial.shape[0]
    assert np.median(columns) < 0.5 * axial.shape[1]


def test_title_and_bytes(regions: RegionSet) -> None:
    plain = ring_picture(regions)
    assert plain[:8] == b"\x89PNG\r\n\x1a\n"
    assert ring_picture(regions) == plain
    assert ring_picture(regions, "Example") != plain
    other = RegionSet("OTHER-ID", regions.image, regions.regions)
    assert ring_picture(other) == plain


def _map(regions: RegionSet) -> np.ndarray:
    """Two values in the tumour, in one slice: dark in front, bright behind."""
    tumour = regions["tumour"].mask.values
    values = np.full(tumour.shape, np.nan, np.float32)
    k = int(tumour.sum(axis=(1, 2)).argmax())
    values[k][tumour[k]] = 0.0
    rows = np.flatnonzero(tumour[k].any(axis=1))
    behind = tumour[k] & (np.arange(tumour.shape[1]) > np.median(rows))[:, None]
    values[k][behind] = 1.0
    return values


def test_a_map_is_drawn_where_it_has_values(regions: RegionSet) -> None:
    """Viridis: dark violet for the lowest value in front (above), yellow for the highest behind (below)."""
    pixels = _pixels(map_picture(regions, _map(regions), "entropy, bit"))
    slice_only = pixels[:, : int(0.7 * pixels.shape[1])]
    dark, bright = (_where(slice_only, color) for color in ((68, 1, 84), (253, 231, 37)))
    assert dark.sum() > 300
    assert bright.sum() > 300
    assert np.nonzero(dark)[0].mean() < np.nonzero(bright)[0].mean()
    nothing = np.full(regions.image.values.shape, np.nan, np.float32)
    empty = _pixels(map_picture(regions, nothing, "entropy, bit"))[:, : slice_only.shape[1]]
    assert not _where(empty, (68, 1, 84)).any()


def test_a_map_has_the_same_bytes_every_time(regions: RegionSet) -> None:
    assert map_picture(regions, _map(regions), "bit") == map_picture(regions, _map(regions), "bit")


def _inside(axial: np.ndarray) -> np.ndarray:
    """Not the white paper around the slice: pixels with lung or tumour on both sides."""
    dark = (axial < 200).all(axis=-1)
    return (np.maximum.accumulate(dark, axis=1) & np.maximum.accumulate(dark[:, ::-1], axis=1)[:, ::-1]).astype(bool)


def _only_tumour(regions: RegionSet) -> RegionSet:
    return RegionSet(regions.patient, regions.image, regions.regions[:1])
