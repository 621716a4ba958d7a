"""The volumes under one SeriesInstanceUID: copies, localizers, phases and other stacks told apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from perisurv.cohort.ct.series import ONE_POSITION_MM, CtSeries
from perisurv.cohort.dicom import CtHeader
from perisurv.cohort.stack_rules import StackRules

__all__ = ["differences", "volumes_of"]

Slices = Sequence[CtHeader]
# Orientation and pixel spacing further apart than this are two grids.
_ONE_GRID = 1e-4


def _grid(header: CtHeader) -> str:
    return f"{header.rows} x {header.columns}"


def _plane(header: CtHeader) -> str:
    axes = (*(header.row_direction or ()), *(header.column_direction or ()), *(header.spacing_mm or ()))
    return " ".join(f"{v:.3f}" for v in axes)


# What no volume mixes.
_NEVER_ONE: dict[str, Callable[[CtHeader], str]] = {
    "matrix": _grid,
    "frame of reference": lambda header: header.frame_uid,
    "stack": lambda header: header.stack,
    "temporal position": lambda header: header.phase,
    "convolution kernel": lambda header: header.kernel,
}
# What tells volumes apart that lie in one another; where slices of several fill one regular stack, they are one volume.
_IF_MIXED: dict[str, Callable[[CtHeader], str]] = {
    "image type": lambda header: header.image_type,
    "multi-frame image": lambda header: header.multiframe_uid,
    "tube voltage": lambda header: header.tube_kv,
    "acquisition": lambda header: header.acquisition,
}
_TOLD_APART = {**_NEVER_ONE, "orientation or pixel spacing": _plane, **_IF_MIXED}
_UIDS = frozenset({"frame of reference", "multi-frame image"})


def volumes_of(headers: Slices, rules: StackRules) -> tuple[CtSeries, ...]:
    """The volumes that the slices of one series make up, in the order of their names; none of localizers alone.

    Frame of reference, matrix, orientation, pixel spacing, stack, temporal position and convolution kernel are one in
    every volume. Image type, multi-frame image, tube voltage and acquisition part slices that lie among one another.
    """
    kept, copies = _without_copies(sorted(headers, key=lambda h: (h.name, h.frame)))
    parts = [[h for h in kept if not h.localizer]]
    for value in _NEVER_ONE.values():
        parts = [smaller for part in parts for smaller in _by(value, part)]
    parts = [smaller for part in parts for smaller in _by_plane(part)]
    parts = [smaller for part in parts for smaller in _unmixed(part, rules)]
    images = frozenset(name for h in kept for name in h.names)
    there = Counter(uid for uid, _ in {(h.multiframe_uid, h.sop_uid) for h in kept})
    found = []
    for series in (CtSeries.of(part, rules) for part in parts if part):
        files = {h.multiframe_uid: h.multiframe_files for h in series.slices if h.multiframe_files}
        found.append(
            replace(
                series,
                copies=tuple(pair for pair in copies if pair[0].image in series.images),
                aside=images - series.images,
                files_missing=sum(max(0, count - there[uid]) for uid, count in files.items()),
            )
        )
    return tuple(found)


def differences(volumes: Sequence[CtSeries]) -> str:
    """What tells these volumes of one series apart, in words: the property, and each volume with its value."""
    firsts = [v.slices[0] for v in volumes]
    what = next((name for name, value in _TOLD_APART.items() if len({value(h) for h in firsts}) > 1), "")
    values = [f" ({_TOLD_APART[what](h) or 'not given'})" if what and what not in _UIDS else "" for h in firsts]
    told = [f"{len(v.slices)} slices from {v.slices[0].label}{said}" for v, said in zip(volumes, values, strict=True)]
    return f"{what or 'position'}: {', '.join(told)}"


def _without_copies(headers: Slices) -> tuple[list[CtHeader], list[tuple[CtHeader, CtHeader]]]:
    """Every image once, the first by name; and the others with the one that stands for them."""
    first: dict[str, CtHeader] = {}
    kept, copies = [], []
    for header in headers:
        known = first.setdefault(header.image, header) if header.sop_uid else header
        if known is header:
            kept.append(header)
        else:
            copies.append((known, header))
    return kept, copies


def _by(value: Callable[[CtHeader], str], slices: Slices) -> list[list[CtHeader]]:
    parts: dict[str, list[CtHeader]] = defaultdict(list)
    for header in slices:
        parts[value(header)].append(header)
    return list(parts.values())


def _by_plane(slices: Slices) -> list[list[CtHeader]]:
    """Slices of one orientation and pixel spacing; headers write them with rounding errors."""
    parts: list[tuple[np.ndarray, list[CtHeader]]] = []
    for header in slices:
        plane = np.array([*(header.row_direction or ()), *(header.column_direction or ()), *(header.spacing_mm or ())])
        for known, part in parts:
            if known.shape == plane.shape and (np.abs(known - plane) <= _ONE_GRID).all():
                part.append(header)
                break
        else:
            parts.append((plane, [header]))
    return [part for _, part in parts]


def _unmixed(slices: Slices, rules: StackRules) -> list[list[CtHeader]]:
    """The slices as they are if they make up one regular stack or nothing parts them.

    Else parted by the first property that leaves no two slices at one position, if there is none by the first at all.
    """
    if len(slices) > 2 and CtSeries.of(slices, rules).regular:
        return [list(slices)]
    partings = [parts for parts in (_by(value, slices) for value in _IF_MIXED.values()) if _overlap(parts)]
    if not partings:
        return [list(slices)]
    best = next((parts for parts in partings if not any(_coincide(part) for part in parts)), partings[0])
    return [smaller for part in best for smaller in _unmixed(part, rules)]


def _coincide(slices: Slices) -> bool:
    """Whether two slices lie at one position."""
    return bool((np.diff(CtSeries.of(slices, StackRules()).offsets_mm) <= ONE_POSITION_MM).any())


def _overlap(parts: Sequence[Slices]) -> bool:
    """Whether any two parts lie at the same heights."""
    ends = sorted((float(o[0]), float(o[-1])) for o in (CtSeries.of(part, StackRules()).offsets_mm for part in parts))
    highest = np.maximum.accumulate([high for _, high in ends])
    return any(low <= high for (low, _), high in zip(ends[1:], highest, strict=False))
