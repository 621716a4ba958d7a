"""The CT of a source: the files of a series, decoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from perisurv.cohort.checks import SERIES_CHECKS, first_reason
from perisurv.cohort.dicom import DICOM_ERRORS, CtHeader, CtSeries, ct_header, pixel_hu, probe
from perisurv.core import ReadError, Volume

__all__ = ["acquisition_of", "read_ct", "read_series"]


def read_series(root: Path, slices: Sequence[str], tolerance: float, patient: str) -> CtSeries:
    """The headers of a series that was indexed, judged again.

    Raises
    ------
    ReadError
        If a file is gone or the series no longer passes the checks of the index.
    """
    headers = []
    for name in slices:
        try:
            file = probe(root / name, name)
        except ReadError as error:
            raise ReadError(f"Patient {patient}: {error}") from error
        if file is not None:
            headers.append(ct_header(file))
    series = CtSeries.of(headers, tolerance)
    reason = first_reason(SERIES_CHECKS, series)
    if reason:
        raise ReadError(f"Patient {patient}: the CT is no longer what was indexed: {reason}")
    return series


def read_ct(series: CtSeries, patient: str) -> Volume:
    """Decode every slice to HU.

    Raises
    ------
    ReadError
        If a slice cannot be decoded.
    """
    geometry = series.geometry()
    values = np.empty(geometry.shape, dtype=np.float32)
    for k, header in enumerate(series.slices):
        values[k] = _decode(header, patient)
    return Volume(values, geometry)


def acquisition_of(series: CtSeries) -> dict[str, float | str]:
    """What is known of the scan, as in ``Scan.acquisition``."""
    geometry, header = series.geometry(), series.slices[0]
    return {
        "slice_spacing_mm": geometry.spacing_mm[0],
        "pixel_spacing_mm": geometry.spacing_mm[1],
        "kernel": header.kernel,
        "scanner": header.scanner,
    }


def _decode(header: CtHeader, patient: str) -> NDArray[np.float32]:
    try:
        return pixel_hu(header.path, dcmread(header.path, force=True))
    except DICOM_ERRORS as error:
        raise ReadError(
            f"Patient {patient}: the pixels of {header.name} cannot be decoded ({type(error).__name__}); "
            "export the CT again, uncompressed."
        ) from error
