"""One simulated patient, from the plan to DICOM files."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perisurv.core import Geometry, SettingsError
from perisurv.simulation.anatomy import (
    COARSE_MM,
    HU,
    Body,
    Fields,
    build_fields,
    draw_body,
    paint_soft_tissue,
    scanner_grid,
)
from perisurv.simulation.bones import paint_chest_wall_bones, paint_spine
from perisurv.simulation.canvas import Canvas
from perisurv.simulation.contours import Contours, cord_contours, drawn_surface, field_contours, organ_contours
from perisurv.simulation.lesion import INFILTRATE_HU, Lesion, Surface, draw_surface, make_lesion
from perisurv.simulation.plan import PatientPlan, Plan
from perisurv.simulation.scanner import average_onto, scan
from perisurv.simulation.tubes import axes_mm
from perisurv.simulation.vascular import paint_airways, paint_great_vessels, paint_lung_vessels
from perisurv.simulation.writers import write_study

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Cover = tuple[tuple[slice, slice, slice], NDArray[np.floating[Any]]]

__all__ = [
    "Placement",
    "SimulatedScan",
    "Thorax",
    "TrueAnatomy",
    "draw_thorax",
    "make_scan",
    "patient_folder",
    "place_tumour",
    "simulate_missing",
    "simulate_patient",
]

# Before the scanner sees it: bones and their marrow are denser, cartilage and discs are not.
BONE_HU = 122.0
HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class TrueAnatomy:
    """Where the tissues of one patient really lie: voxels of the CT that they fill to at least one half.

    Parameters
    ----------
    right, left
        The lungs: all within the pleura, with vessels, airways and the part of the tumour that lies there; without
        the great vessels and the oesophagus.
    bones
        Vertebrae, ribs, sternum and scapulae with their marrow, by their density; not cartilage and discs.
    airways
        Air of trachea and bronchi, outside the tumour.
    vessels
        Pulmonary vessels in the lungs, outside the tumour.
    body
        All within the skin, lungs and airways included; not the couch.
    """

    right: NDArray[np.bool_]
    left: NDArray[np.bool_]
    bones: NDArray[np.bool_]
    airways: NDArray[np.bool_]
    vessels: NDArray[np.bool_]
    body: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedScan:
    """CT, contours and truth of one patient.

    Parameters
    ----------
    geometry
        Grid of the CT.
    hu
        (slices, rows, columns) whole HU.
    contours
        GTV, left lung, right lung, body, spinal cord: (slice, points in mm) each.
    truth_cover
        Share of every voxel that the true tumour fills.
    touches
        Whether the true tumour reaches pleura, mediastinum or diaphragm.
    anatomy
        Where lungs, bones, airways and vessels really lie.
    """

    geometry: Geometry
    hu: NDArray[np.int16]
    contours: tuple[Contours, Contours, Contours, Contours, Contours]
    truth_cover: NDArray[np.float32]
    touches: bool
    anatomy: TrueAnatomy


@dataclass(frozen=True, slots=True, eq=False)
class Thorax:
    """One patient without a tumour, before painting."""

    body: Body
    geometry: Geometry
    fields: Fields
    rng: Generator


@dataclass(frozen=True, slots=True)
class Placement:
    """Centre of a tumour (x, y, z) in mm, and whether its surface reaches the border of the lung."""

    centre_mm: tuple[float, float, float]
    touches: bool


def make_scan(plan: Plan, number: int) -> SimulatedScan:
    """CT and contours of one patient of a plan, in memory."""
    patient = _patient(plan, number)
    _, tumour, scanner, drawing = (plan.rng(number, stream) for stream in range(4))
    thorax = draw_thorax(plan, number)
    painted = _paint(thorax)
    canvas = painted.canvas
    surface = draw_surface(tumour, patient.volume_ml, patient.latents.roughness)
    place = place_tumour(tumour, thorax.fields, surface, patient.touches)
    lesion = make_lesion(tumour, surface, patient.latents, plan.options)
    x, y, z = (first + shift for first, shift in zip(lesion.geometry.origin_mm, place.centre_mm, strict=True))
    grid = Geometry(lesion.geometry.shape, lesion.geometry.spacing_mm, (x, y, z))
    cover = _insert(canvas, painted.lung, lesion, grid)
    drawn = field_contours(drawn_surface(drawing, lesion.level_mm, patient.centre), grid, thorax.geometry)
    left, right, outline = organ_contours(thorax.fields, thorax.geometry)
    contours = (drawn, left, right, outline, cord_contours(thorax.body, thorax.geometry))
    hu = scan(scanner, canvas.hu, thorax.geometry, patient.centre)
    return SimulatedScan(thorax.geometry, hu, contours, cover, place.touches, _anatomy(painted, cover))


def draw_thorax(plan: Plan, number: int) -> Thorax:
    """Body, grid of the scanner and organs of one patient of a plan; nothing is painted yet."""
    patient = _patient(plan, number)
    rng = plan.rng(number, 0)
    body = draw_body(rng, patient.sex)
    centre = patient.centre
    geometry = scanner_grid(body, plan.options.matrix, centre.field_of_view_mm, centre.slice_spacing_mm)
    return Thorax(body, geometry, build_fields(rng, body, geometry), rng)


def place_tumour(rng: Generator, fields: Fields, surface: Surface, touches: bool) -> Placement:
    """A place in a lung: against its border if the tumour shall touch it, else clear of it where there is room."""
    depth = -fields.lung
    mean = float(np.cbrt((surface.radius_mm**3).mean()))
    against_border = (depth > 0.80 * mean) & (depth < 0.98 * mean)
    fits = against_border if touches else depth > surface.largest_mm + 3.0
    if not fits.any():
        fits = depth > np.quantile(depth[depth > 0], 0.985)
    voxels = np.argwhere(fits)
    chosen = voxels[int(rng.integers(len(voxels)))]
    x, y, z = (float(v) for v in fields.geometry.to_mm(chosen + rng.uniform(-0.4, 0.4, 3)))
    near = np.abs(fields.lung) < COARSE_MM
    border = fields.geometry.to_mm(np.argwhere(near)) - [x, y, z]
    r, radius = surface.at(border[:, 2], border[:, 1], border[:, 0])
    # The border lies beyond a voxel that is inside the lung and before one that is outside.
    gap = r - radius - fields.lung[near]
    return Placement((x, y, z), bool(gap.min() < 0.5))


def simulate_patient(plan: Plan, number: int, folder: Path) -> Path:
    """Write the CT series and the RTSTRUCT of one patient.

    Parameters
    ----------
    plan
        From `perisurv.simulation.plan`.
    number
        Position of the patient in the plan.
    folder
        Root of the cohort; the files go to ``folder/<centre>/<PatientID>``, which is replaced if it exists.
        They are written beside it first, so an interrupted call leaves no half patient under the final name.

    Returns
    -------
    Path
        Folder of the patient.

    Raises
    ------
    SettingsError
        If the plan holds no patient of this number.
    """
    patient = _patient(plan, number)
    final = patient_folder(patient, Path(folder))
    partial = final.with_name(f".{patient.id}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    made = make_scan(plan, number)
    write_study(partial, plan, patient, made.geometry, made.hu, made.contours)
    if final.exists():
        shutil.rmtree(final)
    os.replace(partial, final)  # noqa: PTH105 - Path.replace is the same call
    return final


def patient_folder(patient: PatientPlan, folder: Path) -> Path:
    """Where the files of a patient lie below the root of the cohort."""
    return folder / patient.centre.name / patient.id


def simulate_missing(number: int, *, plan: Plan, folder: Path) -> None:
    """Write one patient of a plan as `simulate_patient` does, unless its folder is there."""
    if not patient_folder(_patient(plan, number), folder).exists():
        simulate_patient(plan, number, folder)


def _patient(plan: Plan, number: int) -> PatientPlan:
    if not 0 <= number < len(plan.patients):
        raise SettingsError(f"The plan holds patients 0..{len(plan.patients) - 1}, not {number}.")
    return plan.patients[number]


@dataclass(frozen=True, slots=True, eq=False)
class _Painted:
    """The CT without the tumour, and what its tissues fill: box and share of every voxel of it."""

    canvas: Canvas
    skin: Cover
    lung: Cover
    bones: NDArray[np.bool_]
    great: tuple[Cover, Cover]
    vessels: Cover
    airways: Cover


def _paint(thorax: Thorax) -> _Painted:
    body, fields, rng = thorax.body, thorax.fields, thorax.rng
    canvas = Canvas(thorax.geometry, fields.geometry, np.full(thorax.geometry.shape, HU["air"], dtype=np.float32))
    lung = paint_soft_tissue(canvas, body, fields)
    paint_spine(canvas, rng, body)
    paint_chest_wall_bones(canvas, rng, body, fields)
    bones = canvas.hu > BONE_HU
    great = paint_great_vessels(canvas, body)
    vessels = paint_lung_vessels(canvas, rng, body, fields, lung)
    airways = paint_airways(canvas, rng, body, fields)
    return _Painted(canvas, canvas.cover(fields.body), lung, bones, great, vessels, airways)


def _anatomy(painted: _Painted, tumour: NDArray[np.float32]) -> TrueAnatomy:
    shape = painted.canvas.geometry.shape
    lungs, vessels, airways = (_half(cover, shape) for cover in (painted.lung, painted.vessels, painted.airways))
    _, _, x = axes_mm(painted.canvas.geometry)
    lungs &= ~(_half(painted.great[0], shape) | _half(painted.great[1], shape))
    free = tumour < HALF
    skin = _half(painted.skin, shape)
    return TrueAnatomy(lungs & (x < 0), lungs & (x >= 0), painted.bones, airways & free, vessels & free & lungs, skin)


def _half(cover: Cover, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Voxels that are filled to at least one half."""
    where, share = cover
    filled = np.zeros(shape, dtype=bool)
    filled[where] = share >= HALF
    return filled


def _insert(canvas: Canvas, lung: Cover, lesion: Lesion, grid: Geometry) -> NDArray[np.float32]:
    """Put infiltration, spicules and tumour into the image; returns the share of the tumour in every voxel."""
    share = np.zeros(canvas.geometry.shape, dtype=np.float32)
    share[lung[0]] = lung[1]
    cover = lesion.cover
    where, infiltrate = average_onto(lesion.infiltrate, grid, canvas.geometry)
    _, spicules = average_onto(lesion.spicules, grid, canvas.geometry)
    _, inside = average_onto(cover, grid, canvas.geometry)
    _, weighted = average_onto(cover * lesion.hu, grid, canvas.geometry)
    target = canvas.hu[where]
    target += infiltrate * share[where] * np.maximum(INFILTRATE_HU - target, 0.0)
    target += spicules * share[where] * np.maximum(INFILTRATE_HU - target, 0.0)
    target *= 1.0 - inside
    target += weighted
    truth = np.zeros(canvas.geometry.shape, dtype=np.float32)
    truth[where] = inside
    return truth
