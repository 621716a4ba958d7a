"""What can be drawn of a CT that no study may use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from perisurv.cohort.ct.series import ONE_POSITION_MM, CtSeries
from perisurv.cohort.dicom import CtHeader
from perisurv.cohort.stack_rules import StackRules
from perisurv.core import ReadError

__all__ = ["drawable"]

# A grid with more planes or a wider image than this many times what was scanned is none of a patient.
_MOST = 4


@dataclass(frozen=True, slots=True)
class _Leftover(CtSeries):
    """Slices of which some are missing: a plane of the grid at the usual distance, so that the others stay in place."""

    @property
    def step_mm(self) -> float:
        """Median distance of neighbouring slices, mm."""
        return self.usual_step_mm


def drawable(headers: Sequence[CtHeader], rules: StackRules) -> CtSeries:
    """The slices that make up one stack: of one size and direction, each position once; what lies between is mixed.

    Raises
    ------
    ReadError
        If there are no two of them, or they lie too far apart for one image.
    """
    alike: dict[Hashable, list[CtHeader]] = defaultdict(list)
    for header in headers:
        if (kind := _kind(header)) is not None:
            alike[kind].append(header)
    most = max(alike.values(), key=len, default=[])
    series = _Leftover.of(most, rules) if len(most) > 1 else None
    if series is not None:
        apart = np.concatenate([[True], np.diff(series.offsets_mm) > ONE_POSITION_MM])
        series = _Leftover.of([s for s, own in zip(series.slices, apart, strict=True) if own], rules)
    if series is None or len(series.slices) < 2:
        raise ReadError("the CT has no two whole slices of one size and direction at different positions.")
    count, rows, columns = series.geometry().shape
    first = series.slices[0]
    if count > _MOST * len(series.slices) or max(rows / first.rows, columns / first.columns) > _MOST:
        raise ReadError("the slices of the CT lie too far apart to be drawn as one image.")
    return series


def _kind(header: CtHeader) -> Hashable | None:
    """What slices of one stack share; None for one that is damaged or does not say where it lies."""
    across, down, spacing = header.row_direction, header.column_direction, header.spacing_mm
    if not (across and down and header.position_mm and spacing and header.rows and header.columns):
        return None
    if header.truncated or header.localizer or not header.greyscale or min(spacing) <= 0:
        return None
    return header.rows, header.columns, *(round(v, 3) for v in (*across, *down, *spacing))
