"""Which research files belong to which patient: by folder, by the start of their names, or as nnU-Net lays them out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perisurv.cohort.walk import VOLUME_SUFFIXES

__all__ = ["Files", "patients_of", "stem"]

_IMAGE = re.compile(r"(image|img|ct)(?![a-z])", re.IGNORECASE)
_IMAGE_AT_END = re.compile(r"(?P<patient>.+?)[-_. ]+(image|img|ct)", re.IGNORECASE)
_MASK_FOLDERS = frozenset({"contours", "labels", "mask", "masks", "roi", "rois", "segmentation", "segmentations"})
# nnU-Net: imagesTr/ID_0000.nii.gz (first channel) and labelsTr/ID.nii.gz.
_NNUNET = re.compile(r"(images|labels)(Tr|Ts|Val)")
_CHANNEL = re.compile(r"(?P<patient>.+)_(?P<channel>\d{4})")


@dataclass(slots=True)
class Files:
    """Research files of one patient.

    Parameters
    ----------
    patient
        What the folder or the names of the files call the patient.
    place
        The folder, or a file where the folder holds several patients; for messages.
    images
        The CT, or several candidates.
    masks
        Name of a region, and its file.
    """

    patient: str
    place: Path
    images: list[Path] = field(default_factory=list)
    masks: list[tuple[str, Path]] = field(default_factory=list)


def patients_of(volumes: Iterable[Path], root: Path) -> list[Files]:
    """Sort volumes to patients.

    A folder with one image (``image*``, ``img*``, ``ct*`` or ``*_image``, ``*_img``, ``*_ct``) is a patient, and every
    other volume in it or in its folder ``masks`` a mask. A folder with several images ``ID_ct`` holds as many
    patients; their masks start with ``ID``. ``imagesTr/ID_0000`` and ``labelsTr/ID`` are read as nnU-Net does.
    """
    folders: dict[Path, list[Path]] = defaultdict(list)
    found: list[Files] = []
    for path in sorted(volumes):
        folder = path.parent
        below = folder.name.casefold() in _MASK_FOLDERS and folder != root
        folders[folder.parent if below else folder].append(path)
    for folder, paths in sorted(folders.items()):
        if match := _NNUNET.fullmatch(folder.name):
            if match[1] == "images" or folder.with_name(f"images{match[2]}") not in folders:
                labels = folder.with_name(f"labels{match[2]}")
                found += _nnunet(paths if match[1] == "images" else [], folders.get(labels, []))
        else:
            found += _in_folder(folder, paths)
    return found


def stem(path: Path) -> str:
    """The name of a file without the suffixes of volumes."""
    name = path.name
    for suffix in (*VOLUME_SUFFIXES, ".seg"):
        if name.casefold().endswith(suffix):
            name = name[: -len(suffix)]
    return name


def _in_folder(folder: Path, paths: Sequence[Path]) -> list[Files]:
    images = [p for p in paths if _IMAGE.match(p.name) and p.parent == folder]
    if not images:
        ends = {p: m["patient"] for p in paths if p.parent == folder and (m := _IMAGE_AT_END.fullmatch(stem(p)))}
        if len(ends) > 1:
            return _by_start(ends, [p for p in paths if p not in ends])
        images = list(ends)
    start = m["patient"] if images and (m := _IMAGE_AT_END.fullmatch(stem(images[0]))) else folder.name
    masks = [(_region(p, start), p) for p in paths if p not in images]
    return [Files(folder.name, folder, images, masks)]


def _by_start(images: dict[Path, str], others: Sequence[Path]) -> list[Files]:
    """One patient an image; the others go to the patient whose name they start with, the longest if there are two."""
    patients: dict[str, Files] = {}
    for path, patient in images.items():
        patients.setdefault(patient, Files(patient, path)).images.append(path)
    for path in others:
        starts = [p for p in patients if re.match(rf"{re.escape(p)}[-_. ]", stem(path))]
        if starts:
            patient = max(starts, key=len)
            patients[patient].masks.append((_region(path, patient), path))
    return list(patients.values())


def _region(path: Path, patient: str) -> str:
    """The name of a mask without that of its patient, ``mask`` if nothing is left."""
    parts = re.split(rf"(?<![A-Za-z0-9]){re.escape(patient)}(?![A-Za-z0-9])", stem(path))
    return "_".join(filter(None, (part.strip("-_. ") for part in parts))) or "mask"


def _nnunet(images: Sequence[Path], labels: Sequence[Path]) -> list[Files]:
    patients: dict[str, Files] = {}
    for path in images:
        match = _CHANNEL.fullmatch(stem(path))
        if match and int(match["channel"]) == 0:
            patients.setdefault(match["patient"], Files(match["patient"], path)).images.append(path)
    for path in labels:
        patients.setdefault(stem(path), Files(stem(path), path)).masks.append(("label", path))
    return list(patients.values())
