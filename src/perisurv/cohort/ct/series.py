"""A stack of CT slices: their order, how regular they lie, and the grid that they fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.dicom import CtHeader
from perisurv.cohort.stack_rules import StackRules
from perisurv.core import Geometry, ReadError

__all__ = ["ONE_POSITION_MM", "CtSeries"]

Floats = NDArray[np.float64]
# A distance that is as large as the slices are thick is none too many; thickness is often rounded.
_THICKNESS_SLACK, _THICKER = 1.05, 1.2
# Slices nearer than this lie at one position.
ONE_POSITION_MM = 1e-3


@dataclass(frozen=True, slots=True)
class CtSeries:
    """The slices of one volume under one SeriesInstanceUID, ordered along their normal.

    Parameters
    ----------
    copies
        Slices that are there again under the same SOPInstanceUID: the one that is used, the one that is not.
    aside
        Images of the same series that are not of this volume: localizers and other volumes.
    files_missing
        How many files of a concatenation that it belongs to are not there.
    """

    uid: str
    slices: tuple[CtHeader, ...]
    rules: StackRules = field(default_factory=StackRules)
    copies: tuple[tuple[CtHeader, CtHeader], ...] = ()
    aside: frozenset[str] = frozenset()
    files_missing: int = 0

    @classmethod
    def of(cls, slices: Sequence[CtHeader], rules: StackRules) -> CtSeries:
        """Order the slices by position along the normal, then by name."""
        axis = _axes(slices[0])[:, 0]

        def order(header: CtHeader) -> tuple[float, str, int]:
            return (float(np.dot(axis, header.position_mm or (0.0, 0.0, 0.0))), header.name, header.frame)

        return cls(slices[0].series_uid, tuple(sorted(slices, key=order)), rules)

    @property
    def folder(self) -> str:
        """Where the series lies, relative to the cohort folder."""
        return str(Path(self.slices[0].name).parent)

    @property
    def images(self) -> frozenset[str]:
        """What contours may name: every slice; of multi-frame files the frames and the files."""
        return frozenset(name for s in self.slices for name in s.names)

    @property
    def by_name(self) -> dict[str, CtHeader]:
        """The slice of every name that means one; that of a multi-frame file does not say which frame."""
        return {name: s for s in self.slices for name in s.names[1 if s.frame else 0 :]}

    @property
    def offsets_mm(self) -> Floats:
        """Position of every slice along the normal, ascending, mm."""
        return self._positions_mm() @ _axes(self.slices[0])[:, 0]

    @property
    def usual_step_mm(self) -> float:
        """Median distance of neighbouring slices along the normal, mm."""
        return float(np.median(np.diff(self.offsets_mm)))

    @property
    def step_mm(self) -> float:
        """Distance of the planes of the grid, mm: the mean of regular slices, else the median over all pairs of slices.

        The latter follows the stack through the jitter of positions, and no single slice moves it. Where slices are
        thicker in a part of the stack on purpose, the distance of the thinner ones.
        """
        offsets = self.offsets_mm
        if self.regular:
            return float(offsets[-1] - offsets[0]) / (len(offsets) - 1)
        if self.two_distances:
            return float(np.quantile(np.diff(offsets), 0.1))
        a, b = np.triu_indices(len(offsets), 1)
        return float(np.median((offsets[b] - offsets[a]) / (b - a)))

    @property
    def regular(self) -> bool:
        """Whether the distances of the slices agree within the tolerance."""
        usual = self.usual_step_mm
        differ = np.abs(np.diff(self.offsets_mm) - usual).max()
        return bool(usual > ONE_POSITION_MM and differ <= self.rules.tolerance * usual + 1e-6)

    @property
    def two_distances(self) -> bool:
        """Whether slices lie at different distances because they are differently thick, none further than that."""
        stated = np.array([s.thickness_mm or np.nan for s in self.slices])
        steps, thicker = np.diff(self.offsets_mm), np.fmax(stated[:-1], stated[1:])
        return bool(
            np.isfinite(stated).all()
            and stated.max() > _THICKER * stated.min() > 0
            and (steps <= _THICKNESS_SLACK * thicker).all()
            and _follows(steps, stated)
        )

    @property
    def first_plane_mm(self) -> float:
        """Distance of the first plane of the grid from the first slice, mm: planes lie on the thin slices."""
        if self.regular or not self.two_distances:
            return 0.0
        offsets = self.offsets_mm - self.offsets_mm[0]
        thin = int(np.argmin(np.abs(np.diff(offsets) - self.step_mm)))
        return float(offsets[thin] % self.step_mm)

    @property
    def sideways_mm(self) -> Floats:
        """How far slices lie off the normal through the first, along its columns and rows: (slices, 2), mm."""
        positions = self._positions_mm()
        sideways: Floats = (positions - positions[0]) @ _axes(self.slices[0])[:, 1:]
        return sideways

    @property
    def drift_mm(self) -> float:
        """Largest sideways distance of a slice, mm; zero without gantry tilt."""
        return float(np.linalg.norm(self.sideways_mm, axis=1).max())

    @property
    def drift_limit_mm(self) -> float:
        """Half a pixel: a drift up to this is none."""
        return 0.5 * min(self.slices[0].spacing_mm or (0.0,))

    @property
    def sheared(self) -> bool:
        """Whether the slices are not stacked along their normal."""
        return self.drift_mm > self.drift_limit_mm

    @property
    def swerve_mm(self) -> float:
        """Largest sideways distance of a slice from where its neighbour and the usual tilt put it, mm."""
        steps, sideways = np.diff(self.offsets_mm)[:, None], np.diff(self.sideways_mm, axis=0)
        return float(np.linalg.norm(sideways - steps * np.median(sideways / steps, axis=0), axis=1).max())

    @property
    def rectangular(self) -> bool:
        """Whether the slices are the slices of the grid, so that nothing is resampled."""
        return self.regular and not self.sheared

    def shear(self) -> tuple[float, float]:
        """Angle between the way from slice to slice and their normal, degrees; largest distance off that way, mm."""
        height, sideways = self.offsets_mm - self.offsets_mm[0], self.sideways_mm
        slope = height @ sideways / (height @ height)
        off_mm = np.linalg.norm(sideways - np.outer(height, slope), axis=1).max()
        return float(np.degrees(np.arctan(np.linalg.norm(slope)))), float(off_mm)

    def geometry(self) -> Geometry:
        """The grid of the series. Positions, not slice thickness, give the slice distance.

        A sheared stack gets the smallest grid that holds every slice, on the pixels of the first; slices at irregular
        distances get planes at ``step_mm`` from the first on, none beyond the last.
        """
        first = self.slices[0]
        if not (first.row_direction and first.column_direction and first.position_mm and first.spacing_mm):
            raise ReadError(f"{first.name} has no slice geometry.")
        step, start = self.step_mm, self.first_plane_mm
        span = float(self.offsets_mm[-1] - self.offsets_mm[0]) - start
        axes, low, high = _axes(first), np.zeros(2), np.zeros(2)
        if self.sheared:
            shift = self.sideways_mm / first.spacing_mm
            low, high = np.floor(shift.min(axis=0) + 1e-6), np.ceil(shift.max(axis=0) - 1e-6)
        origin = np.asarray(first.position_mm) + axes[:, 1:] @ (low * first.spacing_mm) + start * axes[:, 0]
        rows, columns = (int(n) for n in np.array((first.rows, first.columns)) + high - low)
        x, y, z = ((float(row[0]), float(row[1]), float(row[2])) for row in axes)
        return Geometry(
            (int(np.floor(span / step + 1e-3)) + 1, rows, columns),
            (step, *first.spacing_mm),
            (float(origin[0]), float(origin[1]), float(origin[2])),
            (x, y, z),
        )

    def _positions_mm(self) -> Floats:
        return np.array([s.position_mm or (0.0, 0.0, 0.0) for s in self.slices], dtype=float)


def _follows(steps: Floats, thickness: Floats) -> bool:
    """Whether distances between slices of one thickness agree, and thicker slices lie further apart."""
    same = np.isclose(thickness[:-1], thickness[1:])
    found = [steps[same & np.isclose(thickness[:-1], value)] for value in np.unique(np.round(thickness, 3))]
    middles = [float(np.median(own)) for own in found if own.size]
    return len(middles) > 1 and all(later > _THICKER * earlier for earlier, later in pairwise(middles))


def _axes(header: CtHeader) -> Floats:
    """Columns: LPS unit vectors along the normal, a column and a row of the slice."""
    row, column = header.row_direction or (1.0, 0.0, 0.0), header.column_direction or (0.0, 1.0, 0.0)
    return np.column_stack([np.cross(row, column), column, row])
