"""Every feature: tag, IBSI code, unit, when it has no value. The order is that in which its family computes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

__all__ = ["FAMILIES", "Facts", "FeatureSpec", "feature_catalogue", "names", "undefined_reason"]


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One feature.

    Parameters
    ----------
    name
        Tag as in the IBSI reference tables.
    family
        Key of :data:`FAMILIES`.
    ibsi_code
        Permanent identifier of the IBSI.
    unit
        ``intensity`` is HU in the original image and arbitrary in filtered ones; ``1`` has no unit.
    undefined
        Why the feature may have no value (NaN), the more general reason first; empty: it always has one. Statistics,
        histograms and textures also have none where fewer than two voxels of the region lie in the range.
    """

    name: str
    family: str
    ibsi_code: str
    unit: str
    undefined: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name of the family."""
        return FAMILIES[self.family][0]

    @property
    def reference(self) -> str:
        """Where the formula stands: section of the IBSI reference manual (arXiv 1612.07003)."""
        return f"IBSI {FAMILIES[self.family][2]}, {FAMILIES[self.family][1]}, {self.ibsi_code}"

    @property
    def function(self) -> str:
        """What computes it."""
        return f"perisurv.radiomics.{_FUNCTIONS.get(self.name, FAMILIES[self.family][3])}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides why a feature has no value.

    Parameters
    ----------
    n_voxels
        Voxels of the region in the re-segmentation range.
    constant
        Whether all of them have one intensity.
    """

    n_voxels: int
    constant: bool


# family: (title, IBSI code, section of the reference manual, function)
FAMILIES = {
    "morph": ("Morphology", "HCUG", "3.1", "morphology.shape"),
    "loc": ("Local intensity", "9ST6", "3.2", "local_intensity.local_intensity"),
    "stat": ("Intensity statistics", "UHIW", "3.3", "statistics.statistics"),
    "ih": ("Intensity histogram", "ZVCW", "3.4", "histogram.histogram"),
    "ivh": ("Intensity-volume histogram", "P88C", "3.5", "intensity_volume.intensity_volume"),
    "cm": ("Grey level co-occurrence", "LFYI", "3.6", "glcm.glcm"),
    "rlm": ("Grey level run length", "TP0I", "3.7", "emphasis.emphasis"),
    "szm": ("Grey level size zone", "9SAK", "3.8", "emphasis.emphasis"),
    "dzm": ("Grey level distance zone", "VMDZ", "3.9", "emphasis.emphasis"),
    "ngt": ("Neighbourhood grey tone difference", "IPET", "3.10", "ngtdm.ngtdm"),
    "ngl": ("Neighbouring grey level dependence", "REK0", "3.11", "emphasis.emphasis"),
}

_FUNCTIONS = {
    "morph_com": "morphology.intensity_shape",
    "morph_integ_int": "morphology.intensity_shape",
    "morph_moran_i": "spatial.autocorrelation",
    "morph_geary_c": "spatial.autocorrelation",
}

EMPTY = "no voxel lies in the re-segmentation range"
TOO_FEW = "fewer than two voxels lie in the re-segmentation range"
CONSTANT = "all intensities are equal"
_FLAT = "the region lies in a plane or on a line"
_SINGLE = "the region is one voxel"
_ZERO_SUM = "the intensities add up to zero"
_ZERO_MEAN = "the mean is zero"
_ZERO_QUARTILES = "the quartiles add up to zero"
_TWO = "no value lies between the 10th and the 90th percentile, as of two unequal voxels"
_ONE_BIN = "the histogram has one bin"
_PAIRLESS = "no two voxels of the region are neighbours"
_ONE_LEVEL = "all neighbours have one level, or there are none"
_EVEN = "level times frequency is the same for all levels, or there are no neighbours"

