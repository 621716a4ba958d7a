"""The reference values of the IBSI against this installation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from perisurv.cohort.volumes import read_volume
from perisurv.core import InputError, Mask, Volume
from perisurv.radiomics import CONFIGURATIONS, SelfTestRow, self_test

__all__ = ["by_family", "ibsi_check"]

# As the IBSI publishes the CT phantom, and side by side.
LAYOUTS = (("image/phantom.nii.gz", "mask/mask.nii.gz"), ("image.nii.gz", "mask.nii.gz"))


def ibsi_check(ct_phantom: Path | None = None) -> list[SelfTestRow]:
    """Every reference value of the digital phantom and, if its folder is given, of the CT phantom.

    Parameters
    ----------
    ct_phantom
        Folder with the CT phantom: ``image/phantom.nii.gz`` and ``mask/mask.nii.gz`` as in the data sets of the IBSI,
        or ``image.nii.gz`` and ``mask.nii.gz``.

    Raises
    ------
    InputError
        If the folder lacks a file.
    """
    rows = self_test()
    if ct_phantom is None:
        return rows
    layouts = [[ct_phantom / name for name in layout] for layout in LAYOUTS]
    paths = next((paths for paths in layouts if all(path.is_file() for path in paths)), None)
    if paths is None:
        raise InputError(
            f"{ct_phantom} lacks image/phantom.nii.gz or mask/mask.nii.gz; give the folder "
            "ibsi_1_ct_radiomics_phantom/nifti of the data sets of the IBSI (https://github.com/theibsi/data_sets)."
        )
    (image, grid), (inside, mask_grid) = (read_volume(path, path.name) for path in paths)
    pair = Volume(image, grid), Mask(inside > 0, mask_grid)
    return rows + [row for name in CONFIGURATIONS if len(name) == 1 for row in self_test(name, *pair)]


def by_family(rows: Iterable[SelfTestRow]) -> dict[tuple[str, str], tuple[int, int]]:
    """(configuration, family) -> values within tolerance, all values."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        matched, total = counts.get((row.configuration, row.family), (0, 0))
        counts[row.configuration, row.family] = matched + row.ok, total + 1
    return counts
