"""Which research files belong to which patient: the layouts that public data and the usual converters have.

==================================================  =======================================================
``sub-P1/anat/sub-P1_ct``, ``sub-P1_label-GTV_mask``  BIDS, masks beside the images or among the derivatives
``imagesTr/P1`` or ``P1_0000``, ``labelsTr/P1``       Decathlon, nnU-Net, HECKTOR (``Ts``, ``Val``)
``images/P1``, ``labels/P1`` (``masks``, ``gtv``)     and folders of patients below both
``P1/image``, ``P1/mask_GTV`` or ``P1/masks/GTV``     converters of RTSTRUCT, KiTS, 3D Slicer, TotalSegmentator
``P1_ct``, ``P1_gtv`` in one folder                   also ``P1``, ``P1_mask`` and ``image_1``, ``mask_1``
==================================================  =======================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from perisurv.cohort.layout_bids import by_subject
from perisurv.cohort.layout_folders import Files, IsCt, by_folder
from perisurv.cohort.layout_trees import by_trees

__all__ = ["LAYOUTS", "Files", "patients_of"]

# What a message asks for where no image has found its mask.
LAYOUTS = (
    "P1/image.nii.gz with P1/mask.nii.gz or P1/masks/GTV.nii.gz",
    "P1_ct.nii.gz with P1_gtv.nii.gz in one folder",
    "P1.nii.gz with P1_mask.nii.gz",
    "images/P1.nii.gz with labels/P1.nii.gz",
    "imagesTr/P1_0000.nii.gz with labelsTr/P1.nii.gz",
    "sub-P1_ct.nii.gz with sub-P1_label-GTV_mask.nii.gz",
)


def patients_of(volumes: Iterable[Path], root: Path, is_ct: IsCt) -> list[Files]:
    """Sort volumes to patients, each layout taking its files from those that the ones before left.

    Parameters
    ----------
    volumes
        Files.
    root
        Folder of the cohort.
    is_ct
        Whether the values of a file can be those of a CT; asked only where names leave it open.
    """
    subjects, left = by_subject(sorted(volumes))
    trees, left = by_trees(left, root)
    return subjects + trees + by_folder(left, root, is_ct)