_TABLE = (
    ("morph_volume", "RNU0", "mm3"),
    ("morph_vol_approx", "YEKZ", "mm3"),
    ("morph_area_mesh", "C0JK", "mm2"),
    ("morph_av", "2PR5", "1/mm"),
    ("morph_comp_1", "SKGS", "1"),
    ("morph_comp_2", "BQWJ", "1"),
    ("morph_sph_dispr", "KRCK", "1"),
    ("morph_sphericity", "QCFX", "1"),
    ("morph_asphericity", "25C7", "1"),
    ("morph_com", "KLMA", "mm", EMPTY, _ZERO_SUM),
    ("morph_diam", "L0JK", "mm"),
    ("morph_pca_maj_axis", "TDIC", "mm"),
    ("morph_pca_min_axis", "P9VJ", "mm"),
    ("morph_pca_least_axis", "7J51", "mm"),
    ("morph_pca_elongation", "Q3CK", "1", _SINGLE),
    ("morph_pca_flatness", "N17B", "1", _SINGLE),
    ("morph_vol_dens_aabb", "PBX1", "1"),
    ("morph_area_dens_aabb", "R59B", "1"),
    ("morph_vol_dens_aee", "6BDE", "1", _FLAT),
    ("morph_area_dens_aee", "RDD2", "1", _FLAT),
    ("morph_vol_dens_conv_hull", "R3ER", "1"),
    ("morph_area_dens_conv_hull", "7T7F", "1"),
    ("morph_integ_int", "99N0", "intensity mm3", EMPTY),
    ("morph_moran_i", "N365", "1", EMPTY, CONSTANT),
    ("morph_geary_c", "NPT7", "1", EMPTY, CONSTANT),
    ("loc_peak_loc", "VJGA", "intensity", EMPTY),
    ("loc_peak_glob", "0F91", "intensity", EMPTY),
    ("stat_mean", "Q4LE", "intensity"),
    ("stat_var", "ECT3", "intensity2"),
    ("stat_skew", "KE2A", "1"),
    ("stat_kurt", "IPH6", "1"),
    ("stat_median", "Y12H", "intensity"),
    ("stat_min", "1GSF", "intensity"),
    ("stat_p10", "QG58", "intensity"),
    ("stat_p90", "8DWT", "intensity"),
    ("stat_max", "84IY", "intensity"),
    ("stat_iqr", "SALO", "intensity"),
    ("stat_range", "2OJQ", "intensity"),
    ("stat_mad", "4FUA", "intensity"),
    ("stat_rmad", "1128", "intensity", _TWO),
    ("stat_medad", "N72L", "intensity"),
    ("stat_cov", "7TET", "1", _ZERO_MEAN),
    ("stat_qcod", "9S40", "1", _ZERO_QUARTILES),
    ("stat_energy", "N8CA", "intensity2"),
    ("stat_rms", "5ZWQ", "intensity"),
    ("ih_mean", "X6K6", "1"),
    ("ih_var", "CH89", "1"),
    ("ih_skew", "88K1", "1"),
    ("ih_kurt", "C3I7", "1"),
    ("ih_median", "WIFQ", "1"),
    ("ih_min", "1PR8", "1"),
    ("ih_p10", "GPMT", "1"),
    ("ih_p90", "OZ0C", "1"),
    ("ih_max", "3NCY", "1"),
    ("ih_mode", "AMMC", "1"),
    ("ih_iqr", "WR0O", "1"),
    ("ih_range", "5Z3W", "1"),
    ("ih_mad", "D2ZX", "1"),
    ("ih_rmad", "WRZB", "1", _TWO),
    ("ih_medad", "4RNL", "1"),
    ("ih_cov", "CWYJ", "1"),
    ("ih_qcod", "SLWD", "1"),
    ("ih_entropy", "TLU2", "bit"),
    ("ih_uniformity", "BJ5W", "1"),
    ("ih_max_grad", "12CE", "1", _ONE_BIN),
    ("ih_max_grad_g", "8E6O", "1", _ONE_BIN),
    ("ih_min_grad", "VQB3", "1", _ONE_BIN),
    ("ih_min_grad_g", "RHQZ", "1", _ONE_BIN),
    ("ivh_v10", "BC2M", "1"),
    ("ivh_v90", "BC2M", "1"),
    ("ivh_i10", "GBPN", "intensity"),
    ("ivh_i90", "GBPN", "intensity"),
    ("ivh_diff_v10_v90", "DDTU", "1"),
    ("ivh_diff_i10_i90", "CNV2", "intensity"),
    ("ivh_auc", "9CMM", "1"),
    ("cm_joint_max", "GYBY", "1", _PAIRLESS),
    ("cm_joint_avg", "60VM", "1", _PAIRLESS),
    ("cm_joint_var", "UR99", "1", _PAIRLESS),
    ("cm_joint_entr", "TU9B", "bit", _PAIRLESS),
    ("cm_diff_avg", "TF7R", "1", _PAIRLESS),
    ("cm_diff_var", "D3YU", "1", _PAIRLESS),
    ("cm_diff_entr", "NTRS", "bit", _PAIRLESS),
    ("cm_sum_avg", "ZGXS", "1", _PAIRLESS),
    ("cm_sum_var", "OEEB", "1", _PAIRLESS),
    ("cm_sum_entr", "P6QZ", "bit", _PAIRLESS),
    ("cm_energy", "8ZQL", "1", _PAIRLESS),
    ("cm_contrast", "ACUI", "1", _PAIRLESS),
    ("cm_dissimilarity", "8S9J", "1", _PAIRLESS),
    ("cm_inv_diff", "IB1Z", "1", _PAIRLESS),
    ("cm_inv_diff_norm", "NDRX", "1", _PAIRLESS),
    ("cm_inv_diff_mom", "WF0Z", "1", _PAIRLESS),
    ("cm_inv_diff_mom_norm", "1QCO", "1", _PAIRLESS),
    ("cm_inv_var", "E8JP", "1", _PAIRLESS),
    ("cm_corr", "NI2N", "1", _ONE_LEVEL),
    ("cm_auto_corr", "QWB0", "1", _PAIRLESS),
    ("cm_clust_tend", "DG8W", "1", _PAIRLESS),
    ("cm_clust_shade", "7NFM", "1", _PAIRLESS),
    ("cm_clust_prom", "AE86", "1", _PAIRLESS),
    ("cm_info_corr1", "R8DG", "1", _ONE_LEVEL),
    ("cm_info_corr2", "JN9H", "1", _PAIRLESS),
    ("rlm_sre", "22OV", "1"),
    ("rlm_lre", "W4KF", "1"),
    ("rlm_lgre", "V3SW", "1"),
    ("rlm_hgre", "G3QZ", "1"),
    ("rlm_srlge", "HTZT", "1"),
    ("rlm_srhge", "GD3A", "1"),
    ("rlm_lrlge", "IVPO", "1"),
    ("rlm_lrhge", "3KUM", "1"),
    ("rlm_glnu", "R5YN", "1"),
    ("rlm_glnu_norm", "OVBL", "1"),
    ("rlm_rlnu", "W92Y", "1"),
    ("rlm_rlnu_norm", "IC23", "1"),
    ("rlm_r_perc", "9ZK5", "1"),
    ("rlm_gl_var", "8CE5", "1"),
    ("rlm_rl_var", "SXLW", "1"),
    ("rlm_rl_entr", "HJ9O", "bit"),
    ("szm_sze", "5QRC", "1"),
    ("szm_lze", "48P8", "1"),
    ("szm_lgze", "XMSY", "1"),
    ("szm_hgze", "5GN9", "1"),
    ("szm_szlge", "5RAI", "1"),
    ("szm_szhge", "HW1V", "1"),
    ("szm_lzlge", "YH51", "1"),
    ("szm_lzhge", "J17V", "1"),
    ("szm_glnu", "JNSA", "1"),
    ("szm_glnu_norm", "Y1RO", "1"),
    ("szm_zsnu", "4JP3", "1"),
    ("szm_zsnu_norm", "VB3A", "1"),
    ("szm_z_perc", "P30P", "1"),
    ("szm_gl_var", "BYLV", "1"),
    ("szm_zs_var", "3NSA", "1"),
    ("szm_zs_entr", "GU8N", "bit"),
    ("dzm_sde", "0GBI", "1"),
    ("dzm_lde", "MB4I", "1"),
    ("dzm_lgze", "S1RA", "1"),
    ("dzm_hgze", "K26C", "1"),
    ("dzm_sdlge", "RUVG", "1"),
    ("dzm_sdhge", "DKNJ", "1"),
    ("dzm_ldlge", "A7WM", "1"),
    ("dzm_ldhge", "KLTH", "1"),
    ("dzm_glnu", "VFT7", "1"),
    ("dzm_glnu_norm", "7HP3", "1"),
    ("dzm_zdnu", "V294", "1"),
    ("dzm_zdnu_norm", "IATH", "1"),
    ("dzm_z_perc", "VIWW", "1"),
    ("dzm_gl_var", "QK93", "1"),
    ("dzm_zd_var", "7WT1", "1"),
    ("dzm_zd_entr", "GBDU", "bit"),
    ("ngt_coarseness", "QCDE", "1", _PAIRLESS),
    ("ngt_contrast", "65HE", "1", _PAIRLESS),
    ("ngt_busyness", "NQ30", "1", _EVEN),
    ("ngt_complexity", "HDEZ", "1", _PAIRLESS),
    ("ngt_strength", "1X9X", "1", _PAIRLESS),
    ("ngl_lde", "SODN", "1"),
    ("ngl_hde", "IMOQ", "1"),
    ("ngl_lgce", "TL9H", "1"),
    ("ngl_hgce", "OAE7", "1"),
    ("ngl_ldlge", "EQ3F", "1"),
    ("ngl_ldhge", "JA6D", "1"),
    ("ngl_hdlge", "NBZI", "1"),
    ("ngl_hdhge", "9QMG", "1"),
    ("ngl_glnu", "FP8K", "1"),
    ("ngl_glnu_norm", "5SPA", "1"),
    ("ngl_dcnu", "Z87G", "1"),
    ("ngl_dcnu_norm", "OKJI", "1"),
    ("ngl_dc_perc", "6XV8", "1"),
    ("ngl_gl_var", "1PFV", "1"),
    ("ngl_dc_var", "DNX2", "1"),
    ("ngl_dc_entr", "FCBV", "bit"),
    ("ngl_dc_energy", "CAS9", "1"),
)
_CATALOGUE = {row[0]: FeatureSpec(row[0], row[0].split("_")[0], row[1], row[2], row[3:]) for row in _TABLE}


def feature_catalogue() -> tuple[FeatureSpec, ...]:
    """All features that :func:`perisurv.radiomics.extract` can compute."""
    return tuple(_CATALOGUE.values())


@cache
def names(family: str) -> tuple[str, ...]:
    """Names of one family, in the order in which it computes them."""
    return tuple(spec.name for spec in _CATALOGUE.values() if spec.family == family)


def undefined_reason(name: str, facts: Facts) -> str:
    """Why a feature has no value for a region; empty if its definition always gives one."""
    spec = _CATALOGUE[name]
    if facts.n_voxels < 2 and spec.family not in {"morph", "loc"}:
        return TOO_FEW
    if facts.n_voxels == 0 and EMPTY in spec.undefined:
        return EMPTY
    possible = [r for r in spec.undefined if r != EMPTY and (r != CONSTANT or facts.constant)]
    return possible[0] if possible else ""
