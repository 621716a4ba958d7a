"""Prediction to Evaluation: splits, discrimination, scores over time, explained variation, risk groups, controls."""

from perisurv.evaluation.accuracy import Accuracy, accuracy_at
from perisurv.evaluation.auc import RocCurve, roc_at, td_auc
from perisurv.evaluation.auc_curve import AucCurve, IntegratedAuc, auc_curve, integrated_auc, paired_auc_difference
from perisurv.evaluation.brier import (
    BrierCurve,
    IntegratedBrier,
    brier_score,
    integrated_brier,
    paired_brier_difference,
)
from perisurv.evaluation.calibration import (
    CalibrationGroup,
    CalibrationLine,
    ObservedExpected,
    calibration_groups,
    calibration_line,
    calibration_slope,
    observed_expected,
)
from perisurv.evaluation.calibration_curve import (
    CalibrationCurve,
    CalibrationError,
    CalibrationMethod,
    calibration_curve,
)
from perisurv.evaluation.cloglog import cloglog
from perisurv.evaluation.competing_risks import FineGray, GrayTest, cause_specific, fine_gray, gray_test
from perisurv.evaluation.controls import permuted
from perisurv.evaluation.decision_curve import DecisionCurve, binary_decision_curve, decision_curve
from perisurv.evaluation.discrimination import PairedDifference, c_index_interval, paired_c_difference
from perisurv.evaluation.estimate import Estimate
from perisurv.evaluation.explained import ExplainedVariation, ModelIndexes, explained_variation, model_indexes
from perisurv.evaluation.hazard_ratio import GroupHazardRatio, group_hazard_ratios, hazard_ratio
from perisurv.evaluation.incidence import CompetingRisks, competing_risks, incidence_curves
from perisurv.evaluation.ladder import BranchResult, evaluate_branch, ladder_row
from perisurv.evaluation.log_rank import LogRank, LogRankWeight, log_rank, log_rank_test, log_rank_trend
from perisurv.evaluation.optimism import OptimismRow, optimism_bootstrap
from perisurv.evaluation.reclassification import Reclassification, reclassification
from perisurv.evaluation.resampling import bca_interval, bootstrap_counts, percentile_interval
from perisurv.evaluation.risk_groups import risk_group_curves
from perisurv.evaluation.rmst import RestrictedMeanComparison, restricted_mean, restricted_mean_difference
from perisurv.evaluation.splits import (
    Split,
    external_centres,
    external_split,
    leave_one_centre_out,
    repeated_folds,
    stratified_folds,
    temporal_split,
)
from perisurv.evaluation.store import evaluation_from_json, evaluation_to_json
from perisurv.evaluation.uno import UnoC, paired_uno_difference, uno_c
from perisurv.evaluation.within_folds import FoldRisks, FoldScore, score_folds

__all__ = [
    "Accuracy",
    "AucCurve",
    "BranchResult",
    "BrierCurve",
    "CalibrationCurve",
    "CalibrationError",
    "CalibrationGroup",
    "CalibrationLine",
    "CalibrationMethod",
    "CompetingRisks",
    "DecisionCurve",
    "Estimate",
    "ExplainedVariation",
    "FineGray",
    "FoldRisks",
    "FoldScore",
    "GrayTest",
    "GroupHazardRatio",
    "IntegratedAuc",
    "IntegratedBrier",
    "LogRank",
    "LogRankWeight",
    "ModelIndexes",
    "ObservedExpected",
    "OptimismRow",
    "PairedDifference",
    "Reclassification",
    "RestrictedMeanComparison",
    "RocCurve",
    "Split",
    "UnoC",
    "accuracy_at",
    "auc_curve",
    "bca_interval",
    "binary_decision_curve",
    "bootstrap_counts",
    "brier_score",
    "c_index_interval",
    "calibration_curve",
    "calibration_groups",
    "calibration_line",
    "calibration_slope",
    "cause_specific",
    "cloglog",
    "competing_risks",
    "decision_curve",
    "evaluate_branch",
    "evaluation_from_json",
    "evaluation_to_json",
    "explained_variation",
    "external_centres",
    "external_split",
    "fine_gray",
    "gray_test",
    "group_hazard_ratios",
    "hazard_ratio",
    "incidence_curves",
    "integrated_auc",
    "integrated_brier",
    "ladder_row",
    "leave_one_centre_out",
    "log_rank",
    "log_rank_test",
    "log_rank_trend",
    "model_indexes",
    "observed_expected",
    "optimism_bootstrap",
    "paired_auc_difference",
    "paired_brier_difference",
    "paired_c_difference",
    "paired_uno_difference",
    "percentile_interval",
    "permuted",
    "reclassification",
    "repeated_folds",
    "restricted_mean",
    "restricted_mean_difference",
    "risk_group_curves",
    "roc_at",
    "score_folds",
    "stratified_folds",
    "td_auc",
    "temporal_split",
    "uno_c",
]
