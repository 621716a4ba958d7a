"""A CT series and a structure set drawn on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from perisurv.cohort.dicom import quiet_pydicom
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
from perisurv.cohort.sources.ct import CtFiles, acquisition_of, read_ct
from perisurv.cohort.sources.paths import moved
from perisurv.cohort.sources.values import in_hounsfield_units
from perisurv.core import Geometry, GeometryError, Mask, ReadError, Scan

__all__ = ["DicomSource"]


@dataclass(frozen=True, slots=True)
class DicomSource:
    """A CT series and the tumour ROI of a structure set drawn on it.

    Parameters
    ----------
    root
        Folder that the names are relative to.
    ct
        Files of the CT.
    structures
        The RTSTRUCT file.
    roi
        Name of the tumour ROI, blanks collapsed; several are joined by a plus sign.
    roi_numbers, other_numbers
        ROI numbers of the tumour and of other lesions in the structure set.
    between_slices
        What happens between contours that leave slices out, see ``CohortOptions``.
    lung_numbers
        ROI numbers of the lungs in the structure set.
    """

    root: Path
    ct: CtFiles
    structures: str
    roi: str
    roi_numbers: tuple[int, ...] = ()
    other_numbers: tuple[int, ...] = ()
    between_slices: str = "refuse"
    lung_numbers: tuple[int, ...] = ()

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
            series = self.ct.series(self.root, patient)
            ct = read_ct(series, patient)
            tumour, others, lungs = self._masks(patient, ct.geometry)
        return in_hounsfield_units(Scan(patient, ct, tumour, acquisition_of(series), others, lungs))

    def describe(self) -> dict[str, str]:
        """Everything but the root, as text."""
        return {
            "kind": "dicom",
            **self.ct.describe(),
            "structures": self.structures,
            "roi": self.roi,
            "roi_numbers": json.dumps(self.roi_numbers),
            "other_numbers": json.dumps(self.other_numbers),
            "between_slices": self.between_slices,
            "lung_numbers": json.dumps(self.lung_numbers),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, str], root: Path) -> DicomSource:
        """Inverse of ``describe``; a KeyError or ValueError if the fields are not those of this source."""
        return cls(
            root,
            CtFiles.from_fields(fields),
            fields["structures"],
            fields["roi"],
            tuple(int(n) for n in json.loads(fields["roi_numbers"])),
            tuple(int(n) for n in json.loads(fields["other_numbers"])),
            fields["between_slices"],
            tuple(int(n) for n in json.loads(fields["lung_numbers"])),
        )

    def below(self, root: Path) -> DicomSource:
        """The same source with names relative to another root."""
        ct = self.ct.below(self.root, root)
        return replace(self, root=root, ct=ct, structures=moved(self.structures, self.root, root))

    def _masks(self, patient: str, geometry: Geometry) -> tuple[Mask, Mask | None, Mask | None]:
        """The tumour, and if there are any the other lesions without it and the lungs."""
        choice = RoiChoice("", self.roi_numbers, self.other_numbers, self.lung_numbers)
        structures = read_structure_set(self.root / self.structures, self.structures, choice)
        if " + ".join(structures.rois[n].name for n in choice.tumour) != self.roi:
            raise ReadError(f"Patient {patient}: {self.structures} no longer holds ROI {self.roi!r}; run index again.")
        tumour, others, lungs = (
            self._mask(patient, [structures.rois[n] for n in numbers], geometry)
            for numbers in (choice.tumour, choice.others, choice.lungs)
        )
        return (
            tumour,
            Mask(others.values & ~tumour.values, geometry) if choice.others else None,
            lungs if choice.lungs else None,
        )

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
