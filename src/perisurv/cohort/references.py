"""What a structure set or DICOM SEG says about the images that it was drawn on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydicom import Dataset

from perisurv.cohort.dicom import image_name

__all__ = ["References", "images_of", "listed_series", "uid_of"]


@dataclass(frozen=True, slots=True)
class References:
    """Series, images and frames of reference by their UIDs; empty where the file says nothing.

    Parameters
    ----------
    listed
        SeriesInstanceUID -> images of that series that are listed; images listed without a series stand under "".
    frame_uids
        Frames of reference.
    """

    listed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    frame_uids: frozenset[str] = frozenset()

    @property
    def series_uids(self) -> frozenset[str]:
        """The series that are listed."""
        return frozenset(self.listed) - {""}

    @property
    def image_uids(self) -> frozenset[str]:
        """All images that are listed, of whatever series."""
        return frozenset[str]().union(*self.listed.values())

    def under_other_series(self, series_uid: str, images: frozenset[str]) -> bool:
        """Whether images of a series are listed, but under other series only."""
        others = [found for uid, found in self.listed.items() if uid]
        return series_uid not in self.listed and any(found & images for found in others)


def uid_of(item: Dataset, name: str) -> str:
    """A UID of an item; empty where it has none."""
    return str(item.get(name, "") or "").strip("\0 ")


def images_of(items: Iterable[Dataset] | None) -> frozenset[str]:
    """The images, or frames of images, that the items of a sequence name (DICOM PS3.3 table 10-3).

    Planning systems write items without any UID: these name nothing.
    """
    names: set[str] = set()
    for item in items or ():
        uid = uid_of(item, "ReferencedSOPInstanceUID")
        frames = item.get("ReferencedFrameNumber")
        numbers = [frames or 0] if isinstance(frames, int | str | None) else list(frames)
        names.update(image_name(uid, int(n)) for n in numbers if uid)
    return frozenset(names)


def listed_series(found: Iterable[tuple[str, frozenset[str]]]) -> dict[str, frozenset[str]]:
    """Images by series, where a series may be listed several times, such as under two studies."""
    listed: dict[str, frozenset[str]] = defaultdict(frozenset)
    for uid, images in found:
        if uid or images:
            listed[uid] |= images
    return dict(listed)
