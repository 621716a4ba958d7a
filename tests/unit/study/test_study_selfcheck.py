"""The CT phantom of the IBSI is found as it is downloaded, and as two files side by side."""

import numpy as np
import pytest
import SimpleITK

from perisurv.core import InputError
from perisurv.study import selfcheck


@pytest.mark.parametrize(
    ("image", "mask"), [("image/phantom.nii.gz", "mask/mask.nii.gz"), ("image.nii.gz", "mask.nii.gz")]
)
def test_the_phantom_is_found_in_both_layouts(tmp_path, monkeypatch, image, mask):
    inside = np.zeros((6, 8, 10), np.uint8)
    inside[2:4, 3:6, 4:7] = 1
    for name, values in ((image, np.full(inside.shape, -3, np.int16)), (mask, inside)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values), str(tmp_path / name))
    given = []
    monkeypatch.setattr(selfcheck, "self_test", lambda *arguments: given.append(arguments) or [])
    selfcheck.ibsi_check(tmp_path)
    assert [name for name, *_ in filter(None, given)] == ["A", "B", "C", "D", "E"]
    _, volume, tumour = given[-1]
    assert (volume.values == -3).all()
    assert tumour.voxel_count == 18


@pytest.mark.parametrize("files", [(), ("image.nii.gz",), ("image/phantom.nii.gz", "mask.nii.gz")])
def test_a_folder_without_the_phantom_is_told_where_it_is(tmp_path, monkeypatch, files):
    monkeypatch.setattr(selfcheck, "self_test", lambda *_: [])
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="https://github.com/theibsi/data_sets"):
        selfcheck.ibsi_check(tmp_path)
