"""RegionSet to one row of features, as standardised by the IBSI. Numba and scikit-image load when first used."""

from perisurv.radiomics.catalogue import FAMILIES, FeatureSpec, feature_catalogue
from perisurv.radiomics.extract import extract, extract_region
from perisurv.radiomics.morphology import morphology
from perisurv.radiomics.options import ExtractOptions
from perisurv.radiomics.phantom import SelfTestRow, digital_phantom, self_test
from perisurv.radiomics.texture import texture_features

__all__ = [
    "FAMILIES",
    "ExtractOptions",
    "FeatureSpec",
    "SelfTestRow",
    "digital_phantom",
    "extract",
    "extract_region",
    "feature_catalogue",
    "morphology",
    "self_test",
    "texture_features",
]
