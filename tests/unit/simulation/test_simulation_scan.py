"""CTs of one patient a centre: HU as real CT, the scanner's kernel and noise, contours around the truth."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, label, map_coordinates

from perisurv.core import Geometry
from perisurv.simulation import DEFAULT_CENTRES, SimulatedScan, SimulationOptions, make_scan, plan
from perisurv.simulation.contours import Contours
from perisurv.simulation.lesion import draw_surface
from perisurv.simulation.patient import draw_thorax, place_tumour
from perisurv.simulation.scanner import average_onto, scan
from perisurv.simulation.tubes import grow_tree, stamp, tube_along

CERTAIN = tuple(dataclasses.replace(c, contour_sd_mm=0.0, contour_bias_sd_mm=0.0) for c in DEFAULT_CENTRES)
PLAN = plan(SimulationOptions(patients=6, matrix=128, centres=CERTAIN), 8)
ONE_A_CENTRE = (0, 4, 5)


@pytest.fixture(scope="module")
def scans() -> list[SimulatedScan]:
    return [make_scan(PLAN, number) for number in ONE_A_CENTRE]


def area_mm2(points: NDArray[np.float64]) -> float:
    x, y = points[:, 0], points[:, 1]
    return 0.5 * abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)))


def volume_ml(contours: Contours, slice_mm: float) -> float:
    return sum(area_mm2(points) for _, points in contours) * slice_mm / 1000


def lungs(made: SimulatedScan) -> NDArray[np.bool_]:
    """The air inside the body, by threshold and connection."""
    parts, _ = label(made.hu < -500)
    counts = np.bincount(parts.ravel())
    counts[0] = 0
    outside = {parts[0, 0, 0], parts[0, -1, 0], parts[-1, 0, 0]}
    counts[list(outside)] = 0
    return parts == counts.argmax()


def test_the_scan_covers_the_lungs_and_looks_like_air_outside(scans: list[SimulatedScan]) -> None:
    for made in scans:
        extent = made.geometry.shape[0] * made.geometry.spacing_mm[0]
        assert 240 < extent < 345
        assert made.hu.min() >= -1024
        assert abs(float(made.hu[:, :4, :4].mean()) + 1000) < 12
        inside = lungs(made)
        assert 2000 < inside.sum() * made.geometry.voxel_volume_mm3 / 1000 < 7500
        assert not inside[0].any()


def test_tissues_have_the_hu_of_real_ct(scans: list[SimulatedScan]) -> None:
    for number, made in zip(ONE_A_CENTRE, scans, strict=True):
        offset = PLAN.patients[number].centre.offset_hu
        parenchyma = made.hu[binary_erosion(lungs(made), iterations=2)] - offset
        assert -900 < np.median(parenchyma) < -760
        soft = made.hu[(made.hu > -60) & (made.hu < 140)] - offset
        assert 35 < np.median(soft) < 60
        fat = made.hu[(made.hu > -200) & (made.hu < -50)] - offset
        assert -115 < np.median(fat) < -80
        bone = made.hu[made.hu > 250]
        assert bone.size * made.geometry.voxel_volume_mm3 / 1000 > 100
        assert 380 < np.percentile(bone, 99) < 1100


def test_both_lungs_body_and_cord_are_drawn_where_they_are(scans: list[SimulatedScan]) -> None:
    for made in scans:
        _, left, right, body, cord = made.contours
        slice_mm = made.geometry.spacing_mm[0]
        # LPS: x grows to the patient's left.
        assert np.vstack([p for _, p in left])[:, 0].min() > -1
        assert np.vstack([p for _, p in right])[:, 0].max() < 1
        together = volume_ml(left, slice_mm) + volume_ml(right, slice_mm)
        assert together == pytest.approx(lungs(made).sum() * made.geometry.voxel_volume_mm3 / 1000, rel=0.15)
        assert {k for k, _ in body} == set(range(made.geometry.shape[0])) == {k for k, _ in cord}
        points = np.vstack([p for _, p in cord]).reshape(len(cord), -1, 3).mean(axis=1)
        at = made.geometry.to_index(points).T
        hu = map_coordinates(made.hu.astype(float), at, order=1)
        assert abs(float(np.median(hu)) - 36) < 20


def test_the_true_anatomy_has_the_hu_of_its_tissues_and_the_volume_that_is_drawn(scans: list[SimulatedScan]) -> None:
    for number, made in zip(ONE_A_CENTRE, scans, strict=True):
        offset = PLAN.patients[number].centre.offset_hu
        truth = made.anatomy
        hu = {name: made.hu[getattr(truth, name)] - offset for name in ("right", "left", "bones", "airways", "vessels")}
        assert all(-900 < np.median(hu[side]) < -750 for side in ("right", "left"))
        assert 110 < np.median(hu["bones"]) < 400
        assert np.percentile(hu["airways"], 20) < -900
        assert np.median(hu["vessels"]) > -500
        x = made.geometry.to_mm(np.argwhere(truth.right))[:, 0]
        assert x.max() < 0
        assert made.geometry.to_mm(np.argwhere(truth.left))[:, 0].min() > 0
        inside = truth.right | truth.left
        assert not (truth.vessels & ~inside).any()
        tumour = made.truth_cover >= 0.5
        assert not ((truth.vessels | truth.airways) & tumour).any()
        assert (inside & tumour).sum() > 0.5 * tumour.sum()
        # The contours of the lungs hold the great vessels where these bulge into them.
        drawn = sum(volume_ml(c, made.geometry.spacing_mm[0]) for c in made.contours[1:3])
        assert 0.93 < inside.sum() * made.geometry.voxel_volume_mm3 / 1000 / drawn < 1.0


def test_the_certain_contour_has_the_volume_of_the_truth(scans: list[SimulatedScan]) -> None:
    for number, made in zip(ONE_A_CENTRE, scans, strict=True):
        truth = float(made.truth_cover.sum()) * made.geometry.voxel_volume_mm3 / 1000
        assert truth == pytest.approx(PLAN.patients[number].volume_ml, rel=0.02)
        assert volume_ml(made.contours[0], made.geometry.spacing_mm[0]) == pytest.approx(truth, rel=0.06)
        centre = np.average(np.argwhere(made.truth_cover > 0.5), axis=0)
        drawn = np.vstack([points for _, points in made.contours[0]]).mean(axis=0)
        assert np.abs(made.geometry.to_mm(centre) - drawn).max() < 5.0
        assert 0 < np.median(made.hu[made.truth_cover > 0.9]) < 100


def test_uncertain_contours_scatter_around_the_truth() -> None:
    options = SimulationOptions(patients=3, matrix=64)
    ratio = []
    for seed in range(4):
        cohort = plan(options, seed)
        made = make_scan(cohort, 1)
        ratio.append(volume_ml(made.contours[0], made.geometry.spacing_mm[0]) / cohort.patients[1].volume_ml)
    assert np.std(ratio) > 0.02
    assert 0.6 < min(ratio) < max(ratio) < 1.6


def test_infiltration_is_seen_in_the_ct_up_to_six_millimetres() -> None:
    """The same patient with much and with no infiltration: the difference ends at the planted width."""
    patient = PLAN.patients[5]
    images = []
    for strength in (2.0, -12.0):
        latents = dataclasses.replace(patient.latents, infiltration=strength)
        patients = (*PLAN.patients[:5], dataclasses.replace(patient, latents=latents))
        images.append(make_scan(dataclasses.replace(PLAN, patients=patients), 5))
    difference = images[0].hu.astype(float) - images[1].hu
    distance = distance_mm(images[0])
    inner, outer, far = ((distance > a) & (distance <= b) for a, b in ((3.0, 4.0), (5.0, 6.0), (9.0, 12.0)))
    assert difference[inner].mean() > difference[outer].mean() > 20
    assert abs(difference[far].mean()) < 2


def distance_mm(made: SimulatedScan) -> NDArray[np.float64]:
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(made.truth_cover < 0.5, sampling=made.geometry.spacing_mm)


def test_tumours_touch_the_border_of_the_lung_at_a_realistic_rate() -> None:
    cohort = plan(SimulationOptions(patients=60, matrix=64), 1)
    chests = [draw_thorax(cohort, number).fields for number in range(0, 60, 6)]  # each for six tumours
    touching = []
    for patient in cohort.patients:
        rng = cohort.rng(patient.number, 1)
        surface = draw_surface(rng, patient.volume_ml, patient.latents.roughness)
        touching.append(place_tumour(rng, chests[patient.number % 10], surface, patient.touches).touches)
    assert 0.27 <= np.mean(touching) <= 0.45


@pytest.mark.parametrize("centre", DEFAULT_CENTRES, ids=lambda c: c.name)
def test_the_scanner_keeps_the_mean_and_adds_the_stated_noise(centre) -> None:
    pixel = centre.field_of_view_mm / 128
    grid = Geometry((24, 128, 128), (centre.slice_spacing_mm, pixel, pixel), (-63.5 * pixel, -63.5 * pixel, 0.0))
    stored = scan(np.random.default_rng(2), np.full(grid.shape, 40.0, dtype=np.float32), grid, centre).astype(float)
    assert stored.mean() == pytest.approx(40 + centre.offset_hu, abs=0.5)
    middle = stored[:8, 54:74, 54:74] - stored[:8, 54:74, 54:74].mean()
    assert middle.std() == pytest.approx(centre.noise_hu, rel=0.2)
    power = (np.abs(np.fft.rfft2(stored - stored.mean())) ** 2).mean(axis=0)
    frequency = np.hypot(np.fft.fftfreq(128, pixel)[:, None], np.fft.rfftfreq(128, pixel)[None, :])
    nyquist = 0.5 / pixel
    low, peak = (power[(frequency > a) & (frequency < b)].mean() for a, b in ((0, 0.012), (0.8 * nyquist, nyquist)))
    assert low < 0.5 * peak


def test_the_kernel_halves_a_wave_at_its_stated_frequency() -> None:
    centre = dataclasses.replace(DEFAULT_CENTRES[0], noise_hu=0.0, mtf50_per_mm=0.25)
    grid = Geometry((1, 128, 128), (3.0, 1.0, 1.0), (-63.5, -63.5, 0.0))
    wave = 400 * np.cos(2 * np.pi * 0.25 * np.arange(128)) * np.ones((1, 128, 1))
    stored = scan(np.random.default_rng(0), wave.astype(np.float32), grid, centre)
    assert np.abs(stored[0, 40]).max() == pytest.approx(200, abs=2)


def test_averaging_onto_the_scanner_grid_keeps_the_mass() -> None:
    rng = np.random.default_rng(3)
    fine = Geometry((21, 19, 17), (1.0, 1.0, 1.0), (-3.3, 4.1, 8.7))
    coarse = Geometry((30, 40, 40), (3.0, 1.7, 1.7), (-30.0, -25.0, -20.0))
    values = rng.random(fine.shape).astype(np.float32)
    where, mean = average_onto(values, fine, coarse)
    assert mean.sum() * coarse.voxel_volume_mm3 == pytest.approx(values.sum(), rel=1e-5)
    k, j, i = np.indices(mean.shape)
    at = coarse.to_mm(np.stack([k + where[0].start, j + where[1].start, i + where[2].start], axis=-1))
    centre = (at * mean[..., None]).sum(axis=(0, 1, 2)) / mean.sum()
    k, j, i = np.indices(values.shape)
    expected = (fine.to_mm(np.stack([k, j, i], axis=-1)) * values[..., None]).sum(axis=(0, 1, 2)) / values.sum()
    np.testing.assert_allclose(centre, expected, atol=0.02)


def test_a_stamped_tube_has_the_volume_of_a_cylinder() -> None:
    grid = Geometry((40, 60, 60), (1.0, 1.0, 1.0))
    points, radius = tube_along(np.array([[30.0, 30.0, -20.0], [30.0, 30.0, 60.0]]), np.array([6.0, 6.0]), 0.5)
    assert stamp(grid, points, radius).sum() == pytest.approx(np.pi * 36 * 40, rel=0.01)


def test_trees_taper_from_the_root_to_the_ends() -> None:
    rng = np.random.default_rng(1)
    tree = grow_tree(rng, np.array([[0.0, 0, 0], [10.0, 0, 0]]), rng.uniform(20, 90, (80, 3)), 6.0)
    radius = tree.radius_mm(0.7, 2.75, 50.0)
    inner = tree.parent >= 0
    assert (radius[tree.parent[inner]] >= radius[inner] - 1e-12).all()
    assert tree.terminals[0] == 80
    assert radius[0] == pytest.approx(0.7 * 80 ** (1 / 2.75))
