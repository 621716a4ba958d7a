"""Settings of the radiomics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from perisurv.core import SettingsError
from perisurv.imaging.filters import ImageFilter, filter_from_table
from perisurv.radiomics.raster import MAX_LEVELS
from perisurv.radiomics.texture import Aggregation

__all__ = ["BinOrigin", "ExtractOptions", "Family", "Naming"]

Family = Literal["morph", "loc", "stat", "ih", "ivh", "cm", "rlm", "szm", "dzm", "ngt", "ngl"]
BinOrigin = Literal["range", "minimum", "multiple"]
Naming = Literal["ibsi", "pyradiomics"]
_DEFAULT_FILTERS: tuple[dict[str, Any], ...] = (
    *({"kind": "log", "sigma_mm": sigma} for sigma in (1.0, 2.0, 3.0, 4.0, 5.0)),
    {"kind": "wavelets", "wavelet": "coif1", "level": 1},
)


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """What is computed of every region (METHOD 6, 7). :func:`perisurv.radiomics.preset` gives ready sets.

    Parameters
    ----------
    resegment_hu
        Voxels outside this range of the CT are left out of intensities and textures, not of morphology; infinite ends
        leave nothing out.
    outlier_sigma
        Voxels further than this many standard deviations from the mean of the region (inside ``resegment_hu``) are left
        out too; 0: none are.
    bin_width_hu
        Fixed bin size of the CT.
    ct_bins
        Fixed bin number of the CT instead; 0: fixed bin size.
    filtered_bins
        Fixed bin number of filtered images, whose units are arbitrary (IBSI-2); 0: fixed bin size.
    filtered_bin_width
        Fixed bin size of filtered images where ``filtered_bins`` is 0.
    bin_origin
        Where the first bin of a fixed size starts: at the lower end of ``resegment_hu`` (IBSI; at the minimum of the
        region where that is infinite or the image is filtered), at the minimum, or at the multiple of the width below.
    ivh_bin_width_hu
        Bin size of the intensity-volume histogram; 0: intensities as they are.
    ivh_bins
        Bin number of the intensity-volume histogram instead, whose intensities then are levels; 0: bin size, and 1000
        bins in filtered images.
    filters
        Filtered images beside the original one, as in a study file: ``{"kind": "log", "sigma_mm": 2.0}``
        (:func:`perisurv.imaging.filter_from_table`).
    aggregation
        How the texture matrices of directions and slices are put together.
    families
        Families to compute. ``morph`` and ``loc`` are of the original image only.
    autocorrelation
        Whether ``morph`` holds Moran's I and Geary's C, by far its slowest features.
    ring_morphology
        Whether rings get all of morphology; else their voxel volume only, since the shape of a ring is mostly that
        of its tumour.
    naming
        ``ibsi``: tags and definitions of the IBSI; ``pyradiomics``: names and values of pyradiomics 3.
    """

    resegment_hu: tuple[float, float] = (-1000.0, 400.0)
    outlier_sigma: float = 0.0
    bin_width_hu: float = 25.0
    ct_bins: int = 0
    filtered_bins: int = 32
    filtered_bin_width: float = 25.0
    bin_origin: BinOrigin = "range"
    ivh_bin_width_hu: float = 0.0
    ivh_bins: int = 0
    filters: tuple[dict[str, Any], ...] = _DEFAULT_FILTERS
    aggregation: Aggregation = "3d_merged"
    families: tuple[Family, ...] = get_args(Family)
    autocorrelation: bool = True
    ring_morphology: bool = False
    naming: Naming = "ibsi"

    def __post_init__(self) -> None:
        low, high = self.resegment_hu
        if not low < high:
            raise SettingsError(f"[radiomics] resegment_hu must be (lower, upper) in HU, got {self.resegment_hu}.")
        for name in ("bin_width_hu", "filtered_bin_width"):
            if not 0 < getattr(self, name) < math.inf:
                raise SettingsError(f"[radiomics] {name} must be positive and finite, got {getattr(self, name)}.")
        if math.isfinite(high - low) and (high - low) / self.bin_width_hu > MAX_LEVELS:
            raise SettingsError(f"[radiomics] bin_width_hu must give 1..{MAX_LEVELS} bins, got {self.bin_width_hu} HU.")
        for name in ("ct_bins", "filtered_bins"):
            if not (getattr(self, name) == 0 or 2 <= getattr(self, name) <= MAX_LEVELS):
                raise SettingsError(
                    f"[radiomics] {name} must be 0 or lie within 2..{MAX_LEVELS}, got {getattr(self, name)}."
                )
        for name in ("outlier_sigma", "ivh_bin_width_hu", "ivh_bins"):
            if not 0 <= getattr(self, name) < math.inf:
                raise SettingsError(f"[radiomics] {name} must be 0 or positive, got {getattr(self, name)}.")
        self._check_choices()

    def _check_choices(self) -> None:
        if not self.families or not set(self.families) <= set(get_args(Family)):
            raise SettingsError(
                f"[radiomics] families must be some of {', '.join(get_args(Family))}; got {list(self.families)}."
            )
        for name, choices in (("aggregation", Aggregation), ("bin_origin", BinOrigin), ("naming", Naming)):
            if getattr(self, name) not in get_args(choices):
                raise SettingsError(
                    f"[radiomics] {name} must be one of {', '.join(get_args(choices))}; got {getattr(self, name)!r}."
                )
        images = [image for one in self.image_filters() for image in one.names]
        twice = sorted({image for image in images if images.count(image) > 1})
        if twice:
            raise SettingsError(
                f"[radiomics] filters make the image {twice[0]!r} twice; every image needs its own name."
            )

    def image_filters(self) -> tuple[ImageFilter, ...]:
        """The filters, built and checked."""
        return tuple(filter_from_table(table) for table in self.filters)
