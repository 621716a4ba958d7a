"""A CT series and a structure set drawn on it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from perisurv.cohort.checks import SERIES_CHECKS, first_reason
from perisurv.cohort.dicom import DICOM_ERRORS, CtHeader, CtSeries, ct_header, pixel_hu, probe, quiet_pydicom
from perisurv.cohort.rtstruct import rasterise, read_structure_set
from perisurv.cohort.sources.paths import moved
from perisurv.core import Geometry, GeometryError, Mask, ReadError, Scan, Volume

__all__ = ["DicomSource"]


@dataclass(frozen=True, slots=True)
class DicomSource:
    """A CT series and the tumour ROI of a structure set drawn on it.

    Parameters
    ----------
    root
        Folder that the names are relative to.
    slices
        Files of the series, ordered along the normal of the slices.
    structures
        The RTSTRUCT file.
    roi
        Name of the tumour ROI, blanks collapsed.
    tolerance
        Largest deviation of a slice distance from the usual one, as a share of it.
    """

    root: Path
    slices: tuple[str, ...]
    structures: str
    roi: str
    tolerance: float = 0.01

    def read(self, patient: str) -> Scan:
        """Decode the CT and fill the contours.

        Raises
        ------
        ReadError
            If a file is gone, cannot be decoded or no longer passes the checks of the index.
        GeometryError
            If a contour does not lie on a slice of the CT.
        """
        with quiet_pydicom():
            series = self._series(patient)
            geometry = series.geometry()
            values = np.empty(geometry.shape, dtype=np.float32)
            for k, header in enumerate(series.slices):
                values[k] = _decode(header, patient)
            mask = self._mask(patient, geometry)
        return Scan(patient, Volume(values, geometry), mask, _acquisition(geometry, series.slices[0]))

    def describe(self) -> dict[str, str]:
        """Everything but the root, as text."""
        return {
            "kind": "dicom",
            "slices": json.dumps(self.slices),
            "structures": self.structures,
            "roi": self.roi,
            "tolerance": repr(self.tolerance),
        }

    def below(self, root: Path) -> DicomSource:
        """The same source with names relative to another root."""
        names = tuple(moved(name, self.root, root) for name in self.slices)
        return replace(self, root=root, slices=names, structures=moved(self.structures, self.root, root))

    def _series(self, patient: str) -> CtSeries:
        headers = []
        for name in self.slices:
            try:
                file = probe(self.root / name, name)
            except ReadError as error:
                raise ReadError(f"Patient {patient}: {error}") from error
            if file is not None:
                headers.append(ct_header(file))
        series = CtSeries.of(headers, self.tolerance)
        reason = first_reason(SERIES_CHECKS, series)
        if reason:
            raise ReadError(f"Patient {patient}: the CT is no longer what was indexed: {reason}")
        return series

    def _mask(self, patient: str, geometry: Geometry) -> Mask:
        structures = read_structure_set(self.root / self.structures, self.structures, (f"^{re.escape(self.roi)}$",))
        if structures.roi is None:
            raise ReadError(f"Patient {patient}: {self.structures} has no single ROI {self.roi!r} any more.")
        try:
            return rasterise(structures.roi.contours, geometry)
        except GeometryError as error:
            raise GeometryError(f"Patient {patient}: in {self.structures} {error}.") from error


def _acquisition(geometry: Geometry, header: CtHeader) -> dict[str, float | str]:
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
