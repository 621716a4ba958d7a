"""Regions of one patient: the tumour and the rings around it on one analysis grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from perisurv.core.brief import Brief
from perisurv.core.cohort import Finding
from perisurv.core.errors import GeometryError, RegionError
from perisurv.core.volume import Mask, Volume

__all__ = ["Region", "RegionSet"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Region(Brief):
    """One named region.

    Parameters
    ----------
    name
        ``"tumour"`` or ``"ring_3mm"``, ``"ring_6mm"``, ...
    mask
        Voxels of the region on the analysis grid.
    audit
        How the region came out: realised thickness in mm, clipped share, tissue composition; empty for the tumour.
    """

    name: str
    mask: Mask
    audit: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegionSet(Brief):
    """All regions of one patient and the image they lie on.

    Parameters
    ----------
    patient
        Study pseudonym.
    image
        CT in HU on the analysis grid (1 mm by default), cropped around the largest region plus a margin.
    regions
        The tumour first, then the rings by width. All on the grid of the image.
    acquisition
        As in :class:`perisurv.core.Scan`.
    taken
        What the largest ring lost, by cause (``lung``, ``bone``, ...), on the grid of the image; for pictures.
    findings
        Of the checks of tumour, rings and body; none of them excludes the patient.

    Raises
    ------
    GeometryError
        If a region lies on another grid than the image.
    RegionError
        If a region is empty or a name occurs twice.
    """

    patient: str
    image: Volume
    regions: tuple[Region, ...]
    acquisition: Mapping[str, float | str] = field(default_factory=dict)
    taken: Mapping[str, Mask] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        names = [region.name for region in self.regions]
        if len(set(names)) != len(names):
            raise RegionError(f"Patient {self.patient}: region names must be unique, got {names}.")
        for region in self.regions:
            if not region.mask.geometry.is_close(self.image.geometry):
                raise GeometryError(f"Patient {self.patient}: region {region.name} does not lie on the image grid.")
            if region.mask.voxel_count == 0:
                raise RegionError(
                    f"Patient {self.patient}: region {region.name} is empty; the tumour may fill the image "
                    "or the barrier leaves no room for a ring."
                )

    def __getitem__(self, name: str) -> Region:
        for region in self.regions:
            if region.name == name:
                return region
        raise RegionError(f"Patient {self.patient}: no region {name!r}; there are {[r.name for r in self.regions]}.")

    def __iter__(self) -> Iterator[Region]:
        return iter(self.regions)

    def __len__(self) -> int:
        return len(self.regions)
