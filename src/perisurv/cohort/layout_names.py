"""What the name of a research file says: image or mask, which patient, which region."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from perisurv.cohort.roi_names import says_mask, says_region
from perisurv.cohort.walk import VOLUME_SUFFIXES

__all__ = [
    "IMAGE_FOLDER",
    "MASK_FOLDER",
    "image_id",
    "is_extended",
    "is_image",
    "is_other_image",
    "owner",
    "region",
    "stem",
]

_AT_START = re.compile(r"(image|img|ct|imaging|scan|volume|vol)(?![a-z])", re.IGNORECASE)
_AT_END = re.compile(r"(?P<patient>.+?)[-_. ]+(image|img|ct|imaging|scan|volume|vol)", re.IGNORECASE)
_OTHER_IMAGE_AT_END = re.compile(r".+[-_. ]+(pt|pet|mr|mri|suv|dose)", re.IGNORECASE)
_BORDER = "[-_. ]"
# images, imagesTr (Ts, Val) as nnU-Net and the Decathlon have them; the ending pairs the folders.
IMAGE_FOLDER = re.compile(
    r"([a-z]+[-_ ])?(images?|imgs?|cts?|scans?|volumes?)[-_ ]?(?P<set>tr|ts|te|val|train|test)?", re.IGNORECASE
)
MASK_FOLDER = re.compile(
    r"(?P<region>([a-z]+[-_ ])?(labels?|masks?|segmentations?|segs?|contours?|rois?|annotations?|structures?|structs?|"
    r"rtstructs?|rtss|gt|gtvs?|tumou?rs?|lesions?))[-_ ]?(?P<set>tr|ts|te|val|train|test|ct)?",
    re.IGNORECASE,
)


def stem(path: Path) -> str:
    """The name of a file without the suffixes of volumes."""
    name = path.name
    for suffix in (*VOLUME_SUFFIXES, ".seg"):
        if name.casefold().endswith(suffix):
            name = name[: -len(suffix)]
    return name


def is_image(path: Path) -> bool:
    """Whether a name says image: ``image``, ``ct_thorax``, ``P1_ct``; not ``CT_mask``, ``image_GTV`` and ``P1_pet``."""
    name = stem(path)
    if match := _AT_END.fullmatch(name):
        return not says_mask(re.split("[-_. ]+", match["patient"])[-1])
    return _AT_START.match(name) is not None and not says_mask(name)


def is_other_image(path: Path) -> bool:
    """Whether a name ends like that of a PET, an MR or a dose."""
    return _OTHER_IMAGE_AT_END.fullmatch(stem(path)) is not None


def image_id(path: Path) -> str:
    """What the name of an image calls its patient: ``P1`` of ``P1_ct``; empty for ``image`` and the like."""
    name = stem(path)
    if match := _AT_END.fullmatch(name):
        return match["patient"]
    match = _AT_START.match(name)
    return name[match.end() :].strip("-_. ") if match else name


def is_extended(path: Path, others: Iterable[Path]) -> bool:
    """Whether another file is called as this one and a region: ``P1`` of ``P1_mask``, ``seg_P1``, ``P1.seg.nrrd``."""
    whole = re.compile(f"(?P<before>.*{_BORDER})?{re.escape(stem(path))}(?P<after>{_BORDER}.*)?")
    found = {p: match for p in others if p != path and (match := whole.fullmatch(stem(p)))}
    return any(
        says_region(f"{match['before'] or ''} {match['after'] or ''}") or (_is_seg(other) and not _is_seg(path))
        for other, match in found.items()
    )


def _is_seg(path: Path) -> bool:
    return path.name.casefold().endswith((".seg.nrrd", ".seg.nhdr"))


def owner(name: str, patients: Iterable[str]) -> str | None:
    """The patient whose name stands at the start of a mask's, else at its end, the longest if there are several."""
    known = sorted(patients, key=len, reverse=True)
    for pattern in ("{}(" + _BORDER + ".*)?", "(.*" + _BORDER + ")?{}", "[A-Za-z]+{}"):
        for patient in known:
            if re.fullmatch(pattern.format(re.escape(patient)), name):
                return patient
    return None


def region(path: Path, patient: str) -> str:
    """The name of a mask without that of its patient, ``mask`` if nothing is left."""
    parts = re.split(rf"(?<![A-Za-z0-9]){re.escape(patient)}(?![A-Za-z0-9])", stem(path)) if patient else [stem(path)]
    return "_".join(filter(None, (part.strip("-_. ") for part in parts))) or "mask"
