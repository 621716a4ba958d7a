"""A structure set beside its CT: the tumour among its ROIs, and the voxels that it fills; each worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perisurv.cohort.ct import CtSeries
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.rtstruct import Drawing, Roi, RoiChoice, RoiEntry, Stack, StructureSet, draw, stack_of
from perisurv.cohort.rtstruct.contours import rough_volume_mm3
from perisurv.core import Geometry, GeometryError

__all__ = ["Pairing"]


@dataclass(frozen=True, eq=False)
class Pairing:
    """A structure set with the CT series that it refers to."""

    structures: StructureSet
    series: CtSeries
    options: CohortOptions
    noun: str = "ROI"

    @property
    def file(self) -> str:
        """The structure set, for messages."""
        return self.structures.name

    @property
    def entries(self) -> tuple[RoiEntry, ...]:
        """All its ROIs."""
        return self.structures.entries

    @property
    def choice(self) -> RoiChoice:
        """What the rules chose."""
        return self.structures.choice

    @cached_property
    def geometry(self) -> Geometry:
        """The grid of the CT."""
        return self.series.geometry()

    @cached_property
    def tumour(self) -> tuple[Roi, ...]:
        """The ROIs of the tumour: those that the winning rule matches; those without contours only if all are."""
        found = tuple(self.structures.rois[n] for n in self.structures.choice.tumour)
        found = tuple(r for r in found if r.contours or r.problem) or found[:1]
        if self.options.several_rois == "largest" and found:
            return (max(found, key=lambda r: rough_volume_mm3(r.contours)),)
        return found

    @cached_property
    def others(self) -> tuple[Roi, ...]:
        """The ROIs of other lesions that have contours."""
        tumour = {r.entry.number for r in self.tumour}
        found = (self.structures.rois[n] for n in self.structures.choice.others if n not in tumour)
        return tuple(r for r in found if r.contours or r.problem)

    @cached_property
    def lungs(self) -> tuple[Roi, ...]:
        """The ROIs of the lungs that have contours."""
        found = (self.structures.rois[n] for n in self.structures.choice.lungs)
        return tuple(r for r in found if r.contours or r.problem)

    @cached_property
    def drawn(self) -> tuple[Roi, ...]:
        """All ROIs that are read: tumour, other lesions, lungs."""
        return *self.tumour, *self.others, *self.lungs

    @cached_property
    def label(self) -> str:
        """The ROI and its file, for messages."""
        names = " and ".join(r.name for r in self.tumour)
        return f"{'ROIs' if len(self.tumour) > 1 else 'ROI'} {names} of {self.structures.name}"

    @cached_property
    def stacks(self) -> tuple[Stack, ...]:
        """The planes of every ROI of the tumour."""
        return tuple(self._stack(r) for r in self.tumour)

    @cached_property
    def other_stacks(self) -> tuple[Stack, ...]:
        """The planes of every other lesion."""
        return tuple(self._stack(r) for r in self.others)

    @cached_property
    def drawn_stacks(self) -> tuple[Stack, ...]:
        """The planes of all ROIs that are read."""
        return *self.stacks, *self.other_stacks, *(self._stack(r) for r in self.lungs)

    @cached_property
    def drawings(self) -> tuple[Drawing, ...]:
        """The voxels of every ROI of the tumour."""
        interpolate = self.options.between_slices == "interpolate"
        return tuple(draw(stack, self.geometry, interpolate=interpolate) for stack in self.stacks)

    @cached_property
    def voxels(self) -> int:
        """Voxels of the tumour, those of several ROIs counted once."""
        if len(self.drawings) == 1:
            return int(self.drawings[0].values.sum())
        inside = [np.argwhere(d.values) + [s.start for s in d.box] for d in self.drawings]
        return len(np.unique(np.concatenate(inside), axis=0))

    def _stack(self, roi: Roi) -> Stack:
        try:
            return stack_of(roi.contours, self.geometry)
        except GeometryError as error:
            raise GeometryError(f"ROI {roi.name} of {self.structures.name}: {error}") from error
