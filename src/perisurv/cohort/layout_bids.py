"""Patients of a BIDS data set: ``sub-X``, with masks beside the images or among the derivatives."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from perisurv.cohort.layout_folders import Files
from perisurv.cohort.layout_names import is_other_image, stem
from perisurv.cohort.roi_names import says_region

__all__ = ["by_subject"]

_NAME = re.compile(r"(?P<subject>sub-[A-Za-z0-9]+)_(?P<rest>.+)")
_ENTITY = re.compile(r"([A-Za-z0-9]+)-(.+)")
_MASK_ENDS = frozenset({"mask", "masks", "seg", "dseg", "probseg", "label", "labels", "roi", "segmentation"})


def by_subject(volumes: Sequence[Path]) -> tuple[list[Files], list[Path]]:
    """The patients whose files are called ``sub-X_..._ct`` and ``sub-X_..._mask``, and the other volumes.

    Of several sessions the only one with a CT and a mask is taken; where two have both, both images are named. A
    subject whose masks have other names is left to the layouts of folders.
    """
    sessions: dict[str, dict[str, Files]] = defaultdict(lambda: defaultdict(lambda: Files("", Path())))
    for path in volumes:
        if match := _NAME.fullmatch(stem(path)):
            _add(path, match["rest"], sessions[match["subject"]])
    strangers = {part for p in volumes if not _NAME.fullmatch(stem(p)) for part in p.parts}
    joined = [_joined(subject, list(of.values())) for subject, of in sorted(sessions.items()) if of]
    found = [f for f in joined if f.images and (f.masks or f.patient not in strangers)]
    subjects = {files.patient for files in found}
    return found, [p for p in volumes if not (m := _NAME.fullmatch(stem(p))) or m["subject"] not in subjects]


def _add(path: Path, rest: str, sessions: dict[str, Files]) -> None:
    """A file as image or mask of its session; other images (T1w, pet) are none."""
    *entities, end = rest.split("_")
    said = {m[1]: m[2] for e in entities if (m := _ENTITY.fullmatch(e))}
    if end.casefold() == "ct":
        sessions[said.get("ses", "")].images.append(path)
    elif end.casefold() in _MASK_ENDS:
        name = "_".join(filter(None, (said.get("label"), said.get("desc")))) or "mask"
        sessions[said.get("ses", "")].masks.append((name, path))
    elif says_region(end) and not is_other_image(path):
        sessions[said.get("ses", "")].masks.append(("_".join([*(e for e in entities if "-" not in e), end]), path))


def _joined(subject: str, sessions: Sequence[Files]) -> Files:
    whole = [s for s in sessions if s.images and s.masks]
    taken = whole if len(whole) == 1 else sessions
    images, masks = [p for s in taken for p in s.images], [m for s in taken for m in s.masks]
    place = (images or [path for _, path in masks])[0]
    return Files(subject, place, images, masks)
