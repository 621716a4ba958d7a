"""The CT of a source: the slices of a series, decoded."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from perisurv.cohort.checks import SERIES_CHECKS, first_reason
from perisurv.cohort.ct import CtSeries, ct_headers, read_hu
from perisurv.cohort.dicom import CtHeader, probe
from perisurv.cohort.stack_rules import StackRules
from perisurv.core import ReadError, Volume

__all__ = ["acquisition_of", "read_ct", "read_series"]


def read_series(root: Path, images: Collection[tuple[str, int]], rules: StackRules, patient: str) -> CtSeries:
    """The headers of a series that was indexed, judged again; ``images`` are files with the number of the frame or 0.

    Raises
    ------
    ReadError
        If a file or frame is gone or the series no longer passes the checks of the index.
    """
    headers: list[CtHeader] = []
    for name in dict.fromkeys(name for name, _ in images):
        try:
            file = probe(root / name, name)
            slices = ct_headers(file) if file is not None else ()
        except ReadError as error:
            raise ReadError(f"Patient {patient}: {error}") from error
        headers += [s for s in slices if (s.name, s.frame) in images]
    if len(headers) < len(images):
        raise ReadError(f"Patient {patient}: the CT has lost slices since it was indexed; run index again.")
    series = CtSeries.of(headers, rules)
    reason = first_reason(SERIES_CHECKS, series)
    if reason:
        raise ReadError(f"Patient {patient}: the CT is no longer what was indexed: {reason}")
    return series


def read_ct(series: CtSeries, patient: str) -> Volume:
    """Decode every slice to HU, on the grid of the series.

    Raises
    ------
    ReadError
        If a slice cannot be decoded.
    """
    try:
        return read_hu(series)
    except ReadError as error:
        raise ReadError(f"Patient {patient}: {error}") from error


def acquisition_of(series: CtSeries) -> dict[str, float | str]:
    """What is known of the scan, as in ``Scan.acquisition``."""
    geometry, header = series.geometry(), series.slices[0]
    return {
        "slice_spacing_mm": geometry.spacing_mm[0],
        "pixel_spacing_mm": geometry.spacing_mm[1],
        "kernel": header.kernel,
        "scanner": header.scanner,
    }
