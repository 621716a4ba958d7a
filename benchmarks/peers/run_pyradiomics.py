"""pyradiomics, timed in its own process: one ``execute`` a mask, all images."""

import time

BEGAN = time.perf_counter()

import logging  # noqa: E402
import os  # noqa: E402

os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))

import harness  # noqa: E402
import SimpleITK as Itk  # noqa: E402
from radiomics.featureextractor import RadiomicsFeatureExtractor  # noqa: E402

CLASSES = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


def main() -> None:
    task = harness.parse()
    logging.getLogger("radiomics").setLevel(logging.ERROR)
    settings = {"binWidth": harness.BIN_WIDTH_HU, "resegmentRange": list(harness.RANGE_HU), "additionalInfo": False}
    extractor = RadiomicsFeatureExtractor(**settings)
    extractor.disableAllImageTypes()
    extractor.enableImageTypes(Original={})
    if task.images == "filtered":
        log = {"sigma": list(harness.SIGMAS_MM), "binCount": harness.FILTERED_BINS}
        extractor.enableImageTypes(LoG=log, Wavelet={"wavelet": harness.WAVELET, "binCount": harness.FILTERED_BINS})
    extractor.disableAllFeatures()
    for name in CLASSES:
        extractor.enableFeatureClassByName(name)
    image = Itk.ReadImage(str(task.case / "image.nii.gz"))
    masks = [Itk.ReadImage(str(task.case / f"{name}.nii.gz")) for name in task.regions]
    harness.measure(task, lambda: sum(len(extractor.execute(image, mask)) for mask in masks), CLASSES, BEGAN)


if __name__ == "__main__":
    main()
