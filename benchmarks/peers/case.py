"""Cases of the radiomics benchmark as NIfTI files, made by perisurv from the CT phantom of the IBSI."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray

from perisurv.core import Geometry, Mask, Region, RegionSet, Scan, Volume
from perisurv.regions import rings
from perisurv.regions.options import RingOptions

REGIONS = ("tumour", "ring_3mm", "ring_6mm", "ring_9mm")
# Factor on the spacing of the phantom's header: the same anatomy, larger or smaller.
SCALES = {"phantom": 1.0, "large": 1.62, "small": 0.364}


def make_case(phantom: Path, folder: Path, scale: float) -> dict[str, int]:
    """Write image, tumour and rings on 1 mm and the native pair; returns the voxels of each region."""
    folder.mkdir(parents=True, exist_ok=True)
    image, mask = (sitk.ReadImage(str(phantom / f"{name}.nii.gz")) for name in ("image", "mask"))
    for one, name in ((image, "native_image"), (mask, "native_tumour")):
        one.SetSpacing([scale * step for step in one.GetSpacing()])
        sitk.WriteImage(sitk.Cast(one, sitk.sitkInt16), str(folder / f"{name}.nii.gz"))
    regions = rings(read_scan(folder), RingOptions(barrier="none"))
    _write(regions.image.values, regions.image.geometry, folder / "image.nii.gz", sitk.sitkInt16)
    for region in regions:
        _write(
            region.mask.values.astype(np.uint8), region.mask.geometry, folder / f"{region.name}.nii.gz", sitk.sitkUInt8
        )
    return {region.name: region.mask.voxel_count for region in regions}


def read_scan(folder: Path) -> Scan:
    """The native pair of a case."""
    ct, mask = (_read(folder / f"{name}.nii.gz") for name in ("native_image", "native_tumour"))
    return Scan("phantom", Volume(ct[0].astype(np.float32), ct[1]), Mask(mask[0] > 0, mask[1]))


def read_regions(folder: Path) -> RegionSet:
    """Image and regions of a case on 1 mm."""
    values, geometry = _read(folder / "image.nii.gz")
    image = Volume(values.astype(np.float32), geometry)
    masks = {name: _read(folder / f"{name}.nii.gz")[0] > 0 for name in REGIONS}
    return RegionSet("phantom", image, tuple(Region(name, Mask(inside, geometry)) for name, inside in masks.items()))


def _read(path: Path) -> tuple[NDArray[np.generic], Geometry]:
    image = sitk.ReadImage(str(path))
    values = sitk.GetArrayFromImage(image)
    k, j, i = values.shape
    spacing = image.GetSpacing()
    return values, Geometry((k, j, i), (spacing[2], spacing[1], spacing[0]))


def _write(values: NDArray[np.generic], geometry: Geometry, path: Path, kind: int) -> None:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(geometry.spacing_mm[::-1])
    sitk.WriteImage(sitk.Cast(image, kind), str(path))
