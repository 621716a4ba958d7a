"""A CT series and a structure set drawn on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
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
from perisurv.cohort.sources.ct import acquisition_of, read_ct, read_series
from perisurv.cohort.sources.paths import moved
from perisurv.cohort.stack_rules import StackRules
from perisurv.core import Geometry, GeometryError, Mask, ReadError, Scan

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
    rules
        What the stack of slices may be.
    roi_numbers, other_numbers
        ROI numbers of the tumour and of other lesions in the structure set.
    between_slices
        What happens between contours that leave slices out, see ``CohortOptions``.
    frames
        For every slice the number of the frame in its file, 0 if the file is one slice.
    """

    root: Path
    slices: tuple[str, ...]
    structures: str
    roi: str
    rules: StackRules = field(default_factory=StackRules)
    roi_numbers: tuple[int, ...] = ()
    other_numbers: tuple[int, ...] = ()
    between_slices: str = "refuse"
    frames: tuple[int, ...] = ()

    @property
    def images(self) -> tuple[tuple[str, int], ...]:
        """File and frame of every slice."""
        return tuple(zip(self.slices, self.frames or (0,) * len(self.slices), strict=True))

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
            series = read_series(self.root, frozenset(self.images), self.rules, patient)
            ct = read_ct(series, patient)
            tumour, others = self._masks(patient, ct.geometry)
        return Scan(patient, ct, tumour, acquisition_of(series), others)

    def describe(self) -> dict[str, str]:
        """Everything but the root, as text."""
        return {
            "kind": "dicom",
            "slices": json.dumps(self.slices),
            "structures": self.structures,
            "roi": self.roi,
            "rules": json.dumps(asdict(self.rules)),
            "roi_numbers": json.dumps(self.roi_numbers),
            "other_numbers": json.dumps(self.other_numbers),
            "between_slices": self.between_slices,
            "frames": json.dumps(self.frames),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, str], root: Path) -> DicomSource:
        """Inverse of ``describe``; a KeyError or ValueError if the fields are not those of this source."""
        return cls(
            root,
            tuple(str(name) for name in json.loads(fields["slices"])),
            fields["structures"],
            fields["roi"],
            StackRules.from_fields(json.loads(fields["rules"])),
            tuple(int(n) for n in json.loads(fields["roi_numbers"])),
            tuple(int(n) for n in json.loads(fields["other_numbers"])),
            fields["between_slices"],
            tuple(int(n) for n in json.loads(fields["frames"])),
        )

    def below(self, root: Path) -> DicomSource:
        """The same source with names relative to another root."""
        names = tuple(moved(name, self.root, root) for name in self.slices)
        return replace(self, root=root, slices=names, structures=moved(self.structures, self.root, root))

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
