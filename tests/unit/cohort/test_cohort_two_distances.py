"""Thin slices around the tumour and thick ones elsewhere, on purpose: no slice is missing, and none is invented."""

import numpy as np
import pytest
from cohort_files import FIRST_MM, square, write_ct, write_rtstruct

from perisurv.cohort import CohortOptions, read_patient
from perisurv.core import InputError

RESAMPLE = CohortOptions(irregular_slices="resample")


def stack(folder, heights_mm, thickness_mm):
    """A CT whose slices lie at these heights, with contours on slices 3 to 5."""

    def edit(data, k):
        data.ImagePositionPatient = [*FIRST_MM[:2], FIRST_MM[2] + heights_mm[k]]
        if thickness_mm[k] is None:
            return
        data.SliceThickness = thickness_mm[k]

    write_ct(folder / "P1" / "ct", "P1", edit=edit)
    drawn = []
    for k in (3, 4, 5):
        points = square(k)
        points[:, 2] = FIRST_MM[2] + heights_mm[k]
        drawn.append(points)
    write_rtstruct(folder / "P1" / "rt.dcm", "P1", rois={"GTV-1": drawn})


def heights(steps):
    return [0.0, *np.cumsum(steps).tolist()]


PURPOSE = {
    "thick above": (heights([3, 3, 3, 3, 3, 5, 5]), [3, 3, 3, 3, 3, 3, 5, 5]),
    "thick below and above": (heights([5, 5, 3, 3, 3, 5, 5]), [5, 5, 3, 3, 3, 3, 5, 5]),
    "thick for the most part": (heights([5, 5, 2, 2, 2, 5, 5]), [5, 5, 2, 2, 2, 2, 5, 5]),
    "thickness rounded": (heights([2.5, 2.5, 2.5, 2.5, 2.5, 5, 5]), [2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 4.8, 4.8]),
}
MISSING = {
    "a thin slice": (heights([3, 3, 6, 3, 3, 5, 5]), [3, 3, 3, 3, 3, 3, 5, 5]),
    "a thick slice": (heights([3, 3, 3, 3, 3, 5, 10]), [3, 3, 3, 3, 3, 3, 5, 5]),
    "one thickness": (heights([3, 3, 3, 3, 3, 6, 3]), [3] * 8),
    "overlapping slices": (heights([2.5, 2.5, 2.5, 2.5, 2.5, 5, 2.5]), [5] * 8),
    "no thickness": (heights([3, 3, 3, 3, 3, 5, 5]), [None] * 8),
}


@pytest.mark.parametrize("name", PURPOSE)
def test_two_distances_are_resampled_to_the_thin_slices_if_asked_for(tmp_path, name):
    at_mm, thickness = PURPOSE[name]
    stack(tmp_path, at_mm, thickness)
    scan = read_patient(tmp_path, RESAMPLE)["P1"].load()
    thin = min(np.diff(at_mm))
    assert scan.ct.geometry.spacing_mm[0] == pytest.approx(thin)
    # Slice k of the writer holds -900 + 150 k + 2 row + column: between two slices the values are mixed by distance.
    planes = scan.ct.geometry.origin_mm[2] - FIRST_MM[2] + np.arange(scan.ct.geometry.shape[0]) * thin
    expected = np.interp(planes, at_mm, -900 + 150 * np.arange(8.0))
    np.testing.assert_allclose(scan.ct.values[:, 0, 0], expected, atol=1)
    assert scan.tumour.values.sum() * thin * 4 == pytest.approx(3 * 100 * 4 * thin)


@pytest.mark.parametrize("name", PURPOSE)
def test_two_distances_are_called_so_where_they_are_refused(tmp_path, name):
    stack(tmp_path, *PURPOSE[name])
    with pytest.raises(InputError, match='apart, as they are thicker in a part .*set irregular_slices to "resample"'):
        read_patient(tmp_path)


@pytest.mark.parametrize("name", MISSING)
@pytest.mark.parametrize("options", [CohortOptions(), RESAMPLE])
def test_a_missing_slice_is_never_invented(tmp_path, name, options):
    stack(tmp_path, *MISSING[name])
    with pytest.raises(InputError, match="missing slice"):
        read_patient(tmp_path, options)
