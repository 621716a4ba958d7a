"""Patients of a folder of research files: the folder itself, or several whose names the files start or end with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perisurv.cohort.layout_names import IMAGE_FOLDER, MASK_FOLDER, image_id, is_extended, is_image, owner, region, stem

__all__ = ["Files", "IsCt", "by_folder", "owned"]

# Whether the values of a file can be those of a CT; asked only where names leave it open.
IsCt = Callable[[Path], bool]


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


def by_folder(volumes: Sequence[Path], root: Path, is_ct: IsCt) -> list[Files]:
    """The patients of every folder; folders of masks or of images belong to the folder above."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in volumes:
        folders[path.parent.parent if _is_part(path.parent, root) else path.parent].append(path)
    return [files for folder, paths in sorted(folders.items()) for files in _in_folder(folder, paths, root, is_ct)]


def owned(images: dict[Path, str], masks: Iterable[Path], *, orphans: bool) -> list[Files]:
    """One patient an image; a mask goes to the patient whose name it starts or ends with.

    With ``orphans`` a mask without image is a patient of its own, for a message.
    """
    patients: dict[str, Files] = {}
    for path, patient in images.items():
        patients.setdefault(patient, Files(patient, path)).images.append(path)
    with_image = list(patients)
    for path in masks:
        patient_of_mask = owner(stem(path), with_image)
        if patient_of_mask is None and orphans:
            patient_of_mask = stem(path)
            patients.setdefault(patient_of_mask, Files(patient_of_mask, path))
        if patient_of_mask is not None:
            patients[patient_of_mask].masks.append((_region_in(path, patient_of_mask), path))
    return list(patients.values())


def _is_part(folder: Path, root: Path) -> bool:
    return folder != root and any(kind.fullmatch(folder.name) for kind in (MASK_FOLDER, IMAGE_FOLDER))


def _in_folder(folder: Path, paths: Sequence[Path], root: Path, is_ct: IsCt) -> list[Files]:
    images = _images(folder, paths, is_ct)
    ids = {p: image_id(p) for p in images}
    others = [p for p in paths if p not in images]
    several = len(set(ids.values())) > 1 and "" not in ids.values()
    if several and (not others or _named_after(ids.values(), others)):
        return owned(ids, others, orphans=False)
    start = next(iter(ids.values()), "")
    name = start if start and folder == root and len(images) == 1 else folder.name
    return [Files(name, folder, images, [(region(p, start or folder.name), p) for p in others])]


def _images(folder: Path, paths: Sequence[Path], is_ct: IsCt) -> list[Path]:
    """The images by name; by value where names say nothing, or name several for one patient."""
    here = [p for p in paths if MASK_FOLDER.fullmatch(p.parent.name) is None or p.parent == folder]
    named = [p for p in here if is_image(p)]
    if len(named) > 1 and not _named_after(map(image_id, named), [p for p in paths if p not in named]):
        return [p for p in named if is_ct(p)] or named
    if named:
        return named
    whole = [p for p in here if is_extended(p, paths)]
    if not whole and len(paths) > 1:
        whole = [p for p in here if stem(p) == folder.name]
    if whole or len(paths) < 2:
        return whole
    unclear = [p for p in here if is_ct(p)]
    return unclear if len(unclear) == 1 else []


def _named_after(patients: Iterable[str], masks: Iterable[Path]) -> bool:
    """Whether some mask is named after one of several patients."""
    known = [p for p in patients if p]
    return any(owner(stem(p), known) is not None for p in masks)


def _region_in(path: Path, patient: str) -> str:
    """The name of a region; that of its folder, such as ``gtv``, where the file is called by its patient alone."""
    name = region(path, patient)
    match = MASK_FOLDER.fullmatch(path.parent.name)
    return match["region"].casefold().removesuffix("s") if name == "mask" and match else name
