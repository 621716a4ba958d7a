"""A CT series and a structure set drawn on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.checks import SERIES_CHECKS, first_reason
from perisurv.cohort.dicom import DICOM_ERRORS, CtHeader, CtSeries, ct_header, pixel_hu, probe, quiet_pydicom
from perisurv.cohort.layout import read_whole
from perisurv.cohort.rtstruct import (
    Roi,
    RoiChoice,
    between_planes,
    draw,
    outside_ct,
    read_structure_set,
    stack_of,
    union,
)
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
        Name of the tumour ROI, blanks collapsed; several are joined by a plus sign.
    tolerance
        Largest deviation of a slice distance from the usual one, as a share of it.
    roi_numbers, other_numbers
        ROI numbers of the tumour and of other lesions in the structure set.
    between_slices
        What happens between contours that leave slices out, see ``CohortOptions``.
    """

    root: Path
    slices: tuple[str, ...]
    structures: str
    roi: str
    tolerance: float = 0.01
    roi_numbers: tuple[int, ...] = ()
    other_numbers: tuple[int, ...] = ()
    between_slices: str = "refuse"

    def read(self, patient: str) -> Scan:
        """Decode the CT and fill the contours.

        Raises
        ------
        ReadError
            If a file is gone, cannot be decoded or no longer passes the checks of the index.
        GeometryError
            If the contours no longer fit the CT.
        """
        with quiet_pydicom():
            series = self._series(patient)
            geometry = series.geometry()
            values = np.empty(geometry.shape, dtype=np.float32)
            for k, header in enumerate(series.slices):
                values[k] = _decode(header, patient)
            tumour, others = self._masks(patient, geometry)
        acquisition = _acquisition(geometry, series.slices[0])
        return Scan(patient, Volume(values, geometry), tumour, acquisition, others)

    def describe(self) -> dict[str, str]:
        """Everything but the root, as text."""
        return {
            "kind": "dicom",
            "slices": json.dumps(self.slices),
            "structures": self.structures,
            "roi": self.roi,
            "tolerance": repr(self.tolerance),
            "roi_numbers": json.dumps(self.roi_numbers),
            "other_numbers": json.dumps(self.other_numbers),
            "between_slices": self.between_slices,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, str], root: Path) -> DicomSource:
        """Inverse of ``describe``; a KeyError or ValueError if the fields are not those of this source."""
        return cls(
            root,
            tuple(str(name) for name in json.loads(fields["slices"])),
            fields["structures"],
            fields["roi"],
            float(fields["tolerance"]),
            tuple(int(n) for n in json.loads(fields["roi_numbers"])),
            tuple(int(n) for n in json.loads(fields["other_numbers"])),
            fields["between_slices"],
        )

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

    def _masks(self, patient: str, geometry: Geometry) -> tuple[Mask, Mask | None]:
        """The tumour, and the other lesions without it if there are any."""
        choice = RoiChoice("", self.roi_numbers, self.other_numbers)
        structures = read_structure_set(self.root / self.structures, self.structures, choice)
        if " + ".join(structures.rois[n].name for n in choice.tumour) != self.roi:
            raise ReadError(f"Patient {patient}: {self.structures} no longer holds ROI {self.roi!r}; run index again.")
        tumour = self._mask(patient, [structures.rois[n] for n in choice.tumour], geometry)
        if not choice.others:
            return tumour, None
        others = self._mask(patient, [structures.rois[n] for n in choice.others], geometry)
        return tumour, Mask(others.values & ~tumour.values, geometry)

    def _mask(self, patient: str, rois: Sequence[Roi], geometry: Geometry) -> Mask:
        drawings = []
        for roi in rois:
            try:
                stack = stack_of(roi.contours, geometry) if roi.contours else None
                problem = (
                    outside_ct(roi.contours, geometry)
                    or roi.problem
                    or (between_planes(stack, geometry, self.between_slices) if stack else "it has no contours")
                )
            except GeometryError as error:
                problem = str(error)
            if problem or stack is None:
                raise GeometryError(f"Patient {patient}: ROI {roi.name} of {self.structures}: {problem}.")
            drawings.append(draw(stack, geometry, interpolate=self.between_slices == "interpolate"))
        return union(drawings, geometry)


def _acquisition(geometry: Geometry, header: CtHeader) -> dict[str, float | str]:
    return {
        "slice_spacing_mm": geometry.spacing_mm[0],
        "pixel_spacing_mm": geometry.spacing_mm[1],
        "kernel": header.kernel,
        "scanner": header.scanner,
    }


def _decode(header: CtHeader, patient: str) -> NDArray[np.float32]:
    try:
        values = pixel_hu(header.path, read_whole(header.path, f"Patient {patient}: {header.name}"))
    except DICOM_ERRORS as error:
        raise ReadError(
            f"Patient {patient}: the pixels of {header.name} cannot be decoded ({type(error).__name__}); "
            "export the CT again, uncompressed."
        ) from error
    if values.shape != (header.rows, header.columns) or not np.isfinite(values).all():
        raise ReadError(
            f"Patient {patient}: the pixels of {header.name} are not {header.rows} x {header.columns} values in HU; "
            "export the CT again."
        )
    return values
