"""CT and contour of an excluded patient, as far as they can be read: for pictures, never for a study."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perisurv.cohort.ct import CtSeries, ct_headers, drawable, read_hu
from perisurv.cohort.dicom import CtHeader, probe, quiet_pydicom
from perisurv.cohort.dicomseg import read_segments
from perisurv.cohort.grids import union as joined
from perisurv.cohort.maskfiles import MaskFile, read_mask_file
from perisurv.cohort.rtstruct import Roi, RoiChoice, draw, outside_ct, read_structure_set, stack_of, union
from perisurv.cohort.sources.ct import CtFiles
from perisurv.cohort.sources.paths import moved
from perisurv.cohort.volumes import read_volume
from perisurv.core import Geometry, InputError, Mask, ReadError, Scan, View, Volume

__all__ = ["PictureSource"]


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Files of which a picture may be made, though the patient is excluded.

    Parameters
    ----------
    root
        Folder that the names are relative to.
    ct
        A CT in DICOM; or else
    image
        the file of a CT as NIfTI, NRRD or MetaImage.
    drawing, numbers
        RTSTRUCT or DICOM SEG, and its ROIs or segments of the tumour; empty: no contour is drawn.
    segments
        Whether it is a DICOM SEG.
    masks
        Files of the tumour.
    threshold
        See ``CohortOptions.mask_threshold``.
    remark
        Why no contour is drawn, where that is known.
    """

    root: Path
    ct: CtFiles | None = None
    image: str = ""
    drawing: str = ""
    numbers: tuple[int, ...] = ()
    segments: bool = False
    masks: tuple[MaskFile, ...] = ()
    threshold: float | None = None
    remark: str = ""

    def read(self, patient: str) -> Scan:
        """Refuse.

        Raises
        ------
        ReadError
            Always: what is left of an excluded patient is for pictures.
        """
        raise ReadError(f"Patient {patient} is excluded; what can be read of the scan serves pictures only.")

    def view(self) -> View:
        """CT and contour as far as they can be read.

        Raises
        ------
        InputError
            If not even the CT can be drawn.
        """
        remarks = [self.remark] if self.remark else []
        with quiet_pydicom():
            series = self._series(remarks) if self.ct is not None else None
            if series is not None:
                ct = read_hu(series)
            else:
                values, grid = read_volume(self.root / self.image, self.image)
                ct = Volume(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), grid)
            try:
                tumour = self._tumour(ct.geometry, series, remarks)
            except InputError as error:
                tumour = None
                remarks.append(f"The contour is not drawn: {error}")
        if tumour is not None and not tumour.voxel_count:
            tumour = None
            remarks.append("The contour encloses no voxel of this CT.")
        return View(ct, tumour, tuple(remarks))

    def describe(self) -> dict[str, str]:
        """Everything but the root, as text."""
        return {
            "kind": "picture",
            "ct": json.dumps(self.ct.describe() if self.ct else None),
            "image": self.image,
            "drawing": self.drawing,
            "numbers": json.dumps(self.numbers),
            "segments": json.dumps(self.segments),
            "masks": json.dumps([[m.name, m.labels] for m in self.masks]),
            "threshold": json.dumps(self.threshold),
            "remark": self.remark,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, str], root: Path) -> PictureSource:
        """Inverse of ``describe``; a KeyError or ValueError if the fields are not those of this source."""
        ct = json.loads(fields["ct"])
        return cls(
            root,
            CtFiles.from_fields(ct) if ct else None,
            fields["image"],
            fields["drawing"],
            tuple(int(n) for n in json.loads(fields["numbers"])),
            json.loads(fields["segments"]) is True,
            tuple(MaskFile(str(name), tuple(map(int, labels))) for name, labels in json.loads(fields["masks"])),
            json.loads(fields["threshold"]),
            fields["remark"],
        )

    def below(self, root: Path) -> PictureSource:
        """The same source with names relative to another root."""
        ct = self.ct.below(self.root, root) if self.ct else None
        image, drawing = (moved(name, self.root, root) if name else "" for name in (self.image, self.drawing))
        masks = tuple(MaskFile(moved(m.name, self.root, root), m.labels) for m in self.masks)
        return replace(self, root=root, ct=ct, image=image, drawing=drawing, masks=masks)

    def _series(self, remarks: list[str]) -> CtSeries | None:
        if self.ct is None:
            return None
        series = drawable(list(self._headers(self.ct)), self.ct.rules)
        left = len(self.ct.images) - len(series.slices)
        if left:
            remarks.append(f"Slices of the CT that are not drawn, as they fit no common image: {left}.")
        if not series.regular:
            remarks.append("The slices lie at irregular distances: what is shown between them is mixed from both.")
        return series

    def _headers(self, ct: CtFiles) -> Iterator[CtHeader]:
        """Of all slices that can be read."""
        wanted = set(ct.images)
        for name in dict.fromkeys(ct.slices):
            try:
                file = probe(self.root / name, name)
                slices = ct_headers(file) if file is not None else ()
            except ReadError:
                continue
            yield from (s for s in slices if (s.name, s.frame) in wanted)

    def _tumour(self, grid: Geometry, series: CtSeries | None, remarks: list[str]) -> Mask | None:
        if self.masks:
            parts = [read_mask_file(self.root / m.name, m.name, m.labels, self.threshold, grid) for m in self.masks]
            return joined(parts, grid, "the mask", resample=True)
        if not (self.drawing and self.numbers and series is not None):
            return None
        path = self.root / self.drawing
        if self.segments:
            placed = read_segments(path, self.drawing, self.numbers, series, self.threshold)
            return joined(placed.values(), grid, self.drawing, resample=True)
        choice = RoiChoice("", self.numbers)
        structures = read_structure_set(path, self.drawing, choice)
        return _filled([structures.rois[n] for n in self.numbers], grid, remarks)


def _filled(rois: Sequence[Roi], grid: Geometry, remarks: list[str]) -> Mask | None:
    """The contours of all ROIs that can be filled on this grid, gaps left open."""
    drawings = []
    for roi in rois:
        why = roi.problem or ("" if roi.contours else "it has no closed contour") or outside_ct(roi.contours, grid)
        try:
            if not why:
                drawings.append(draw(stack_of(roi.contours, grid), grid, interpolate=False))
        except InputError as error:
            why = str(error)
        if why:
            remarks.append(f"The contour {roi.name} is not drawn: {why.rstrip('.')}.")
    return union(drawings, grid) if drawings else None
