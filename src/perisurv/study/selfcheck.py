"""The reference values of the IBSI against this installation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from perisurv.cohort.volumes import read_volume
from perisurv.core import InputError, Mask, Volume
from perisurv.radiomics import CONFIGURATIONS, SelfTestRow, self_test

__all__ = ["by_family", "ibsi_check"]


def ibsi_check(ct_phantom: Path | None = None) -> list[SelfTestRow]:
    """Every reference value of the digital phantom and, if its folder is given, of the CT phantom.

    Parameters
    ----------
    ct_phantom
        Folder with ``image.nii.gz`` and ``mask.nii.gz`` of the CT phantom.

    Raises
    ------
    InputError
        If the folder lacks a file.
    """
    rows = self_test()
    if ct_phantom is None:
        return rows
    paths = [ct_phantom / "image.nii.gz", ct_phantom / "mask.nii.gz"]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path} is missing; give the folder with the NIfTI files of the IBSI CT phantom.")
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
