"""What an image must be that comes without the header of a scanner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.checks.base import Check, Verdict, failed

__all__ = ["IMAGE_CHECKS", "HounsfieldValues", "ImageFile"]

# A CT of the chest holds air: in the lungs about -850 HU, around the patient -1000.
_AIR_HU = -200.0


@dataclass(frozen=True, slots=True, eq=False)
class ImageFile:
    """An image and its values; ``name`` stands in messages."""

    name: str
    values: NDArray[np.float32]


class HounsfieldValues:
    """The values can be HU of a chest."""

    id = "not_hu"
    title = "values plausible as HU"
    fault = "not HU"
    requires = "an image as NIfTI, NRRD or MetaImage"

    def judge(self, image: ImageFile, /) -> Verdict:
        """State their range."""
        broken = int(image.values.size - np.count_nonzero(np.isfinite(image.values)))
        if broken:
            return failed(
                f"{image.name} holds {broken} voxels of {image.values.size} whose value is not finite (NaN or "
                "infinite); what belongs there is not guessed. Write air (-1000 HU) where nothing was scanned.",
                broken,
            )
        low, high = float(image.values.min()), float(image.values.max())
        said = f"values from {low:g} to {high:g}"
        if low >= 0:
            return failed(
                f"{image.name} holds {said}, none below zero: stored values without their rescale (HU + 1024), or "
                "scaled ones. Convert the CT again to HU.",
                low,
            )
        if low > _AIR_HU:
            return failed(
                f"{image.name} holds {said}, and no air below {_AIR_HU:g} HU as every CT of a chest does; it was "
                "scaled, windowed or cut to the tumour. Convert the whole CT again to HU.",
                low,
            )
        return Verdict(True, f"{said[0].upper()}{said[1:]} HU.", low)


IMAGE_CHECKS: tuple[Check[ImageFile], ...] = (HounsfieldValues(),)
