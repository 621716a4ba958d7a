"""The voxels of a region as runs of rows: what all features of intensities work on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from perisurv.core import FeatureError

__all__ = ["MAX_LEVELS", "Bins", "Box", "GreyLevels", "Raster", "box_of"]

Positions = NDArray[np.int64]
Bins = tuple[float, float, float, int]
Box = tuple[slice, slice, slice]
MAX_LEVELS = 4096
# A kernel reads whole blocks: at most this many voxels beyond the box.
GUARD = 64


def box_of(mask: NDArray[np.bool_]) -> Box:
    """Smallest box around a mask of at least one voxel."""
    from perisurv.radiomics.kernels import raster as kernels  # noqa: PLC0415 (numba, only here)

    k0, k1, j0, j1, i0, i1 = (int(n) for n in kernels.bounds(np.ascontiguousarray(mask)))
    return slice(k0, k1), slice(j0, j1), slice(i0, i1)


@dataclass(frozen=True, eq=False)
class Raster:
    """Runs of the rows of a region inside a box that has a border of one voxel.

    Parameters
    ----------
    shape
        Of the padded box.
    runs
        Rows (start, end, slice, row, column): flat positions in the padded box; where the run begins in the image.
    image_shape
        Of the image that the region lies on.
    """

    shape: tuple[int, int, int]
    runs: Positions
    image_shape: tuple[int, int, int]

    @classmethod
    def of(cls, mask: NDArray[np.bool_], box: Box, crop: Box | None = None) -> Raster:
        """The voxels of a mask (slices, rows, columns) that lie inside the box.

        Parameters
        ----------
        mask
            The region.
        box
            Around the region.
        crop
            Part of the grid of the mask that the images are cropped to; all of it by default.
        """
        from perisurv.radiomics.kernels import raster as kernels  # noqa: PLC0415 (numba, only here)

        bounds = np.array([side.indices(n)[:2] for side, n in zip(box, mask.shape, strict=True)])
        nk, nj, ni = (int(n) + 2 for n in bounds[:, 1] - bounds[:, 0])
        row, plane = ni, ni * nj
        runs = kernels.encode(np.ascontiguousarray(mask), bounds.ravel(), cls._guard(plane) + plane + row + 1)
        shape = mask.shape
        if crop is not None:
            runs[:, 2:] -= [side.start for side in crop]
            shape = tuple(side.stop - side.start for side in crop)
        return cls((nk, nj, ni), runs, (shape[0], shape[1], shape[2]))

    def within(self, values: NDArray[np.float32], low: float, high: float) -> Raster:
        """The voxels whose values, as :meth:`gather` gives them, lie within the range; itself if all do."""
        from perisurv.radiomics.kernels import raster as kernels  # noqa: PLC0415 (numba, only here)

        if values.size == 0 or (values.min() >= low and values.max() <= high):
            return self
        return Raster(self.shape, kernels.cut(self.runs, values, low, high), self.image_shape)

    @staticmethod
    def _guard(plane: int) -> int:
        """Voxels before and after the box, whole slices, so that positions divided by ``plane`` are slices."""
        return plane * -(-GUARD // plane)

    @property
    def row(self) -> int:
        """Step to the next row."""
        return self.shape[2]

    @property
    def plane(self) -> int:
        """Step to the next slice."""
        return self.shape[1] * self.shape[2]

    @property
    def n_positions(self) -> int:
        """Length of the flat padded box with its guards."""
        return self.shape[0] * self.plane + 2 * self._guard(self.plane)

    @cached_property
    def starts(self) -> Positions:
        """Position of the first voxel of every run."""
        return np.ascontiguousarray(self.runs[:, 0])

    @cached_property
    def ends(self) -> Positions:
        """Position after the last voxel of every run."""
        return np.ascontiguousarray(self.runs[:, 1])

    @cached_property
    def n_voxels(self) -> int:
        """Voxels of the region."""
        return int((self.ends - self.starts).sum())

    @cached_property
    def _sources(self) -> Positions:
        _, nj, ni = self.image_shape
        return np.asarray((self.runs[:, 2] * nj + self.runs[:, 3]) * ni + self.runs[:, 4])

    def mask(self) -> NDArray[np.bool_]:
        """The voxels as an array (slices, rows, columns) of the padded box."""
        from perisurv.radiomics.kernels import raster as kernels  # noqa: PLC0415 (numba, only here)

        flat = kernels.filled(self.starts, self.ends, self.n_positions)
        guard = self._guard(self.plane)
        return np.asarray(flat[guard : flat.size - guard].reshape(self.shape))

    def slices(self) -> list[Raster]:
        """One raster for each slice that holds voxels, all in this box."""
        cuts = np.flatnonzero(np.diff(self.runs[:, 2])) + 1
        return [Raster(self.shape, runs, self.image_shape) for runs in np.split(self.runs, cuts)]

    def gather(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Intensities of the voxels, in raster order, from an image of the shape of the mask.

        Raises
        ------
        FeatureError
            If the image has another shape.
        """
        from perisurv.radiomics.kernels import raster as kernels  # noqa: PLC0415 (numba, only here)

        if image.shape != self.image_shape:
            raise FeatureError(
                f"The image has shape {image.shape}, its region {self.image_shape}; resample one of them."
            )
        flat = np.ascontiguousarray(image, dtype=np.float32).reshape(-1)
        return np.asarray(kernels.gather(flat, self._sources, self.ends - self.starts))

    def place(self, values: NDArray[np.float32], bins: Bins) -> GreyLevels:
        """Grey levels ``floor(numerator (value - lower) / denominator) + 1`` of the values, at most ``highest``.

        Parameters
        ----------
        values
            As :meth:`gather` gives them.
        bins
            Lower, numerator, denominator, highest.
        """
        from perisurv.radiomics.kernels import raster as kernels  # noqa: PLC0415 (numba, only here)

        kind: type[np.unsignedinteger] = np.uint8 if bins[3] <= 255 else np.uint16
        levels: NDArray[np.unsignedinteger] = np.zeros(self.n_positions, dtype=kind)
        counts = kernels.place_levels(values, self.starts, self.ends, bins, levels)
        return GreyLevels(self, levels, counts)

    def edge_distance(self, *, planar: bool = False) -> NDArray[np.uint16]:
        """City-block distance of every position to the outside of the region, in voxels: 1 at its border."""
        from perisurv.radiomics.kernels import raster as kernels  # noqa: PLC0415 (numba, only here)

        steps = np.array([1, self.row, self.plane][: 2 if planar else 3])
        return np.asarray(kernels.edge_distance(self.starts, self.ends, steps, self.n_positions))


@dataclass(frozen=True, slots=True, eq=False)
class GreyLevels:
    """Grey levels of a region.

    Parameters
    ----------
    raster
        Where the voxels lie.
    levels
        Level of every position of the padded box; 0 outside the region.
    counts
        Voxels of every possible level 0, 1, 2, ...; none of level 0.
    """

    raster: Raster
    levels: NDArray[np.unsignedinteger]
    counts: NDArray[np.int64]

    @property
    def highest(self) -> int:
        """Highest possible level."""
        return self.counts.size - 1
