"""RegionSet to one row of features, as standardised by the IBSI. Numba and scikit-image load when first used."""

from perisurv.radiomics.catalogue import FAMILIES, FeatureSpec, feature_catalogue
from perisurv.radiomics.extract import extract, intensity_features, texture_features
from perisurv.radiomics.morphology import morphology
from perisurv.radiomics.options import ExtractOptions
from perisurv.radiomics.phantom import SelfTestRow, digital_phantom, self_test

__all__ = [
    "FAMILIES",
    "ExtractOptions",
    "FeatureSpec",
    "SelfTestRow",
    "digital_phantom",
    "extract",
    "feature_catalogue",
    "intensity_features",
    "morphology",
    "self_test",
    "texture_features",
]
