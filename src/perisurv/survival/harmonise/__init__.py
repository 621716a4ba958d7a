"""Centres, scanners and kernels shift features; here the shift is estimated from training patients and taken away."""

from perisurv.survival.harmonise.batches import BatchBy, Batches, Unseen, batches
from perisurv.survival.harmonise.combat import CombatOptions, Harmonisation
from perisurv.survival.harmonise.estimators import BatchTransformer, ComBat, RobustScaling
from perisurv.survival.harmonise.features import FeatureHarmonisation, fit_harmonisation
from perisurv.survival.harmonise.fit import fit_combat
from perisurv.survival.harmonise.robust import RobustOptions, RobustScale, fit_robust_scale
from perisurv.survival.harmonise.site import BatchAccuracy, batch_accuracy

__all__ = [
    "BatchAccuracy",
    "BatchBy",
    "BatchTransformer",
    "Batches",
    "ComBat",
    "CombatOptions",
    "FeatureHarmonisation",
    "Harmonisation",
    "RobustOptions",
    "RobustScale",
    "RobustScaling",
    "Unseen",
    "batch_accuracy",
    "batches",
    "fit_combat",
    "fit_harmonisation",
    "fit_robust_scale",
]
