"""Values of pyradiomics 3.0.1, written to ``radiomics_pyradiomics.json``; README.md says how to run it.

Runs in the environment of pyradiomics (``make peers``) and imports nothing of perisurv.
"""

import hashlib
import json
import logging
import platform
import sys
from pathlib import Path

import numpy as np
import pywt
import SimpleITK as Itk
from radiomics.featureextractor import RadiomicsFeatureExtractor
from random_regions import random_regions

import radiomics

HERE = Path(__file__).parent
SETTINGS = {"binWidth": 25.0, "label": 1}
FILTERS = {"LoG": {"sigma": [1.0, 3.0]}, "Wavelet": {"wavelet": "coif1", "start_level": 0, "level": 1}}
CLASSES = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
# Deprecated, yet pyradiomics gives them when asked by name; the other deprecated ones have no value.
DEPRECATED = {
    "shape": ["Compactness1", "Compactness2", "SphericalDisproportion"],
    "firstorder": ["StandardDeviation"],
}
PATIENTS = ("phantom", "lung1")
REGIONS = ("tumour", "ring_3mm")


def extractor(filters):
    """Everything that has a value, on the original image and these filtered ones."""
    found = RadiomicsFeatureExtractor(**SETTINGS, additionalInfo=False)
    found.disableAllImageTypes()
    found.enableImageTypes(Original={}, **filters)
    found.disableAllFeatures()
    for name in CLASSES:
        features = radiomics.getFeatureClasses()[name].getFeatureNames()
        wanted = [feature for feature, deprecated in features.items() if not deprecated]
        found.enableFeaturesByName(**{name: wanted + DEPRECATED.get(name, [])})
    return found


def values(image, mask, filters):
    """Features by image: ``{"original": {"shape_Elongation": ...}, ...}``."""
    found = {}
    for name, value in extractor(filters).execute(image, mask).items():
        picture, feature = name.split("_", 1)
        found.setdefault(picture, {})[feature] = float(f"{float(value):.9e}")
    return found


def sha256(image, mask):
    """Hash of the voxels: int16 HU, then uint8 mask, both [k, j, i] in C order."""
    image, mask = np.asarray(image, dtype="<i2"), np.asarray(mask, dtype=np.uint8)
    return hashlib.sha256(image.tobytes() + mask.tobytes()).hexdigest()[:16]


def synthetic():
    """The random regions: original image."""
    for region in random_regions():
        image = Itk.GetImageFromArray(region.image.astype(np.int16))
        mask = Itk.GetImageFromArray(region.mask.astype(np.uint8))
        for one in (image, mask):
            one.SetSpacing(region.spacing_mm[::-1])
        yield region.name, sha256(region.image, region.mask), values(image, mask, {})


def patients(folder):
    """The real patients: original, LoG and wavelet images of the tumour and of a ring."""
    for patient in PATIENTS:
        image = Itk.ReadImage(str(folder / patient / "image.nii.gz"))
        for region in REGIONS:
            mask = Itk.ReadImage(str(folder / patient / f"{region}.nii.gz"))
            key = sha256(Itk.GetArrayViewFromImage(image), Itk.GetArrayViewFromImage(mask))
            yield f"{patient}/{region}", key, values(image, mask, FILTERS)


def table(cases):
    """One list of names a set of features, one list of values a case and image."""
    names = {"original": [], "filtered": []}
    rows = {}
    for name, key, images in cases:
        rows[name] = {"sha256": key}
        for picture, features in images.items():
            kind = "original" if picture == "original" else "filtered"
            names[kind] = names[kind] or list(features)
            assert list(features) == names[kind], (name, picture)
            rows[name][picture] = list(features.values())
        print(name, len(images), "images", flush=True)
    return {"features": names, "values": rows}


def main(folder):
    logging.getLogger("radiomics").setLevel(logging.ERROR)
    versions = {"pyradiomics": radiomics.__version__, "python": platform.python_version()}
    versions |= {"numpy": np.__version__, "PyWavelets": pywt.__version__, "SimpleITK": Itk.Version_VersionString()}
    found = {
        "source": "pyradiomics, run by tests/golden/radiomics_pyradiomics.py",
        "versions": versions,
        "settings": SETTINGS | {"images of the patients": FILTERS, "everything else": "default"},
        "random_regions": table(synthetic()),
        "patients": table(patients(folder)),
    }
    text = json.dumps(found, separators=(",", ":")).replace('"sha256"', '\n"sha256"').replace('],"', '],\n"')
    (HERE / "radiomics_pyradiomics.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
