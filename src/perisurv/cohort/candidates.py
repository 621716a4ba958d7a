"""Which CT a structure set or DICOM SEG was drawn on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perisurv.cohort.checks import Pairing, SegPairing, off_slices
from perisurv.cohort.ct import CtSeries, differences
from perisurv.cohort.dicomseg import Segmentation
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.rtstruct import StructureSet

__all__ = ["DRAWN_ON", "Structures", "find_ct", "kind_of"]

Structures = StructureSet | Segmentation
Volumes = list[CtSeries]
# How the reason begins where contours belong to MR, PET and the like.
DRAWN_ON = " drawn on "
_MODALITIES = {"PT": "PET", "NM": "nuclear medicine", "US": "ultrasound"}


def kind_of(structures: Structures) -> str:
    """What messages call it."""
    return "DICOM SEG" if isinstance(structures, Segmentation) else "RTSTRUCT"


def find_ct(
    structures: Structures,
    series: Mapping[str, Sequence[CtSeries]],
    own: Sequence[CtSeries],
    options: CohortOptions,
    modalities: Mapping[str, str],
) -> CtSeries | str:
    """The CT, or the reason why there is none, or not one.

    The first that any CT fits decides: the slices that contours of the tumour or frames name, the slices that are
    listed, the series that is listed, and where none is listed the frame of reference. With ``references`` set to
    "series" the frame of reference counts also where a series is listed, with "geometry" also the position alone.
    """
    frames = (structures.references.frame_uids | structures.frame_uids) - {v.slices[0].frame_uid for v in own}
    others = {modalities[uid] for uid in structures.references.series_uids or frames if uid in modalities}
    search = _Search(structures, series, tuple(own), options, tuple(sorted(others)))
    found = search.found()
    if len(found) == 1:
        return found[0]
    if not found:
        return search.nothing()
    return search.several(found)


@dataclass(frozen=True, slots=True)
class _Search:
    structures: Structures
    series: Mapping[str, Sequence[CtSeries]]
    own: tuple[CtSeries, ...]
    options: CohortOptions
    others: tuple[str, ...]

    def found(self) -> Volumes:
        """The volumes that fit best."""
        references, policy = self.structures.references, self.options.references
        listed = [v for uid in sorted(references.series_uids) for v in self.series.get(uid, ())]
        others = [v for v in self.own if v.uid not in references.series_uids]
        if policy == "slices":
            others = [v for v in others if not references.under_other_series(v.uid, v.images)]
        every = [*listed, *others]
        found = self._by_slices(every) or listed
        if found or self.others:
            return found
        if policy != "slices" or not references.series_uids:
            found = self._by_frame()
            if policy != "slices" and len(found) > 1:
                found = self._on_slices(found) or found
        if not found and policy == "geometry":
            found = self._on_slices(self.own)
        return found

    def nothing(self) -> str:
        """Why no CT fits."""
        structures, references = self.structures, self.structures.references
        kind, name = kind_of(structures), structures.name
        if self.others:
            drawn_on = " and ".join(_MODALITIES.get(m, m) for m in self.others)
            return f"{kind}{DRAWN_ON}{drawn_on}: {name} belongs to a series that is no CT; export one drawn on the CT."
        if references.listed or references.frame_uids or structures.frame_uids or structures.named():
            said = f"{kind} of another CT: {name} was drawn on a CT that is not in the folder; export that CT"
        else:
            said = (
                f"{kind} that names no CT: {name} names neither a series nor a frame of reference nor slices; export "
                "it again with the CT"
            )
        return f"{said}{self._advice()}."

    def several(self, found: Volumes) -> str:
        """Why it is not one."""
        name = self.structures.name
        folders = ", ".join(dict.fromkeys(v.folder for v in found))
        if len({v.uid for v in found}) < len(found):
            return (
                f"two series with one UID: {name} fits {len(found)} volumes under one SeriesInstanceUID that differ in "
                f"{differences(found)}; keep the one that it was drawn on."
            )
        named = self.structures.named()
        hits = [sum(bool(images & v.images) for images in named) for v in found]
        if all(0 < count < len(named) for count in hits):
            return (
                f"ambiguous CT: the contours of the tumour in {name} name slices of {len(found)} CT series "
                f"({folders}); draw them on one."
            )
        return f"ambiguous CT: {name} fits {len(found)} CT series ({folders}); keep the one meant."

    def _by_slices(self, volumes: Volumes) -> Volumes:
        """Those with slices that the tumour names; else those with slices that are listed."""
        there = [(v, v.images) for v in volumes]
        named = self.structures.named()
        hits = [(v, sum(bool(images & own) for images in named)) for v, own in there]
        complete = [v for v, count in hits if named and count == len(named)]
        listed = self.structures.references.image_uids
        return complete or [v for v, count in hits if count] or [v for v, own in there if listed & own]

    def _by_frame(self) -> Volumes:
        """The CTs of the patient in the frame of reference."""
        frames = self.structures.frame_uids
        if self.options.references != "slices":
            frames |= self.structures.references.frame_uids
        return [v for v in self.own if v.slices[0].frame_uid in frames]

    def _on_slices(self, volumes: Sequence[CtSeries]) -> Volumes:
        """Those whose slices hold every contour or frame."""
        return [v for v in volumes if not off_slices(self._pair(v))]

    def _pair(self, volume: CtSeries) -> Pairing | SegPairing:
        if isinstance(self.structures, Segmentation):
            return SegPairing(self.structures, volume, self.options)
        return Pairing(self.structures, volume, self.options)

    def _advice(self) -> str:
        """The line of the study file that would take the only CT of the patient that holds all contours."""
        if not self.own:
            return ""
        fits = self._on_slices(self.own)
        if len(fits) != 1:
            where = ", ".join(dict.fromkeys(v.folder for v in fits or self.own))
            said = "holds its contours on its slices" if not fits else "could be the one by its contours alone"
            which = f"neither the CT in {where}" if not fits else f"more than one CT ({where})"
            return f" ({which} {said})"
        frames = self.structures.frame_uids | self.structures.references.frame_uids
        policy = "series" if fits[0].slices[0].frame_uid in frames else "geometry"
        return (
            f", or, as all contours lie on slices of the CT in {fits[0].folder}, set references = "
            f'"{policy}" below [cohort]'
        )
