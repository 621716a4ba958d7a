"""Names and values of pyradiomics 3, so that signatures published with it can be applied.

Most features are those of the IBSI under another name; the functions below hold what differs.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from perisurv.core import SettingsError
from perisurv.radiomics.catalogue import names
from perisurv.radiomics.emphasis import emphasis
from perisurv.radiomics.glcm import glcm
from perisurv.radiomics.hull import plane_diameters
from perisurv.radiomics.morphology import shape
from perisurv.radiomics.ngtdm import ngtdm
from perisurv.radiomics.raster import GreyLevels, Raster
from perisurv.radiomics.statistics import statistics
from perisurv.radiomics.texture import DIRECTIONS, TextureMatrices, zone_features

__all__ = ["ibsi_name", "published_signature", "pyradiomics_features", "pyradiomics_names", "pyradiomics_shape"]

Floats = NDArray[np.float64]
Features = dict[str, float]

_SAME = {
    "shape_MeshVolume": "morph_volume",
    "shape_VoxelVolume": "morph_vol_approx",
    "shape_SurfaceArea": "morph_area_mesh",
    "shape_SurfaceVolumeRatio": "morph_av",
    "shape_Sphericity": "morph_sphericity",
    "shape_Compactness1": "morph_comp_1",
    "shape_Compactness2": "morph_comp_2",
    "shape_SphericalDisproportion": "morph_sph_dispr",
    "shape_Maximum3DDiameter": "morph_diam",
    "shape_Elongation": "morph_pca_elongation",
    "shape_Flatness": "morph_pca_flatness",
    "firstorder_10Percentile": "stat_p10",
    "firstorder_90Percentile": "stat_p90",
    "firstorder_Energy": "stat_energy",
    "firstorder_InterquartileRange": "stat_iqr",
    "firstorder_Maximum": "stat_max",
    "firstorder_Mean": "stat_mean",
    "firstorder_MeanAbsoluteDeviation": "stat_mad",
    "firstorder_Median": "stat_median",
    "firstorder_Minimum": "stat_min",
    "firstorder_Range": "stat_range",
    "firstorder_RobustMeanAbsoluteDeviation": "stat_rmad",
    "firstorder_RootMeanSquared": "stat_rms",
    "firstorder_Skewness": "stat_skew",
    "firstorder_Variance": "stat_var",
    "glcm_Autocorrelation": "cm_auto_corr",
    "glcm_ClusterProminence": "cm_clust_prom",
    "glcm_ClusterShade": "cm_clust_shade",
    "glcm_ClusterTendency": "cm_clust_tend",
    "glcm_Contrast": "cm_contrast",
    "glcm_Correlation": "cm_corr",
    "glcm_DifferenceAverage": "cm_diff_avg",
    "glcm_DifferenceEntropy": "cm_diff_entr",
    "glcm_DifferenceVariance": "cm_diff_var",
    "glcm_Id": "cm_inv_diff",
    "glcm_Idm": "cm_inv_diff_mom",
    "glcm_Idmn": "cm_inv_diff_mom_norm",
    "glcm_Idn": "cm_inv_diff_norm",
    "glcm_Imc1": "cm_info_corr1",
    "glcm_Imc2": "cm_info_corr2",
    "glcm_InverseVariance": "cm_inv_var",
    "glcm_JointAverage": "cm_joint_avg",
    "glcm_JointEnergy": "cm_energy",
    "glcm_JointEntropy": "cm_joint_entr",
    "glcm_MaximumProbability": "cm_joint_max",
    "glcm_SumAverage": "cm_sum_avg",
    "glcm_SumEntropy": "cm_sum_entr",
    "glcm_SumSquares": "cm_joint_var",
    "glrlm_GrayLevelNonUniformity": "rlm_glnu",
    "glrlm_GrayLevelNonUniformityNormalized": "rlm_glnu_norm",
    "glrlm_GrayLevelVariance": "rlm_gl_var",
    "glrlm_HighGrayLevelRunEmphasis": "rlm_hgre",
    "glrlm_LongRunEmphasis": "rlm_lre",
    "glrlm_LongRunHighGrayLevelEmphasis": "rlm_lrhge",
    "glrlm_LongRunLowGrayLevelEmphasis": "rlm_lrlge",
    "glrlm_LowGrayLevelRunEmphasis": "rlm_lgre",
    "glrlm_RunEntropy": "rlm_rl_entr",
    "glrlm_RunLengthNonUniformity": "rlm_rlnu",
    "glrlm_RunLengthNonUniformityNormalized": "rlm_rlnu_norm",
    "glrlm_RunPercentage": "rlm_r_perc",
    "glrlm_RunVariance": "rlm_rl_var",
    "glrlm_ShortRunEmphasis": "rlm_sre",
    "glrlm_ShortRunHighGrayLevelEmphasis": "rlm_srhge",
    "glrlm_ShortRunLowGrayLevelEmphasis": "rlm_srlge",
    "glszm_GrayLevelNonUniformity": "szm_glnu",
    "glszm_GrayLevelNonUniformityNormalized": "szm_glnu_norm",
    "glszm_GrayLevelVariance": "szm_gl_var",
    "glszm_HighGrayLevelZoneEmphasis": "szm_hgze",
    "glszm_LargeAreaEmphasis": "szm_lze",
    "glszm_LargeAreaHighGrayLevelEmphasis": "szm_lzhge",
    "glszm_LargeAreaLowGrayLevelEmphasis": "szm_lzlge",
    "glszm_LowGrayLevelZoneEmphasis": "szm_lgze",
    "glszm_SizeZoneNonUniformity": "szm_zsnu",
    "glszm_SizeZoneNonUniformityNormalized": "szm_zsnu_norm",
    "glszm_SmallAreaEmphasis": "szm_sze",
    "glszm_SmallAreaHighGrayLevelEmphasis": "szm_szhge",
    "glszm_SmallAreaLowGrayLevelEmphasis": "szm_szlge",
    "glszm_ZoneEntropy": "szm_zs_entr",
    "glszm_ZonePercentage": "szm_z_perc",
    "glszm_ZoneVariance": "szm_zs_var",
    "gldm_DependenceEntropy": "ngl_dc_entr",
    "gldm_DependenceNonUniformity": "ngl_dcnu",
    "gldm_DependenceNonUniformityNormalized": "ngl_dcnu_norm",
    "gldm_DependenceVariance": "ngl_dc_var",
    "gldm_GrayLevelNonUniformity": "ngl_glnu",
    "gldm_GrayLevelVariance": "ngl_gl_var",
    "gldm_HighGrayLevelEmphasis": "ngl_hgce",
    "gldm_LargeDependenceEmphasis": "ngl_hde",
    "gldm_LargeDependenceHighGrayLevelEmphasis": "ngl_hdhge",
    "gldm_LargeDependenceLowGrayLevelEmphasis": "ngl_hdlge",
    "gldm_LowGrayLevelEmphasis": "ngl_lgce",
    "gldm_SmallDependenceEmphasis": "ngl_lde",
    "gldm_SmallDependenceHighGrayLevelEmphasis": "ngl_ldhge",
    "gldm_SmallDependenceLowGrayLevelEmphasis": "ngl_ldlge",
    "ngtdm_Busyness": "ngt_busyness",
    "ngtdm_Coarseness": "ngt_coarseness",
    "ngtdm_Complexity": "ngt_complexity",
    "ngtdm_Contrast": "ngt_contrast",
    "ngtdm_Strength": "ngt_strength",
}


_OWN = {
    "morph": (
        "shape_MajorAxisLength",
        "shape_MinorAxisLength",
        "shape_LeastAxisLength",
        "shape_Maximum2DDiameterSlice",
        "shape_Maximum2DDiameterColumn",
        "shape_Maximum2DDiameterRow",
    ),
    "stat": (
        "firstorder_Kurtosis",
        "firstorder_StandardDeviation",
        "firstorder_TotalEnergy",
        "firstorder_Entropy",
        "firstorder_Uniformity",
    ),
    "cm": ("glcm_MCC",),
}


# Published with other software before pyradiomics took over its features; the names are those of pyradiomics.
_PUBLISHED = {
    # Aerts et al., Nature Communications 2014; 5:4006.
    "aerts2014": (
        "original__firstorder_Energy",
        "morph__shape_Compactness2",
        "original__glrlm_GrayLevelNonUniformity",
        "wavelet-HLH__glrlm_GrayLevelNonUniformity",
    ),
}


def published_signature(name: str, region: str = "tumour") -> tuple[str, ...]:
    """Columns of a published signature, as the preset ``pyradiomics`` names them.

    Parameters
    ----------
    name
        ``aerts2014``: energy, compactness and the grey level non-uniformity of run lengths, of the CT and of its
        wavelet image HLH.
    region
        Region that the signature is read from.

    Raises
    ------
    SettingsError
        If there is no such signature.
    """
    if name not in _PUBLISHED:
        raise SettingsError(f"There is no published signature {name!r}; there is {', '.join(_PUBLISHED)}.")
    return tuple(f"{region}__{column}" for column in _PUBLISHED[name])


def pyradiomics_names(family: str) -> tuple[str, ...]:
    """Names of one family of the IBSI in pyradiomics, in the order in which they are computed; empty if it has none."""
    shared = (theirs for theirs, ours in _SAME.items() if ours.split("_")[0] == family)
    return (*shared, *_OWN.get(family, ()))


def ibsi_name(name: str) -> str:
    """Tag of the IBSI that has no value where this feature has none; a tag of the IBSI stays as it is."""
    of_class = {"shape": "morph_volume", "firstorder": "stat_mean", "glcm": "cm_joint_max"}
    return _SAME.get(name) or of_class.get(name.split("_", maxsplit=1)[0], name)


def pyradiomics_shape(raster: Raster, spacing_mm: tuple[float, float, float]) -> Features:
    """Class shape: axes of variances over n instead of n - 1, diameters within slices, columns and rows."""
    found = shape(raster, spacing_mm, classic_mesh=True)
    over_n = np.sqrt((raster.n_voxels - 1) / raster.n_voxels)
    across = plane_diameters(raster.mask(), spacing_mm)
    return _renamed("morph", found) | {
        "shape_MajorAxisLength": found["morph_pca_maj_axis"] * over_n,
        "shape_MinorAxisLength": found["morph_pca_min_axis"] * over_n,
        "shape_LeastAxisLength": found["morph_pca_least_axis"] * over_n,
        "shape_Maximum2DDiameterSlice": across[0],
        "shape_Maximum2DDiameterColumn": across[1],
        "shape_Maximum2DDiameterRow": across[2],
    }


def pyradiomics_features(
    ascending: NDArray[np.float32], grey: GreyLevels, families: Collection[str], voxel_volume_mm3: float
) -> Features:
    """Classes firstorder, glcm, glrlm, glszm, gldm and ngtdm.

    Parameters
    ----------
    ascending
        Intensities of the region.
    grey
        Their grey levels.
    families
        Families of the IBSI; those that pyradiomics lacks give nothing.
    voxel_volume_mm3
        For the total energy.
    """
    matrices = TextureMatrices(grey, "3d_averaged")
    found: Features = {}
    if "stat" in families:
        found |= _statistics(ascending, grey.counts, voxel_volume_mm3)
    if "cm" in families:
        found |= _cooccurrence([counts[1:, 1:] for counts, _ in matrices.cooccurrence() if counts[1:, 1:].any()])
    if "rlm" in families:
        # Directions across a flat region are left out.
        kept = [all(n > 3 for n, step in zip(grey.raster.shape, d, strict=True) if step) for d in DIRECTIONS]
        runs = [emphasis(c, None, n) for (c, n), keep in zip(matrices.run_lengths(), kept, strict=True) if keep]
        found |= _named("rlm", np.mean(runs, axis=0) if runs else np.full(16, np.nan))
    if "szm" in families:
        ((level, size, _, n),) = matrices.zones()
        found |= _named("szm", zone_features(level, size, n))
    if not {"ngl", "ngt"}.isdisjoint(families):
        ((dependence, voxels, difference, n),) = matrices.neighbourhood()
        found |= _named("ngl", emphasis(dependence, None, n)) if "ngl" in families else {}
        # Voxels without neighbours count, with no difference.
        voxels = np.concatenate([voxels[:, :2], voxels[:, 2:3] + voxels[:, 1:2], voxels[:, 3:]], axis=1)
        found |= _named("ngt", ngtdm(voxels, difference)) if "ngt" in families else {}
    return found


def _statistics(ascending: NDArray[np.float32], counts: NDArray[np.int64], voxel_volume_mm3: float) -> Features:
    """Kurtosis is not an excess; entropy and uniformity are of the grey levels."""
    stat = dict(zip(names("stat"), (float(v) for v in statistics(ascending)), strict=True))
    p = counts[counts > 0] / counts.sum()
    return _renamed("stat", stat) | {
        "firstorder_Kurtosis": stat["stat_kurt"] + 3.0 if stat["stat_var"] > 0 else 0.0,
        "firstorder_StandardDeviation": float(np.sqrt(stat["stat_var"])),
        "firstorder_TotalEnergy": stat["stat_energy"] * voxel_volume_mm3,
        "firstorder_Entropy": float(-(p * np.log2(p)).sum()),
        "firstorder_Uniformity": float((p**2).sum()),
    }


def _cooccurrence(directions: list[NDArray[np.integer]]) -> Features:
    if not directions:
        return {name: float("nan") for name in pyradiomics_names("cm")}
    found = _named("cm", np.mean([_direction(pairs) for pairs in directions], axis=0))
    return found | {"glcm_MCC": float(np.mean([_maximal_correlation(pairs) for pairs in directions]))}


def _direction(pairs: NDArray[np.integer]) -> Floats:
    """Features of one direction; where all levels are equal the correlation is 1 and Imc1 is 0."""
    values = glcm(np.pad(pairs, ((1, 0), (1, 0))))
    at = {name: n for n, name in enumerate(names("cm"))}
    for name, flat in (("cm_corr", 1.0), ("cm_info_corr1", 0.0)):
        values[at[name]] = flat if np.isnan(values[at[name]]) else values[at[name]]
    return values


def _maximal_correlation(pairs: NDArray[np.integer]) -> float:
    """Maximal correlation coefficient: second largest singular value of the matrix scaled by its marginals."""
    p = (pairs + pairs.T).astype(float)
    marginal = p.sum(axis=1)
    held = marginal > 0
    scaled = p[held][:, held] / np.sqrt(np.outer(marginal[held], marginal[held]))
    if len(scaled) < 2:
        return 1.0
    return float(np.sort(np.abs(np.linalg.eigvalsh(scaled)))[-2])


def _named(family: str, values: Floats) -> Features:
    return _renamed(family, dict(zip(names(family), (float(v) for v in values), strict=False)))


def _renamed(family: str, features: dict[str, float]) -> Features:
    theirs = (name for name in pyradiomics_names(family) if name in _SAME)
    return {name: features[_SAME[name]] for name in theirs}
