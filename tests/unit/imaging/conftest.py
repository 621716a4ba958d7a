"""The CT phantom and the filter phantoms of the IBSI."""

import numpy as np
import pytest

from perisurv.core import Geometry, Mask, Volume


def _read(path):
    import SimpleITK

    image = SimpleITK.ReadImage(str(path))
    direction = np.reshape(image.GetDirection(), (3, 3))[:, ::-1]
    grid = Geometry(image.GetSize()[::-1], image.GetSpacing()[::-1], image.GetOrigin(), tuple(map(tuple, direction)))
    return SimpleITK.GetArrayFromImage(image).astype(np.float32), grid


@pytest.fixture(scope="session")
def read_volume():
    """Reader of NIfTI files as a Volume."""
    return lambda path: Volume(*_read(path))


@pytest.fixture(scope="session")
def ct_phantom(test_data):
    """CT and GTV-1 of the IBSI-1 CT phantom."""
    folder = test_data / "ibsi1" / "ct_phantom" / "nifti"
    values, grid = _read(folder / "mask.nii.gz")
    return Volume(*_read(folder / "image.nii.gz")), Mask(values > 0, grid)
