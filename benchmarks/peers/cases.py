"""Cases of the radiomics benchmark and of the pyradiomics reference, as NIfTI files that every engine reads.

``python benchmarks/peers/cases.py FOLDER`` writes all of them. A case is a folder with ``image.nii.gz`` and one mask a
region.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from perisurv.core import Geometry, Mask, RegionSet, Scan, Volume
from perisurv.regions import RingOptions, rings

ROOT = Path(__file__).parents[2]
WIDTHS_MM = (3.0, 6.0, 9.0)
# Sizes of the phantom's voxels against the real ones: 2.9 k, 17 k, 122 k and 1.5 M voxels in the tumour.
SCALES = {"tiny": 0.2, "small": 0.36, "half": 0.7, "large": 1.61}


def data_folder() -> Path:
    """Folder of the real data."""
    return Path(os.environ.get("PERISURV_TEST_DATA", ROOT.parent / "shared" / "data"))


def phantom() -> Scan:
    """The CT phantom of the IBSI on its native grid."""
    folder = data_folder() / "ibsi1" / "ct_phantom" / "nifti"
    image, geometry = read(folder / "image.nii.gz")
    mask, _ = read(folder / "mask.nii.gz")
    return Scan("phantom", Volume(image, geometry), Mask(mask > 0, geometry))


def lung1() -> Scan:
    """LUNG1-001 from its DICOM files."""
    from perisurv.cohort import read_patient

    (patient,) = read_patient(data_folder() / "lung1_001")
    return patient.load()


def scaled(scan: Scan, factor: float) -> Scan:
    """The same patient on voxels of another size: the scan of a larger or smaller person."""
    geometry = scan.ct.geometry
    k, j, i = (step * factor for step in geometry.spacing_mm)
    grid = Geometry(geometry.shape, (k, j, i), geometry.origin_mm, geometry.direction)
    return Scan(scan.patient, Volume(scan.ct.values, grid), Mask(scan.tumour.values, grid))


def regions_of(scan: Scan) -> RegionSet:
    """Tumour and annuli at 1 mm."""
    return rings(scan, RingOptions(widths_mm=WIDTHS_MM, kind="annulus", barrier="none"))


def write(folder: Path, regions: RegionSet) -> None:
    """Image and masks of one patient."""
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / "image.nii.gz", regions.image.values.astype(np.int16), regions.image.geometry)  # whole HU
    for region in regions:
        save(folder / f"{region.name}.nii.gz", region.mask.values.astype(np.uint8), region.mask.geometry)


def read(path: Path) -> tuple[np.ndarray, Geometry]:
    """Values and grid of a NIfTI file."""
    import SimpleITK as Itk

    image = Itk.ReadImage(str(path))
    (xi, xj, xk), (yi, yj, yk), (zi, zj, zk) = np.reshape(image.GetDirection(), (3, 3)).tolist()
    size, step, origin = image.GetSize()[::-1], image.GetSpacing()[::-1], image.GetOrigin()
    return Itk.GetArrayFromImage(image), Geometry(size, step, origin, ((xk, xj, xi), (yk, yj, yi), (zk, zj, zi)))


def save(path: Path, values: np.ndarray, geometry: Geometry) -> None:
    """Write one NIfTI file."""
    import SimpleITK as Itk

    image = Itk.GetImageFromArray(np.ascontiguousarray(values))
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(np.asarray(geometry.direction)[:, ::-1].ravel().tolist())
    Itk.WriteImage(image, str(path))


def main(folder: Path) -> None:
    """Write every case that is not there yet."""
    makers = {"phantom": phantom, "lung1": lung1}
    for name, factor in SCALES.items():
        makers[name] = lambda factor=factor: scaled(phantom(), factor)
    for name, make in makers.items():
        if (folder / name / ".ready").exists():
            continue
        regions = regions_of(make())
        write(folder / name, regions)
        counts = {region.name: region.mask.voxel_count for region in regions}
        print(name, regions.image.values.shape, counts, sum(counts.values()))
        (folder / name / ".ready").touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
