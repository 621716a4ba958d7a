"""A CT series and a DICOM SEG drawn on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from perisurv.cohort.ct import CtSeries
from perisurv.cohort.dicom import quiet_pydicom
from perisurv.cohort.dicomseg import read_segmentation, read_segments
from perisurv.cohort.grids import union
from perisurv.cohort.rtstruct import RoiRules
from perisurv.cohort.sources.ct import CtFiles, acquisition_of, read_ct
from perisurv.cohort.sources.paths import moved
from perisurv.cohort.sources.values import in_hounsfield_units
from perisurv.core import Mask, ReadError, Scan

__all__ = ["SegSource"]


@dataclass(frozen=True, slots=True)
class SegSource:
    """A CT series and the tumour segments of a DICOM SEG.

    Parameters
    ----------
    root
        Folder that the names are relative to.
    ct
        Files of the CT.
    segmentation
        The SEG file.
    roi
        Label of the tumour segment; several are joined by a plus sign.
    tumour, others
        Numbers of the segments of the tumour and of other lesions.
    threshold
        Share of MaximumFractionalValue from which a voxel is inside, see ``CohortOptions.mask_threshold``.
    resample
        Whether the mask lies on another grid and is to be resampled to that of the CT.
    lungs
        Numbers of the segments of the lungs.
    """

    root: Path
    ct: CtFiles
    segmentation: str
    roi: str
    tumour: tuple[int, ...]
    others: tuple[int, ...] = ()
    threshold: float | None = None
    resample: bool = False
    lungs: tuple[int, ...] = ()

    def read(self, patient: str) -> Scan:
        """Decode the CT and the segments.

        Raises
        ------
        ReadError
            If a file is gone, cannot be decoded, no longer passes the checks of the index or holds other segments.
        GeometryError
            If a segment does not lie on the CT, or on another grid and is not to be resampled.
        """
        with quiet_pydicom():
            series = self.ct.series(self.root, patient)
            ct = read_ct(series, patient)
            self._refuse_other_segments(patient)
            tumour = self._mask(patient, self.tumour, series)
            others = self._mask(patient, self.others, series) if self.others else None
            lungs = self._mask(patient, self.lungs, series) if self.lungs else None
        if others is not None:
            others = Mask(others.values & ~tumour.values, ct.geometry)
        return in_hounsfield_units(Scan(patient, ct, tumour, acquisition_of(series), others, lungs))

    def describe(self) -> dict[str, str]:
        """Everything but the root, as text."""
        return {
            "kind": "seg",
            **self.ct.describe(),
            "segmentation": self.segmentation,
            "roi": self.roi,
            "tumour": json.dumps(self.tumour),
            "others": json.dumps(self.others),
            "threshold": json.dumps(self.threshold),
            "resample": json.dumps(self.resample),
            "lungs": json.dumps(self.lungs),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, str], root: Path) -> SegSource:
        """Inverse of ``describe``; a KeyError or ValueError if the fields are not those of this source."""
        return cls(
            root,
            CtFiles.from_fields(fields),
            fields["segmentation"],
            fields["roi"],
            tuple(int(n) for n in json.loads(fields["tumour"])),
            tuple(int(n) for n in json.loads(fields["others"])),
            json.loads(fields["threshold"]),
            json.loads(fields["resample"]) is True,
            tuple(int(n) for n in json.loads(fields["lungs"])),
        )

    def below(self, root: Path) -> SegSource:
        """The same source with names relative to another root."""
        ct = self.ct.below(self.root, root)
        return replace(self, root=root, ct=ct, segmentation=moved(self.segmentation, self.root, root))

    def _refuse_other_segments(self, patient: str) -> None:
        file = read_segmentation(self.root / self.segmentation, f"Patient {patient}: {self.segmentation}", RoiRules(()))
        names = {entry.number: entry.name for entry in file.entries}
        if " + ".join(names.get(n, "") for n in self.tumour) != self.roi:
            raise ReadError(f"{file.name} no longer holds segment {self.roi!r}; run index again.")

    def _mask(self, patient: str, numbers: tuple[int, ...], series: CtSeries) -> Mask:
        path, name = self.root / self.segmentation, f"Patient {patient}: {self.segmentation}"
        placed = read_segments(path, name, numbers, series, self.threshold)
        return union(placed.values(), series.geometry(), name, resample=self.resample)
