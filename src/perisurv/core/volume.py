"""Images and masks: values on a Geometry. A Scan is a CT and its tumour on one Geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perisurv.core.brief import Brief
from perisurv.core.errors import GeometryError, RegionError
from perisurv.core.geometry import Geometry

__all__ = ["Mask", "Scan", "View", "Volume"]

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Volume(Brief):
    """A scalar image, for a CT in HU.

    Parameters
    ----------
    values
        Array (slices, rows, columns), stored as float32 and made read-only.
    geometry
        The grid of the values.

    Raises
    ------
    GeometryError
        If the array and the grid differ in shape, or a value is not finite.
    """

    values: NDArray[np.float32]
    geometry: Geometry

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float32).view()
        _check_shape(values, self.geometry)
        if not np.isfinite(values).all():
            raise GeometryError("An image holds values that are not finite; decode or mask them before use.")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    def crop(self, box: Box) -> Volume:
        """The part of the image inside the box."""
        return Volume(self.values[box], self.geometry.crop(box))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mask(Brief):
    """A binary region.

    Parameters
    ----------
    values
        Boolean array (slices, rows, columns), made read-only.
    geometry
        The grid of the values.

    Raises
    ------
    GeometryError
        If the array and the grid differ in shape, or the array is not boolean.
    """

    values: NDArray[np.bool_]
    geometry: Geometry

    def __post_init__(self) -> None:
        values = np.asarray(self.values).view()
        if values.dtype != np.bool_:
            raise GeometryError(f"A mask must be boolean, got {values.dtype}; compare with the label first.")
        _check_shape(values, self.geometry)
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @property
    def voxel_count(self) -> int:
        """Number of voxels inside."""
        return int(np.count_nonzero(self.values))

    @property
    def volume_ml(self) -> float:
        """Volume by voxel counting, ml."""
        return self.voxel_count * self.geometry.voxel_volume_mm3 / 1000.0

    def bounding_box(self, margin_mm: float = 0.0) -> Box:
        """Smallest box around the region plus a margin, clipped to the grid.

        Raises
        ------
        RegionError
            If the mask is empty.
        """
        box = []
        plane: NDArray[np.bool_] = np.logical_or.reduce(self.values, axis=0)
        occupied = self.values.any(axis=(1, 2)), plane.any(axis=1), plane.any(axis=0)
        for hits, n, step in zip(occupied, self.values.shape, self.geometry.spacing_mm, strict=True):
            hit = np.flatnonzero(hits)
            if hit.size == 0:
                raise RegionError("The mask is empty: it holds no voxel, so it has no bounding box.")
            pad = int(np.ceil(margin_mm / step))
            box.append(slice(max(int(hit[0]) - pad, 0), min(int(hit[-1]) + 1 + pad, n)))
        return box[0], box[1], box[2]

    def crop(self, box: Box) -> Mask:
        """The part of the mask inside the box."""
        return Mask(self.values[box], self.geometry.crop(box))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scan(Brief):
    """A CT and its tumour on one grid.

    Parameters
    ----------
    patient
        Study pseudonym of the patient.
    ct
        CT in HU on its native grid.
    tumour
        Tumour mask on the grid of the CT.
    acquisition
        What is known of the scan: ``slice_spacing_mm``, ``pixel_spacing_mm``, ``kernel``, ``scanner``.
    others
        Other lesions, which no ring of the tumour may take; None: none are known.
    lungs
        Both lungs as drawn, for the barrier ``lung``; None: they are looked for in the CT.

    Raises
    ------
    GeometryError
        If a mask does not lie on the grid of the CT.
    RegionError
        If the tumour is empty.
    """

    patient: str
    ct: Volume
    tumour: Mask
    acquisition: Mapping[str, float | str] = field(default_factory=dict)
    others: Mask | None = None
    lungs: Mask | None = None

    def __post_init__(self) -> None:
        for what, mask in (("other lesions", self.others), ("lungs", self.lungs)):
            if mask is not None and not self.ct.geometry.is_close(mask.geometry):
                raise GeometryError(f"Patient {self.patient}: CT and {what} do not share one grid; resample them.")
        if not self.ct.geometry.is_close(self.tumour.geometry):
            raise GeometryError(
                f"Patient {self.patient}: CT and tumour mask do not share one grid "
                f"(shape {self.ct.geometry.shape} and {self.tumour.geometry.shape}). Resample the mask first."
            )
        if self.tumour.voxel_count == 0:
            raise RegionError(f"Patient {self.patient}: the tumour mask is empty; check the contour.")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class View(Brief):
    """CT and tumour of an excluded patient as far as they can be read; for pictures, never for a study.

    Parameters
    ----------
    ct
        On the grid that its slices suggest, in what the files call HU.
    tumour
        On the grid of the CT; None where no contour can be drawn.
    remarks
        What is not drawn, and why.
    acquisition
        As in :class:`Scan`.
    """

    ct: Volume
    tumour: Mask | None = None
    remarks: tuple[str, ...] = ()
    acquisition: Mapping[str, float | str] = field(default_factory=dict)


def _check_shape(values: NDArray[np.generic], geometry: Geometry) -> None:
    if values.shape != geometry.shape:
        raise GeometryError(f"An array of shape {values.shape} does not fit a grid of shape {geometry.shape}.")
