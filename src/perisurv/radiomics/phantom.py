"""The digital phantom of the IBSI and its reference values: the self-test of an installation.

Image Biomarker Standardisation Initiative, digital phantom and consensus values, CC BY 4.0 (Zwanenburg et al.,
Radiology 2020; 295:328). 3D merged aggregation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perisurv.core import Geometry, Mask, Volume
from perisurv.radiomics.catalogue import names
from perisurv.radiomics.histogram import histogram
from perisurv.radiomics.morphology import morphology
from perisurv.radiomics.statistics import statistics
from perisurv.radiomics.texture import texture_features

__all__ = ["SelfTestRow", "digital_phantom", "self_test"]

# Slices, each of four rows of five grey levels.
_LEVELS = (
    "14411 14611 41641 44641",
    "14411 11611 11311 44611",
    "14411 11111 11911 11611",
    "14411 11111 11111 11611",
)
_INSIDE = (
    "11111 11111 11111 11111",
    "11111 11111 01111 11111",
    "11100 11111 11011 11111",
    "11100 11111 11111 11111",
)
# Feature, consensus value, tolerance; a tolerance of 0 means: to the three published digits.
REFERENCE = (
    ("morph_volume", 556.0, 4.0),
    ("morph_vol_approx", 592.0, 4.0),
    ("morph_area_mesh", 388.0, 3.0),
    ("morph_av", 0.698, 0.004),
    ("morph_comp_1", 0.0411, 0.0003),
    ("morph_comp_2", 0.599, 0.004),
    ("morph_sph_dispr", 1.19, 0.01),
    ("morph_sphericity", 0.843, 0.005),
    ("morph_asphericity", 0.186, 0.001),
    ("morph_com", 0.672, 0.004),
    ("morph_diam", 13.1, 0.1),
    ("morph_pca_maj_axis", 11.4, 0.1),
    ("morph_pca_min_axis", 9.31, 0.06),
    ("morph_pca_least_axis", 8.54, 0.05),
    ("morph_pca_elongation", 0.816, 0.005),
    ("morph_pca_flatness", 0.749, 0.005),
    ("morph_vol_dens_aabb", 0.869, 0.005),
    ("morph_area_dens_aabb", 0.866, 0.005),
    ("morph_vol_dens_aee", 1.17, 0.01),
    ("morph_area_dens_aee", 1.36, 0.01),
    ("morph_vol_dens_conv_hull", 0.961, 0.006),
    ("morph_area_dens_conv_hull", 1.03, 0.01),
    ("morph_integ_int", 1200.0, 10.0),
    ("morph_moran_i", 0.0397, 0.0003),
    ("morph_geary_c", 0.974, 0.006),
    ("stat_mean", 2.15, 0.0),
    ("stat_var", 3.05, 0.0),
    ("stat_skew", 1.08, 0.0),
    ("stat_kurt", -0.355, 0.0),
    ("stat_median", 1.0, 0.0),
    ("stat_min", 1.0, 0.0),
    ("stat_p10", 1.0, 0.0),
    ("stat_p90", 4.0, 0.0),
    ("stat_max", 6.0, 0.0),
    ("stat_iqr", 3.0, 0.0),
    ("stat_range", 5.0, 0.0),
    ("stat_mad", 1.55, 0.0),
    ("stat_rmad", 1.11, 0.0),
    ("stat_medad", 1.15, 0.0),
    ("stat_cov", 0.812, 0.0),
    ("stat_qcod", 0.6, 0.0),
    ("stat_energy", 567.0, 0.0),
    ("stat_rms", 2.77, 0.0),
    ("ih_mean", 2.15, 0.0),
    ("ih_var", 3.05, 0.0),
    ("ih_skew", 1.08, 0.0),
    ("ih_kurt", -0.355, 0.0),
    ("ih_median", 1.0, 0.0),
    ("ih_min", 1.0, 0.0),
    ("ih_p10", 1.0, 0.0),
    ("ih_p90", 4.0, 0.0),
    ("ih_max", 6.0, 0.0),
    ("ih_mode", 1.0, 0.0),
    ("ih_iqr", 3.0, 0.0),
    ("ih_range", 5.0, 0.0),
    ("ih_mad", 1.55, 0.0),
    ("ih_rmad", 1.11, 0.0),
    ("ih_medad", 1.15, 0.0),
    ("ih_cov", 0.812, 0.0),
    ("ih_qcod", 0.6, 0.0),
    ("ih_entropy", 1.27, 0.0),
    ("ih_uniformity", 0.512, 0.0),
    ("ih_max_grad", 8.0, 0.0),
    ("ih_max_grad_g", 3.0, 0.0),
    ("ih_min_grad", -50.0, 0.0),
    ("ih_min_grad_g", 1.0, 0.0),
    ("cm_joint_max", 0.509, 0.0),
    ("cm_joint_avg", 2.15, 0.0),
    ("cm_joint_var", 3.13, 0.0),
    ("cm_joint_entr", 2.57, 0.0),
    ("cm_diff_avg", 1.38, 0.0),
    ("cm_diff_var", 3.21, 0.0),
    ("cm_diff_entr", 1.64, 0.0),
    ("cm_sum_avg", 4.3, 0.0),
    ("cm_sum_var", 7.41, 0.0),
    ("cm_sum_entr", 2.11, 0.0),
    ("cm_energy", 0.291, 0.0),
    ("cm_contrast", 5.12, 0.0),
    ("cm_dissimilarity", 1.38, 0.0),
    ("cm_inv_diff", 0.688, 0.0),
    ("cm_inv_diff_norm", 0.856, 0.0),
    ("cm_inv_diff_mom", 0.631, 0.0),
    ("cm_inv_diff_mom_norm", 0.902, 0.0),
    ("cm_inv_var", 0.0574, 0.0),
    ("cm_corr", 0.183, 0.0),
    ("cm_auto_corr", 5.19, 0.0),
    ("cm_clust_tend", 7.41, 0.0),
    ("cm_clust_shade", 17.4, 0.0),
    ("cm_clust_prom", 147.0, 0.0),
    ("cm_info_corr1", -0.0288, 0.0),
    ("cm_info_corr2", 0.269, 0.0),
    ("rlm_sre", 0.729, 0.0),
    ("rlm_lre", 2.76, 0.0),
    ("rlm_lgre", 0.607, 0.0),
    ("rlm_hgre", 9.64, 0.0),
    ("rlm_srlge", 0.372, 0.0),
    ("rlm_srhge", 8.67, 0.0),
    ("rlm_lrlge", 2.16, 0.0),
    ("rlm_lrhge", 15.6, 0.0),
    ("rlm_glnu", 281.0, 0.0),
    ("rlm_glnu_norm", 0.43, 0.0),
    ("rlm_rlnu", 328.0, 0.0),
    ("rlm_rlnu_norm", 0.501, 0.0),
    ("rlm_r_perc", 0.68, 0.0),
    ("rlm_gl_var", 3.48, 0.0),
    ("rlm_rl_var", 0.598, 0.0),
    ("rlm_rl_entr", 2.62, 0.0),
    ("szm_sze", 0.255, 0.0),
    ("szm_lze", 550.0, 0.0),
    ("szm_lgze", 0.253, 0.0),
    ("szm_hgze", 15.6, 0.0),
    ("szm_szlge", 0.0256, 0.0),
    ("szm_szhge", 2.76, 0.0),
    ("szm_lzlge", 503.0, 0.0),
    ("szm_lzhge", 1490.0, 0.0),
    ("szm_glnu", 1.4, 0.0),
    ("szm_glnu_norm", 0.28, 0.0),
    ("szm_zsnu", 1.0, 0.0),
    ("szm_zsnu_norm", 0.2, 0.0),
    ("szm_z_perc", 0.0676, 0.0),
    ("szm_gl_var", 2.64, 0.0),
    ("szm_zs_var", 331.0, 0.0),
    ("szm_zs_entr", 2.32, 0.0),
    ("ngt_coarseness", 0.0296, 0.0),
    ("ngt_contrast", 0.584, 0.0),
    ("ngt_busyness", 6.54, 0.0),
    ("ngt_complexity", 13.5, 0.0),
    ("ngt_strength", 0.763, 0.0),
    ("ngl_lde", 0.045, 0.0),
    ("ngl_hde", 109.0, 0.0),
    ("ngl_lgce", 0.693, 0.0),
    ("ngl_hgce", 7.66, 0.0),
    ("ngl_ldlge", 0.00963, 0.0),
    ("ngl_ldhge", 0.736, 0.0),
    ("ngl_hdlge", 102.0, 0.0),
    ("ngl_hdhge", 235.0, 0.0),
    ("ngl_glnu", 37.9, 0.0),
    ("ngl_glnu_norm", 0.512, 0.0),
    ("ngl_dcnu", 4.86, 0.0),
    ("ngl_dcnu_norm", 0.0657, 0.0),
    ("ngl_dc_perc", 1.0, 0.0),
    ("ngl_gl_var", 3.05, 0.0),
    ("ngl_dc_var", 22.1, 0.0),
    ("ngl_dc_entr", 4.4, 0.0),
    ("ngl_dc_energy", 0.0533, 0.0),
)


@dataclass(frozen=True, slots=True)
class SelfTestRow:
    """One feature of the self-test."""

    feature: str
    expected: float
    got: float
    tolerance: float
    ok: bool


def digital_phantom() -> tuple[Volume, Mask]:
    """Image and mask, 4 x 4 x 5 voxels of 2 mm."""
    geometry = Geometry((4, 4, 5), (2.0, 2.0, 2.0))
    return Volume(_array(_LEVELS).astype(np.float32), geometry), Mask(_array(_INSIDE) == 1, geometry)


def self_test() -> list[SelfTestRow]:
    """Every feature of the catalogue on the digital phantom against its consensus value.

    The phantom's intensities are its grey levels: it is not discretised.
    """
    image, mask = digital_phantom()
    levels = np.where(mask.values, image.values, 0).astype(np.int32)
    got = dict(zip(names("morph"), morphology(image, mask, mask), strict=True))
    got |= dict(zip(names("stat"), statistics(image.values[mask.values]), strict=True))
    got |= dict(zip(names("ih"), histogram(levels[mask.values]), strict=True))
    got |= texture_features(levels)
    return [
        SelfTestRow(name, expected, got[name], tolerance, _agrees(got[name], expected, tolerance))
        for name, expected, tolerance in REFERENCE
    ]


def _agrees(got: float, expected: float, tolerance: float) -> bool:
    return abs(got - expected) <= tolerance or float(f"{got:.3g}") == expected


def _array(slices: tuple[str, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array([[[int(c) for c in row] for row in plane.split()] for plane in slices])
