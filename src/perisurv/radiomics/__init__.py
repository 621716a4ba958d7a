"""RegionSet to one row of features, as standardised by the IBSI. Numba loads when first used."""

from perisurv.radiomics.catalogue import FAMILIES, FeatureSpec, feature_catalogue
from perisurv.radiomics.extract import extract
from perisurv.radiomics.maps import FeatureMap, feature_map
from perisurv.radiomics.options import ExtractOptions
from perisurv.radiomics.phantom import CONFIGURATIONS, SelfTestRow, digital_phantom, self_test
from perisurv.radiomics.presets import preset, preset_names
from perisurv.radiomics.pyradiomics import published_signature
from perisurv.radiomics.raster import GreyLevels, Raster
from perisurv.radiomics.texture import AGGREGATIONS, texture_features

__all__ = [
    "AGGREGATIONS",
    "CONFIGURATIONS",
    "FAMILIES",
    "ExtractOptions",
    "FeatureMap",
    "FeatureSpec",
    "GreyLevels",
    "Raster",
    "SelfTestRow",
    "digital_phantom",
    "extract",
    "feature_catalogue",
    "feature_map",
    "preset",
    "preset_names",
    "published_signature",
    "self_test",
    "texture_features",
]
