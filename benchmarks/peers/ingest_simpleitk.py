"""One DICOM patient to tumour, rings and lungs by SimpleITK, the contours by platipy or dcmrtstruct2nii.

``ingest_simpleitk.py FOLDER REPEATS platipy|dcmrtstruct2nii``. What a user of these packages writes, done kindly: the
CT is read once, cropped around the tumour before resampling, distances are exact and in mm.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import ingest_clock  # sets one core before ITK loads
import SimpleITK as sitk  # noqa: N813  (its usual name)

ROI = "GTV-1"
SPACING_MM = 1.0


def contours_platipy(ct_folder: Path, structures: Path, out: Path) -> sitk.Image:
    from platipy.dicom.io.rtstruct_to_nifti import convert_rtstruct

    convert_rtstruct(str(ct_folder), str(structures), prefix="", output_dir=str(out))
    return sitk.ReadImage(str(next(out.glob(f"*{ROI}*.nii.gz"))))


def contours_dcmrtstruct2nii(ct_folder: Path, structures: Path, out: Path) -> sitk.Image:
    from dcmrtstruct2nii import dcmrtstruct2nii

    options = {"structures": [ROI], "convert_original_dicom": False, "gzip": False}
    dcmrtstruct2nii(str(structures), str(ct_folder), str(out), **options)
    return sitk.ReadImage(str(next(out.glob("mask*.nii"))))


def ct_and_structures(folder: Path) -> tuple[Path, Path]:
    """The folder of the CT and the structure set, by their names in the test data."""
    files = sorted(p for p in folder.rglob("*.dcm"))
    structures = next(p for p in files if "rtstruct" in str(p).lower())
    slices = [p.parent for p in files if p != structures]
    return max(set(slices), key=slices.count), structures


def read_ct(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def lungs(ct: sitk.Image) -> sitk.Image:
    """Air that does not touch the sides of the image, its two largest parts, closed."""
    parts = sitk.ConnectedComponent(sitk.BinaryThreshold(ct, -3000, -400))
    parts = sitk.RelabelComponent(parts, sortByObjectSize=True, minimumObjectSize=10_000)
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(parts)
    width, height, _ = ct.GetSize()
    inside = []
    for label in statistics.GetLabels():
        x, y, _, dx, dy, _ = statistics.GetBoundingBox(label)
        if x > 0 and y > 0 and x + dx < width and y + dy < height:
            inside.append(label)
    found = parts == inside[0]
    for label in inside[1:2]:
        found = found | (parts == label)
    return sitk.BinaryMorphologicalClosing(found, (6, 6, 2))


def cropped(ct: sitk.Image, mask: sitk.Image) -> tuple[sitk.Image, sitk.Image]:
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(sitk.Cast(mask > 0, sitk.sitkUInt8))
    box = statistics.GetBoundingBox(1)
    part = []
    for axis, (n, step) in enumerate(zip(ct.GetSize(), ct.GetSpacing(), strict=True)):
        margin = ingest_clock.MARGIN_MM / step
        part.append(slice(max(0, int(box[axis] - margin)), min(n, int(box[axis] + box[axis + 3] + margin) + 1)))
    return ct[tuple(part)], mask[tuple(part)]


def resampled(image: sitk.Image, interpolator: int) -> sitk.Image:
    size = [round(n * s / SPACING_MM) for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    filt = sitk.ResampleImageFilter()
    filt.SetOutputSpacing((SPACING_MM,) * 3)
    filt.SetSize(size)
    filt.SetOutputOrigin(image.GetOrigin())
    filt.SetOutputDirection(image.GetDirection())
    filt.SetInterpolator(interpolator)
    filt.SetDefaultPixelValue(0)
    return filt.Execute(image)


def patient(folder: Path) -> dict[str, float]:
    """Read CT and contour, resample, segment the lungs, draw the rings inside them."""
    ct_folder, structures = ct_and_structures(folder)
    contours = {"platipy": contours_platipy, "dcmrtstruct2nii": contours_dcmrtstruct2nii}[sys.argv[3]]
    ct = read_ct(ct_folder)
    with tempfile.TemporaryDirectory() as out, Path(os.devnull).open("w") as quiet, contextlib.redirect_stdout(quiet):
        mask = contours(ct_folder, structures, Path(out))
    lung = sitk.Cast(lungs(ct), sitk.sitkFloat32)
    lung.CopyInformation(ct)
    mask = sitk.Cast(mask > 0, sitk.sitkFloat32)
    mask.CopyInformation(ct)
    near_ct, near_mask = cropped(ct, mask)
    near_lung, _ = cropped(lung, mask)
    resampled(sitk.Cast(near_ct, sitk.sitkFloat32), sitk.sitkBSpline)
    tumour = resampled(near_mask, sitk.sitkLinear) >= 0.5
    allowed = resampled(near_lung, sitk.sitkLinear) >= 0.5
    distance = sitk.SignedMaurerDistanceMap(tumour, squaredDistance=False, useImageSpacing=True)
    volumes = {"tumour": sitk.GetArrayViewFromImage(tumour).sum() / 1000.0}
    for width in ingest_clock.WIDTHS_MM:
        ring = (distance > 0) & (distance <= width) & allowed
        volumes[f"ring_{width:g}mm"] = sitk.GetArrayViewFromImage(ring).sum() / 1000.0
    return {name: float(value) for name, value in volumes.items()}


if __name__ == "__main__":
    ingest_clock.measure(patient)
