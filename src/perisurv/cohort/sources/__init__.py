"""Where a scan can be read again: frozen, with paths relative to the cohort folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from perisurv.cohort.sources.ct import CtFiles
from perisurv.cohort.sources.dicom import DicomSource
from perisurv.cohort.sources.pair import PairSource
from perisurv.cohort.sources.picture import PictureSource
from perisurv.cohort.sources.seg import SegSource
from perisurv.core import InputError, ScanSource

__all__ = [
    "CtFiles",
    "DicomSource",
    "PairSource",
    "PictureSource",
    "SegSource",
    "Source",
    "ct_of",
    "drawing_of",
    "picture_of",
    "source_from_fields",
]

Source = DicomSource | SegSource | PairSource
_KINDS: Mapping[str, type[Source | PictureSource]] = {
    "dicom": DicomSource,
    "seg": SegSource,
    "pair": PairSource,
    "picture": PictureSource,
}


def ct_of(source: Source) -> tuple[tuple[str, int], ...]:
    """Files and frames of the CT."""
    return ((source.image, 0),) if isinstance(source, PairSource) else source.ct.images


def drawing_of(source: Source) -> str:
    """File that holds the tumour, for messages."""
    if isinstance(source, PairSource):
        return source.tumour[0].name
    return source.segmentation if isinstance(source, SegSource) else source.structures


def picture_of(source: ScanSource) -> PictureSource | None:
    """What a picture can be made of where a scan cannot be read; None for one that is no file."""
    if isinstance(source, PairSource):
        return PictureSource(source.root, image=source.image, masks=source.tumour, threshold=source.threshold)
    if isinstance(source, DicomSource):
        return PictureSource(source.root, source.ct, drawing=source.structures, numbers=source.roi_numbers)
    if isinstance(source, SegSource):
        own = source.segmentation, source.tumour
        return PictureSource(source.root, source.ct, "", *own, segments=True, threshold=source.threshold)
    return None


def source_from_fields(fields: Mapping[str, str], root: Path) -> Source | PictureSource:
    """Inverse of ``describe``.

    Raises
    ------
    InputError
        If the fields are not those of a source.
    """
    kind = fields.get("kind", "")
    if kind not in _KINDS:
        raise InputError(f"Unknown kind of source {kind!r}; there are {', '.join(map(repr, _KINDS))}.")
    try:
        return _KINDS[kind].from_fields(fields, root)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"A source of the cohort table is damaged ({error!r}); run index again.") from error
