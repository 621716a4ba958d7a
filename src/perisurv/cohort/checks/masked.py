"""Masks beside their CT: the tumour among them and the voxels that they fill; each worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.ct import CtSeries
from perisurv.cohort.dicomseg import Segmentation
from perisurv.cohort.grids import Placed
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.rtstruct import RoiChoice, RoiEntry
from perisurv.core import Geometry

__all__ = ["Masks", "SegPairing"]


@dataclass(frozen=True, eq=False)
class Masks:
    """The segments of a file, or the mask files of a folder.

    Parameters
    ----------
    file, ct, noun
        What messages call the file, its CT and one of the masks.
    grid
        Grid of the CT.
    entries, choice
        All masks, and those that the rules chose.
    read
        Reads masks by their numbers; raises InputError.
    """

    file: str
    ct: str
    noun: str
    grid: Geometry
    entries: tuple[RoiEntry, ...]
    choice: RoiChoice
    options: CohortOptions
    read: Callable[[tuple[int, ...]], Mapping[int, Placed]]

    @cached_property
    def placed(self) -> Mapping[int, Placed]:
        """Every chosen mask on the grid of the CT."""
        return self.read(tuple(dict.fromkeys((*self.choice.tumour, *self.choice.others, *self.choice.lungs))))

    @cached_property
    def tumour(self) -> tuple[RoiEntry, ...]:
        """The masks of the tumour: those that the winning rule matches; empty ones only if all are."""
        matched = [e for e in self.entries if e.number in self.choice.tumour]
        found = [e for e in matched if self._voxels(e)] or matched[:1]
        return (max(found, key=self._voxels),) if self.options.several_rois == "largest" and found else tuple(found)

    @cached_property
    def others(self) -> tuple[RoiEntry, ...]:
        """The masks of other lesions that are not empty."""
        tumour = {e.number for e in self.tumour}
        wanted = set(self.choice.others) - tumour
        return tuple(e for e in self.entries if e.number in wanted and self._voxels(e))

    @cached_property
    def lungs(self) -> tuple[RoiEntry, ...]:
        """The masks of the lungs that are not empty."""
        return tuple(e for e in self.entries if e.number in self.choice.lungs and self._voxels(e))

    @property
    def used(self) -> tuple[Placed, ...]:
        """Every mask that the scan takes, those of the tumour first."""
        return tuple(self.placed[e.number] for e in (*self.tumour, *self.others, *self.lungs))

    @property
    def resampled(self) -> bool:
        """Whether one of them lay on another grid."""
        return any(part.own is not None for part in self.used)

    @cached_property
    def values(self) -> NDArray[np.bool_]:
        """The tumour on the grid of the CT."""
        return np.asarray(np.logical_or.reduce([self.placed[e.number].values for e in self.tumour]))

    @cached_property
    def label(self) -> str:
        """The tumour and its file, for messages."""
        return f"{self.noun} {' and '.join(e.name for e in self.tumour)} of {self.file}"

    def _voxels(self, entry: RoiEntry) -> float:
        """Volume of a mask on its own grid, mm^3, which is above zero also where it lies beyond the CT."""
        return self.placed[entry.number].own_mm3


@dataclass(frozen=True, eq=False)
class SegPairing:
    """A DICOM SEG with the CT series that it refers to."""

    structures: Segmentation
    series: CtSeries
    options: CohortOptions
