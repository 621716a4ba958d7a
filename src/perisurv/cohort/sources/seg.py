"""A CT series and a DICOM SEG drawn on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from perisurv.cohort.ct import CtSeries
from perisurv.cohort.dicom import quiet_pydicom
from perisurv.cohort.dicomseg import read_segmentation, read_segments
from perisurv.cohort.grids import union
from perisurv.cohort.rtstruct import RoiRules
from perisurv.cohort.sources.ct import Image, acquisition_of, images_of, read_ct, read_series
from perisurv.cohort.sources.paths import moved
from perisurv.cohort.stack_rules import StackRules
from perisurv.core import Mask, ReadError, Scan

__all__ = ["SegSource"]


@dataclass(frozen=True, slots=True)
class SegSource:
    """A CT series and the tumour segments of a DICOM SEG.

    Parameters
    ----------
    root
        Folder that the names are relative to.
    slices
        Files of the series, ordered along the normal of the slices.
    segmentation
        The SEG file.
    roi
        Label of the tumour segment; several are joined by a plus sign.
    tumour, others
        Numbers of the segments of the tumour and of other lesions.
    rules
        What the stack of slices may be.
    threshold
        Share of MaximumFractionalValue from which a voxel is inside, see ``CohortOptions.mask_threshold``.
    resample
        Whether the mask lies on another grid and is to be resampled to that of the CT.
    frames
        For every slice the number of the frame in its file, 0 if the file is one slice.
    lungs
        Numbers of the segments of the lungs.
    """

    root: Path
    slices: tuple[str, ...]
    segmentation: str
    roi: str
    tumour: tuple[int, ...]
    others: tuple[int, ...] = ()
    rules: StackRules = field(default_factory=StackRules)
    threshold: float | None = None
    resample: bool = False
    frames: tuple[int, ...] = ()
    lungs: tuple[int, ...] = ()

    @property
    def images(self) -> tuple[Image, ...]:
        """File and frame of every slice."""
        return images_of(self.slices, self.frames)

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
            series = read_series(self.root, self.images, self.rules, patient)
            ct = read_ct(series, patient)
            self._refuse_other_segments(patient)
            tumour = self._mask(patient, self.tumour, series)
            others = self._mask(patient, self.others, series) if self.others else None
            lungs = self._mask(patient, self.lungs, series) if self.lungs else None
        if others is not None:
            others = Mask(others.values & ~tumour.values, ct.geometry)
        return Scan(patient, ct, tumour, acquisition_of(series), others, lungs)

    def describe(self) -> dict[str, str]:
        """Everything but the root, as text."""
        return {
            "kind": "seg",
            "slices": json.dumps(self.slices),
            "segmentation": self.segmentation,
            "roi": self.roi,
            "tumour": json.dumps(self.tumour),
            "others": json.dumps(self.others),
            "rules": json.dumps(asdict(self.rules)),
            "threshold": json.dumps(self.threshold),
            "resample": json.dumps(self.resample),
            "frames": json.dumps(self.frames),
            "lungs": json.dumps(self.lungs),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, str], root: Path) -> SegSource:
        """Inverse of ``describe``; a KeyError or ValueError if the fields are not those of this source."""
        return cls(
            root,
            tuple(str(name) for name in json.loads(fields["slices"])),
            fields["segmentation"],
            fields["roi"],
            tuple(int(n) for n in json.loads(fields["tumour"])),
            tuple(int(n) for n in json.loads(fields["others"])),
            StackRules.from_fields(json.loads(fields["rules"])),
            json.loads(fields["threshold"]),
            json.loads(fields["resample"]) is True,
            tuple(int(n) for n in json.loads(fields["frames"])),
            tuple(int(n) for n in json.loads(fields["lungs"])),
        )

    def below(self, root: Path) -> SegSource:
        """The same source with names relative to another root."""
        names = tuple(moved(name, self.root, root) for name in self.slices)
        return replace(self, root=root, slices=names, segmentation=moved(self.segmentation, self.root, root))

    def _refuse_other_segments(self, patient: str) -> None:
        file = read_segmentation(self.root / self.segmentation, f"Patient {patient}: {self.segmentation}", RoiRules(()))
        names = {entry.number: entry.name for entry in file.entries}
        if " + ".join(names.get(n, "") for n in self.tumour) != self.roi:
            raise ReadError(f"{file.name} no longer holds segment {self.roi!r}; run index again.")

    def _mask(self, patient: str, numbers: tuple[int, ...], series: CtSeries) -> Mask:
        path, name = self.root / self.segmentation, f"Patient {patient}: {self.segmentation}"
        placed = read_segments(path, name, numbers, series, self.threshold)
        return union(placed.values(), series.geometry(), name, resample=self.resample)
