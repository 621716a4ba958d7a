"""Image and mask as NIfTI, NRRD or MetaImage: one folder a patient, paired by name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from perisurv.cohort.match import Found
from perisurv.cohort.sources import PairSource
from perisurv.cohort.volumes import read_grid
from perisurv.core import InputError

__all__ = ["index_pairs"]

_IMAGE = re.compile(r"(image|img|ct)(?![a-z])", re.IGNORECASE)
_MASK = re.compile(r"(mask|gtv|seg|segmentation|label|labels|tumou?r)(?![a-z])", re.IGNORECASE)


def index_pairs(volumes: Iterable[Path], root: Path) -> Found:
    """Pair ``image*``/``ct*`` with ``mask*``/``gtv*``/``seg*``/``label*`` in each folder; the folder names the patient.

    Volumes of other names are left aside.
    """
    found = Found()
    folders: dict[Path, tuple[list[Path], list[Path]]] = defaultdict(lambda: ([], []))
    for path in volumes:
        if _IMAGE.match(path.name):
            folders[path.parent][0].append(path)
        elif _MASK.match(path.name):
            folders[path.parent][1].append(path)
    for folder, (images, masks) in sorted(folders.items()):
        reason = _reason(images, masks, root)
        if reason:
            found.failures.append((folder.name, reason))
        else:
            names = images[0].relative_to(root).as_posix(), masks[0].relative_to(root).as_posix()
            found.sources.append((folder.name, PairSource(root, *names)))
    return found


def _reason(images: Sequence[Path], masks: Sequence[Path], root: Path) -> str | None:
    folder = (images or masks)[0].parent.relative_to(root).as_posix()
    if not images:
        return f"no image: {folder} holds a mask but no image* or ct* beside it; add the CT."
    if not masks:
        return f"no mask: {folder} holds an image but no mask*, gtv*, seg* or label* beside it; add the mask."
    if len(images) > 1 or len(masks) > 1:
        several = ", ".join(p.name for p in (images if len(images) > 1 else masks))
        return f"duplicate patient: {folder} holds several candidates ({several}); keep one image and one mask."
    try:
        grids = [read_grid(path, path.relative_to(root).as_posix()) for path in (images[0], masks[0])]
    except InputError as error:
        return f"unreadable file: {error}"
    if not grids[0].is_close(grids[1], 0.01 * min(grids[0].spacing_mm)):
        return f"mask of another CT: image and mask in {folder} do not share one grid; resample one to the other."
    return None
