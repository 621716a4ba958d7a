"""An image and a mask as research files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perisurv.cohort.sources.paths import moved
from perisurv.cohort.volumes import read_volume
from perisurv.core import GeometryError, Mask, Scan, Volume

__all__ = ["PairSource"]


@dataclass(frozen=True, slots=True)
class PairSource:
    """An image in HU and a mask as NIfTI, NRRD or MetaImage; every voxel of the mask above zero is tumour."""

    root: Path
    image: str
    mask: str

    def read(self, patient: str) -> Scan:
        """Read both files.

        Raises
        ------
        ReadError
            If a file is gone or cannot be decoded.
        GeometryError
            If the grids differ by more than 1 % of a voxel.
        """
        values, geometry = read_volume(self.root / self.image, f"Patient {patient}: {self.image}")
        labels, grid = read_volume(self.root / self.mask, f"Patient {patient}: {self.mask}")
        if not geometry.is_close(grid, 0.01 * min(geometry.spacing_mm)):
            raise GeometryError(f"Patient {patient}: {self.image} and {self.mask} do not share one grid; resample one.")
        acquisition: dict[str, float | str] = {
            "slice_spacing_mm": geometry.spacing_mm[0],
            "pixel_spacing_mm": geometry.spacing_mm[1],
        }
        return Scan(patient, Volume(values, geometry), Mask(labels > 0, geometry), acquisition)

    def describe(self) -> dict[str, str]:
        """Everything but the root, as text."""
        return {"kind": "pair", "image": self.image, "mask": self.mask}

    def below(self, root: Path) -> PairSource:
        """The same source with names relative to another root."""
        return PairSource(root, moved(self.image, self.root, root), moved(self.mask, self.root, root))
