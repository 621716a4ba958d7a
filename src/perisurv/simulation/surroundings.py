"""What lies around a patient and how a scanner shows it: objects on the couch, other air, padding, a cut image."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from perisurv.core import Geometry, SettingsError
from perisurv.simulation.patient import SimulatedScan, make_scan
from perisurv.simulation.tubes import axes_mm
from perisurv.simulation.writers import write_study

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from perisurv.simulation.contours import Contours
    from perisurv.simulation.plan import Plan

    Array = NDArray[np.floating[Any]]
    Bools = NDArray[np.bool_]

__all__ = ["SurroundingsOptions", "border_box", "cut", "surround", "write_surrounded"]

Box = tuple[slice, slice, slice]
Arms = Literal["none", "beside", "touching", "above"]
AIR_HU = -1000.0
SHELL_HU, SHELL_MM, SHELL_GAP_MM = 60.0, 3.0, 5.0
BLANKET_HU, BLANKET_MM, BLANKET_GAP_MM = -820.0, 9.0, 6.0
BOLUS_HU, BOLUS_MM, BOLUS_GAP_MM = 10.0, 10.0, 4.0
TABLE_HU, TABLE_MM = 250.0, 6.0
ARM_MM, ARM_BONE_MM, ARM_HU, ARM_BONE_HU = 40.0, 11.0, 35.0, 600.0
# Gas of the body is denser than this only where it shares a voxel with tissue.
GAS_HU = (-880.0, -980.0)


@dataclass(frozen=True, slots=True)
class SurroundingsOptions:
    """What surrounds a simulated patient; the defaults change nothing.

    Parameters
    ----------
    air_hu
        HU of air, outside the patient and in trachea and bowel.
    air_slope_hu
        By how much the air is denser at the left edge of the image than at the right.
    noise_hu
        Standard deviation of the noise that is added, white within a slice.
    shell
        A thermoplastic mask of 3 mm around the whole patient, at up to 5 mm from the skin.
    blanket
        A folded blanket of 9 mm over the patient.
    bolus
        A slab of 10 mm of the density of water on the chest, mostly with a gap of air.
    table
        A dense top of 6 mm on the couch, which the back of the patient touches.
    arms
        ``beside`` the trunk at some distance, ``touching`` it, or ``above``: beside neck and shoulders.
    padding_hu
        HU beyond the circle that the scanner reconstructs; None for none.
    circle_mm
        Diameter of that circle; 0: that of the image.

    Raises
    ------
    SettingsError
        If a value lies outside its range.
    """

    air_hu: float = AIR_HU
    air_slope_hu: float = 0.0
    noise_hu: float = 0.0
    shell: bool = False
    blanket: bool = False
    bolus: bool = False
    table: bool = False
    arms: Arms = "none"
    padding_hu: float | None = None
    circle_mm: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("air_hu", -1100.0, -700.0),
            ("air_slope_hu", -300.0, 300.0),
            ("noise_hu", 0.0, 500.0),
            ("padding_hu", -10000.0, 3000.0),
            ("circle_mm", 0.0, 1000.0),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise SettingsError(f"Surroundings: {name} must lie in {low:g}..{high:g}, got {value!r}.")
        if self.arms not in ("none", "beside", "touching", "above"):
            raise SettingsError(f"Surroundings: arms must be none, beside, touching or above, got {self.arms!r}.")


def surround(made: SimulatedScan, options: SurroundingsOptions, rng: Generator) -> SimulatedScan:
    """The same patient with other surroundings; ``anatomy.body`` stays the truth and holds none of them.

    Parameters
    ----------
    made
        From `make_scan`.
    options
        What surrounds the patient.
    rng
        For the folds of the blanket and the noise.

    Returns
    -------
    SimulatedScan
        With other HU, all else as it was.
    """
    body, geometry = made.anatomy.body, made.geometry
    hu = made.hu.astype(np.float32)
    needed = options.shell or options.blanket or options.bolus or options.arms != "none"
    off_mm = _distance_to_skin(body, geometry) if needed else np.zeros(0)
    if options.table:
        _paint_table(hu, body, geometry)
    if options.arms != "none":
        _paint_arms(hu, body, off_mm, geometry, options.arms)
    if options.bolus:
        _paint_bolus(hu, off_mm, geometry)
    if options.shell:
        _paint_shell(hu, off_mm, geometry)
    if options.blanket:
        _paint_blanket(hu, off_mm, geometry, rng)
    _change_air(hu, made, options)
    if options.noise_hu:
        hu += rng.normal(0.0, options.noise_hu, hu.shape).astype(np.float32)
    hu = np.clip(hu, -1024, 3071)
    if options.padding_hu is not None:
        _pad(hu, geometry, options.padding_hu, options.circle_mm)
    return replace(made, hu=np.rint(hu).astype(np.int16))


def cut(made: SimulatedScan, box: Box) -> SimulatedScan:
    """The same patient in a smaller image: truth and contours are cut as well, so that a tumour can lie on its border.

    Contours outside the slices are lost; contours that leave the image within a slice stay as they were drawn.

    Parameters
    ----------
    made
        From `make_scan` or `surround`.
    box
        Slices, rows and columns that stay.
    """
    old = made.geometry
    starts = [part.indices(n)[0] for part, n in zip(box, old.shape, strict=True)]
    hu = np.ascontiguousarray(made.hu[box])
    x, y, z = (float(v) for v in old.to_mm(starts))
    grid = Geometry((hu.shape[0], hu.shape[1], hu.shape[2]), old.spacing_mm, (x, y, z), old.direction)
    gtv, left, right, body, cord = (_kept(contours, starts[0], len(hu)) for contours in made.contours)
    anatomy = replace(made.anatomy, **{f.name: getattr(made.anatomy, f.name)[box] for f in fields(made.anatomy)})
    return SimulatedScan(grid, hu, (gtv, left, right, body, cord), made.truth_cover[box], made.touches, anatomy)


def border_box(made: SimulatedScan, axis: int, last: bool, lost_mm: float = 0.0) -> Box:
    """Part of the image for :func:`cut` after which the contoured tumour lies on one border.

    Parameters
    ----------
    made
        From `make_scan` or `surround`.
    axis
        0: slices, 1: rows, 2: columns.
    last
        The border with the highest index, else that with the lowest.
    lost_mm
        How much of the tumour the border cuts off.
    """
    points = np.concatenate([points for _, points in made.contours[0]])
    at = made.geometry.to_index(points)[:, axis]
    step = made.geometry.spacing_mm[axis]
    box = [slice(0, n) for n in made.geometry.shape]
    if last:
        box[axis] = slice(0, int(np.rint(at.max() - lost_mm / step)) + 1)
    else:
        box[axis] = slice(int(np.rint(at.min() + lost_mm / step)), made.geometry.shape[axis])
    return box[0], box[1], box[2]


def write_surrounded(
    plan: Plan, number: int, folder: Path, options: SurroundingsOptions, box: Box | None = None
) -> SimulatedScan:
    """Write CT and RTSTRUCT of one patient with other surroundings, and give back what was written with its truth.

    Parameters
    ----------
    plan, number
        As for `make_scan`.
    folder
        Is made if it is not there, and must be empty.
    options
        What surrounds the patient.
    box
        Part of the image that stays; all by default.
    """
    made = surround(make_scan(plan, number), options, plan.rng(number, 5))
    made = made if box is None else cut(made, box)
    folder.mkdir(parents=True, exist_ok=True)
    write_study(folder, plan, plan.patients[number], made.geometry, made.hu, made.contours)
    return made


def _kept(contours: Contours, first: int, count: int) -> Contours:
    return [(number - first, points) for number, points in contours if first <= number < first + count]


def _distance_to_skin(body: Bools, geometry: Geometry) -> Array:
    """Distance to the body within each slice, mm; zero in it."""
    spacing = geometry.spacing_mm[1:]
    planes = [distance_transform_edt(~plane, sampling=spacing) if plane.any() else plane + 1e3 for plane in body]
    return np.asarray(planes, dtype=np.float32)


def _layer(off_mm: Array, middle_mm: float | Array, thick_mm: float, geometry: Geometry) -> Array:
    """Share of every voxel that a layer around the body fills."""
    soft = geometry.spacing_mm[1]
    share = 0.5 + (0.5 * thick_mm - np.abs(off_mm - middle_mm)) / soft
    return np.asarray(np.clip(share, 0.0, min(1.0, thick_mm / soft)) * (off_mm > 0), dtype=np.float32)


def _blend(hu: Array, share: Array, value: float | Array) -> None:
    hu += (value - hu) * share


def _paint_shell(hu: Array, off_mm: Array, geometry: Geometry) -> None:
    """The mask touches the skin at the sides and stands off in front and behind."""
    _, y, x = axes_mm(geometry)
    gap = SHELL_GAP_MM * np.abs(np.sin(np.arctan2(y, x))) + 0.5 * SHELL_MM
    _blend(hu, _layer(off_mm, gap, SHELL_MM, geometry), SHELL_HU)


def _paint_blanket(hu: Array, off_mm: Array, geometry: Geometry, rng: Generator) -> None:
    """Over the front half, with folds and a texture as of wool."""
    z, y, x = axes_mm(geometry)
    folds = BLANKET_GAP_MM * (1.5 + np.sin(x / 17.0) * np.cos(z / 23.0))
    share = _layer(off_mm, folds + 0.5 * BLANKET_MM, BLANKET_MM, geometry) * (y < 0)
    wool = gaussian_filter(rng.standard_normal(hu.shape, dtype=np.float32), 1.0)
    _blend(hu, share, BLANKET_HU + 60.0 * wool / wool.std())


def _paint_bolus(hu: Array, off_mm: Array, geometry: Geometry) -> None:
    """On the right half of the chest; the gap grows to the side."""
    z, y, x = axes_mm(geometry)
    middle = 0.5 * float(z.max() + z.min())
    where = (y < 0) & (x < 0) & (x > -120.0) & (np.abs(z - middle) < 60.0)
    gap = BOLUS_GAP_MM * np.clip(-x / 30.0, 0.0, 1.0)
    _blend(hu, _layer(off_mm, gap + 0.5 * BOLUS_MM, BOLUS_MM, geometry) * where, BOLUS_HU)


def _paint_table(hu: Array, body: Bools, geometry: Geometry) -> None:
    _, y, x = axes_mm(geometry)
    back = float(y.ravel()[np.flatnonzero(body.any(axis=(0, 2)))[-1]]) + 0.5 * geometry.spacing_mm[1]
    inside = (np.abs(y - back - 0.5 * TABLE_MM) < 0.5 * TABLE_MM) & (np.abs(x) < 230.0)
    _blend(hu, (inside & ~body).astype(np.float32), TABLE_HU)


def _paint_arms(hu: Array, body: Bools, off_mm: Array, geometry: Geometry, arms: Arms) -> None:
    """Upper arms with bone, along z; a soft edge of one voxel."""
    z, y, x = axes_mm(geometry)
    high = float(z.min()) + 0.72 * float(np.ptp(z))
    widest = np.abs(np.broadcast_to(x, body.shape)[body]).max() if body.any() else 0.0
    gap = {"beside": 14.0, "touching": -8.0, "above": 14.0}[arms]
    free = off_mm > (0.0 if arms == "touching" else 8.0)
    tall = z >= high if arms == "above" else z <= high
    for side in (-1.0, 1.0):
        from_axis = np.hypot(x - side * (widest + gap + ARM_MM), y - (-20.0 if arms == "above" else 45.0))
        for radius, value in ((ARM_MM, ARM_HU), (ARM_BONE_MM, ARM_BONE_HU)):
            share = np.clip(0.5 + (radius - from_axis) / geometry.spacing_mm[1], 0.0, 1.0)
            _blend(hu, (share * (free & tall)).astype(np.float32), value)


def _change_air(hu: Array, made: SimulatedScan, options: SurroundingsOptions) -> None:
    """Air takes its HU, what is part air its part; gas in the body as well, lung not."""
    if options.air_hu == AIR_HU and options.air_slope_hu == 0:
        return
    truth = made.anatomy
    _, _, x = axes_mm(made.geometry)
    by = options.air_hu - AIR_HU + options.air_slope_hu * (x - float(x.mean())) / max(float(np.ptp(x)), 1.0)
    dense, thin = GAS_HU
    lung = (truth.right | truth.left) & ~truth.airways
    gas = np.where(lung, 0.0, np.clip((dense - hu) / (dense - thin), 0.0, 1.0))
    hu += np.where(truth.body, gas, np.clip(hu / AIR_HU, 0.0, 1.0)).astype(np.float32) * by.astype(np.float32)


def _pad(hu: Array, geometry: Geometry, padding_hu: float, circle_mm: float) -> None:
    _, y, x = axes_mm(geometry)
    diameter = circle_mm or geometry.shape[1] * geometry.spacing_mm[1]
    beyond = np.hypot(y - float(y.mean()), x - float(x.mean())) > 0.5 * diameter
    hu[np.broadcast_to(beyond, hu.shape)] = padding_hu
