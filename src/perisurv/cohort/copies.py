"""Structure sets and DICOM SEG that are there several times: copies are passed over, contradictions are refused."""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path

from pydicom import Dataset, dcmread

from perisurv.cohort.candidates import Structures, kind_of
from perisurv.cohort.dicom import DICOM_ERRORS
from perisurv.cohort.pseudonym import patient_key

__all__ = ["without_copies"]

# Groups of elements that say what is drawn, and where: image, segments, structure set, functional groups, pixels.
_CONTENT = frozenset({0x0028, 0x0062, 0x3006, 0x5200, 0x7FE0})
_ALSO = ("PatientID", "FrameOfReferenceUID", "ReferencedSeriesSequence", "SOPClassUID")


def without_copies(found: Sequence[Structures]) -> tuple[list[Structures], list[tuple[str, str]]]:
    """Each structure set and SEG once, the first by name, and why some cannot be used: PatientID and reason.

    Files with one SOPInstanceUID are one if they hold the same; if not, it is unknown which is meant. Files with
    SOPInstanceUIDs of their own that hold the same are one, too.
    """
    by_uid: dict[Hashable, list[Structures]] = defaultdict(list)
    for item in sorted(found, key=lambda s: s.name):
        by_uid[item.sop_uid or item.path].append(item)
    kept: list[Structures] = []
    failures: list[tuple[str, str]] = []
    for group in by_uid.values():
        first, *others = group
        other = next((s for s in others if not _same(first, s)), None)
        if other is not None:
            failures += [(patient, _contradiction(first, other)) for patient in _patients((first, other))]
        else:
            kept.append(_with_copies(first, others))
    return _of_other_uids(kept), failures


def _of_other_uids(found: Sequence[Structures]) -> list[Structures]:
    """Each once by what it holds."""
    kept: dict[Hashable, list[Structures]] = defaultdict(list)
    for item in found:
        alike = kept[_outline(item)]
        n = next((n for n, known in enumerate(alike) if _same(known, item)), None)
        if n is None:
            alike.append(item)
        else:
            alike[n] = _with_copies(alike[n], [item])
    return sorted((s for group in kept.values() for s in group), key=lambda s: s.name)


def _outline(item: Structures) -> Hashable:
    """What files must share to be worth a comparison."""
    names = tuple((e.number, e.name) for e in item.entries)
    return kind_of(item), patient_key(item.patient_id), item.made, item.references.series_uids, names


def _with_copies(item: Structures, others: Sequence[Structures]) -> Structures:
    names = (*item.copies, *(name for other in others for name in (other.name, *other.copies)))
    return replace(item, copies=names) if others else item


def _same(one: Structures, other: Structures) -> bool:
    if kind_of(one) != kind_of(other):
        return False
    if filecmp.cmp(one.path, other.path, shallow=False):
        return True
    try:
        return _content(one.path) == _content(other.path)
    except DICOM_ERRORS:
        return False


def _content(path: Path) -> Dataset:
    """What a file holds, without what names the file, its series and the programs that it passed."""
    data = dcmread(path, force=True)
    content = Dataset()
    for element in data:
        if element.tag.group in _CONTENT or element.keyword in _ALSO:
            content.add(element)
    return content


def _patients(items: Sequence[Structures]) -> list[str]:
    return list({patient_key(s.patient_id): s.patient_id for s in items}.values())


def _contradiction(first: Structures, other: Structures) -> str:
    kind = kind_of(first)
    return (
        f"two {kind} with one UID: {first.name} and {other.name} carry one SOPInstanceUID but differ in what they "
        "hold; keep the one that is meant."
    )
