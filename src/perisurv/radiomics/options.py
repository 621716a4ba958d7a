"""Settings of the radiomics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from perisurv.core import SettingsError

__all__ = ["Aggregation", "ExtractOptions", "Family"]

Aggregation = Literal["merged", "averaged"]
Family = Literal["morph", "stat", "ih", "cm", "rlm", "szm", "ngt", "ngl"]


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """What is computed of every region (METHOD 6, 7).

    Parameters
    ----------
    resegment_hu
        Voxels outside this range of the CT are left out of intensities and textures, not of morphology.
    bin_width_hu
        Fixed bin size of the CT; the first bin starts at the lower end of ``resegment_hu`` (IBSI).
    ct_bins
        Fixed bin number of the CT; 0: fixed bin size of ``bin_width_hu``.
    log_sigmas_mm
        Scales of the Laplacian-of-Gaussian images, mm; empty: the original image only.
    filtered_bins
        Fixed bin number of filtered images, whose units are arbitrary (IBSI-2).
    aggregation
        ``merged``: one co-occurrence and one run length matrix over all 13 directions; ``averaged``: the mean of the
        features of each direction.
    families
        Families to compute. The intensity histogram ``ih`` is left out by default: with a fixed bin size most of it is
        a coarser copy of ``stat``.
    ring_morphology
        Whether rings get all of morphology; else their voxel volume only, since the shape of a ring is mostly that
        of its tumour.
    """

    resegment_hu: tuple[float, float] = (-1000.0, 400.0)
    bin_width_hu: float = 25.0
    ct_bins: int = 0
    log_sigmas_mm: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 5.0)
    filtered_bins: int = 32
    aggregation: Aggregation = "merged"
    families: tuple[Family, ...] = ("morph", "stat", "cm", "rlm", "szm", "ngt", "ngl")
    ring_morphology: bool = False

    def __post_init__(self) -> None:
        low, high = self.resegment_hu
        if not low < high:
            raise SettingsError(f"[radiomics] resegment_hu must be (lower, upper) in HU, got {self.resegment_hu}.")
        if not (self.bin_width_hu > 0 and (high - low) / self.bin_width_hu <= 2000):
            raise SettingsError(f"[radiomics] bin_width_hu must give 1..2000 bins, got {self.bin_width_hu} HU.")
        # Names of images show six digits.
        if not all(s > 0 for s in self.log_sigmas_mm) or len({f"{s:g}" for s in self.log_sigmas_mm}) != len(
            self.log_sigmas_mm
        ):
            raise SettingsError(f"[radiomics] log_sigmas_mm must be positive and differ, got {self.log_sigmas_mm}.")
        if not 2 <= self.filtered_bins <= 1024:
            raise SettingsError(f"[radiomics] filtered_bins must lie within 2..1024, got {self.filtered_bins}.")
        if not (self.ct_bins == 0 or 2 <= self.ct_bins <= 1024):
            raise SettingsError(f"[radiomics] ct_bins must be 0 or lie within 2..1024, got {self.ct_bins}.")
        if not self.families or not set(self.families) <= set(get_args(Family)):
            raise SettingsError(
                f"[radiomics] families must be some of {', '.join(get_args(Family))}; got {list(self.families)}."
            )
        if self.aggregation not in get_args(Aggregation):
            raise SettingsError(
                f"[radiomics] aggregation must be one of {', '.join(get_args(Aggregation))}; got {self.aggregation!r}."
            )
