"""An image and masks as research files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from perisurv.cohort.grids import union
from perisurv.cohort.maskfiles import MaskFile, read_mask_file
from perisurv.cohort.sources.paths import moved
from perisurv.cohort.sources.values import in_hounsfield_units
from perisurv.cohort.volumes import read_volume
from perisurv.core import Geometry, Mask, Scan, Volume

__all__ = ["PairSource"]

_MASKS = ("tumour", "others", "lungs")


@dataclass(frozen=True, slots=True)
class PairSource:
    """An image in HU and masks of tumour, other lesions and lungs, as NIfTI, NRRD or MetaImage.

    Parameters
    ----------
    root
        Folder that the names are relative to.
    image
        The CT.
    tumour, others
        Masks, those of one kind joined.
    threshold
        Least value of a mask of probabilities, see ``CohortOptions.mask_threshold``.
    resample
        Whether a mask lies on another grid and is to be resampled to that of the CT.
    lungs
        Masks of the lungs.
    """

    root: Path
    image: str
    tumour: tuple[MaskFile, ...]
    others: tuple[MaskFile, ...] = ()
    threshold: float | None = None
    resample: bool = False
    lungs: tuple[MaskFile, ...] = ()

    def read(self, patient: str) -> Scan:
        """Read all files.

        Raises
        ------
        ReadError
            If a file is gone or cannot be decoded, or a mask no longer says what the tumour is.
        GeometryError
            If a mask does not lie on the CT, or on another grid and is not to be resampled.
        """
        values, geometry = read_volume(self.root / self.image, f"Patient {patient}: {self.image}")
        tumour = self._mask(patient, self.tumour, geometry)
        others = self._mask(patient, self.others, geometry) if self.others else None
        lungs = self._mask(patient, self.lungs, geometry) if self.lungs else None
        if others is not None:
            others = Mask(others.values & ~tumour.values, geometry)
        acquisition: dict[str, float | str] = {
            "slice_spacing_mm": geometry.spacing_mm[0],
            "pixel_spacing_mm": geometry.spacing_mm[1],
        }
        return in_hounsfield_units(Scan(patient, Volume(values, geometry), tumour, acquisition, others, lungs))

    def describe(self) -> dict[str, str]:
        """Everything but the root, as text."""
        return {
            "kind": "pair",
            "image": self.image,
            "threshold": json.dumps(self.threshold),
            "resample": json.dumps(self.resample),
            **{key: json.dumps([[m.name, m.labels] for m in getattr(self, key)]) for key in _MASKS},
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, str], root: Path) -> PairSource:
        """Inverse of ``describe``; a KeyError or ValueError if the fields are not those of this source."""
        tumour, others, lungs = (
            tuple(MaskFile(str(name), tuple(int(n) for n in labels)) for name, labels in json.loads(fields[key]))
            for key in _MASKS
        )
        threshold, resample = json.loads(fields["threshold"]), json.loads(fields["resample"]) is True
        return cls(root, fields["image"], tumour, others, threshold, resample, lungs)

    def below(self, root: Path) -> PairSource:
        """The same source with names relative to another root."""
        tumour, others, lungs = (
            tuple(MaskFile(moved(m.name, self.root, root), m.labels) for m in masks)
            for masks in (self.tumour, self.others, self.lungs)
        )
        image = moved(self.image, self.root, root)
        return replace(self, root=root, image=image, tumour=tumour, others=others, lungs=lungs)

    def _mask(self, patient: str, masks: tuple[MaskFile, ...], grid: Geometry) -> Mask:
        parts = [
            read_mask_file(self.root / m.name, f"Patient {patient}: {m.name}", m.labels, self.threshold, grid)
            for m in masks
        ]
        name = f"Patient {patient}: {' and '.join(dict.fromkeys(m.name for m in masks))}"
        return union(parts, grid, name, resample=self.resample)
