"""Patients whose images and masks lie in two folders side by side: Decathlon, nnU-Net, ``images`` with ``labels``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perisurv.cohort.layout_folders import Files, owned
from perisurv.cohort.layout_names import IMAGE_FOLDER, MASK_FOLDER, image_id, is_other_image, owner, region, stem

__all__ = ["by_trees"]

# nnU-Net: ID_0000 is the first channel.
_CHANNEL = re.compile(r"(?P<patient>.+)_(?P<channel>\d{4})")


@dataclass(slots=True)
class _Tree:
    """Images and masks below one folder, each with its folders below that of the images or masks."""

    images: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    masks: dict[Path, tuple[str, ...]] = field(default_factory=dict)

    def at(self, below: tuple[str, ...]) -> _Tree:
        """What lies in one folder below that of the images and that of the masks."""
        images, masks = ({p: () for p, b in files.items() if b == below} for files in (self.images, self.masks))
        return _Tree(dict(images), dict(masks))


def by_trees(volumes: Sequence[Path], root: Path) -> tuple[list[Files], list[Path]]:
    """The patients of such folders, and the volumes that lie in none."""
    trees: dict[tuple[Path, str], _Tree] = defaultdict(_Tree)
    for path in volumes:
        if (placed := _placed(path, root)) is not None:
            parent, of_set, is_mask, below = placed
            tree = trees[parent, of_set]
            (tree.masks if is_mask else tree.images)[path] = below
    found: list[Files] = []
    used: set[Path] = set()
    for (parent, of_set), tree in sorted(trees.items()):
        if tree.images and (tree.masks or of_set):
            found += _patients(parent, root, tree)
            used |= tree.images.keys() | tree.masks.keys()
        elif of_set and tree.masks:
            found += owned({}, tree.masks, orphans=True)
            used |= tree.masks.keys()
    return found, [p for p in volumes if p not in used]


def _placed(path: Path, root: Path) -> tuple[Path, str, bool, tuple[str, ...]] | None:
    """Of the first folder below the root that is called as one of images or masks: what holds it, its set, which."""
    parts = path.parent.relative_to(root).parts
    for n, part in enumerate(parts):
        for kind in (IMAGE_FOLDER, MASK_FOLDER):
            if match := kind.fullmatch(part):
                of_set = (match["set"] or "").casefold().removesuffix("ct")
                return root.joinpath(*parts[:n]), of_set, kind is MASK_FOLDER, parts[n + 1 :]
    return None


def _patients(parent: Path, root: Path, tree: _Tree) -> list[Files]:
    folders = {below for below in tree.images.values() if below}
    if len(folders) == len(tree.images):
        return _mirrored(tree)
    if folders:  # images/train/P1, labels/train/P1
        return [files for below in sorted({*tree.images.values()}) for files in _patients(parent, root, tree.at(below))]
    ids = _ids(tree)
    (first, patient), *more = ids.items()
    if not more and (not patient or (parent != root and _owner_of_any(tree.masks, patient) is None)):
        return [Files(parent.name, parent, [first], [(region(p, parent.name), p) for p in tree.masks])]
    return owned(ids, tree.masks, orphans=True)


def _owner_of_any(masks: Mapping[Path, object], patient: str) -> str | None:
    """The patient, if any of the masks is called by it."""
    return next((found for p in masks if (found := owner(stem(p), [patient])) is not None), None)


def _mirrored(tree: _Tree) -> list[Files]:
    """Folders of patients below both: images/P1/ct.nii.gz, masks/P1/GTV.nii.gz."""
    patients: dict[str, Files] = {}
    for path, below in tree.images.items():
        patient = below[0] if below else image_id(path)
        if not is_other_image(path):
            patients.setdefault(patient, Files(patient, path.parent)).images.append(path)
    for path, below in tree.masks.items():
        patient = below[0] if below else owner(stem(path), patients) or stem(path)
        patients.setdefault(patient, Files(patient, path.parent)).masks.append((region(path, patient), path))
    return list(patients.values())


def _ids(tree: _Tree) -> dict[Path, str]:
    """The patient of every image: its name as the masks have it, without channel or a word for image."""
    masks, stems = [stem(p) for p in tree.masks], {stem(p) for p in tree.images}
    images = [p for p in tree.images if not is_other_image(p)] or list(tree.images)
    ids: dict[Path, str] = {}
    for path in images:
        name = stem(path)
        channel = None if any(owner(m, [name]) for m in masks) else _CHANNEL.fullmatch(name)
        if channel and f"{channel['patient']}_0000" in stems:
            if channel["channel"] == "0000":
                ids[path] = channel["patient"]
            continue
        ids[path] = name if any(owner(m, [name]) for m in masks) else image_id(path)
    return ids
