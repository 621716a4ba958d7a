"""Prediction to Evaluation: splits, discrimination, AUC over time, risk groups, negative controls."""

from perisurv.evaluation.auc import RocCurve, roc_at, td_auc
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
from perisurv.evaluation.hazard_ratio import GroupHazardRatio, group_hazard_ratios, hazard_ratio
from perisurv.evaluation.ladder import BranchResult, evaluate_branch, ladder_row
from perisurv.evaluation.log_rank import LogRank, LogRankWeight, log_rank, log_rank_test, log_rank_trend
from perisurv.evaluation.reclassification import Reclassification, reclassification
from perisurv.evaluation.resampling import bootstrap_counts, percentile_interval
from perisurv.evaluation.risk_groups import risk_group_curves
from perisurv.evaluation.rmst import RestrictedMeanComparison, restricted_mean, restricted_mean_difference
from perisurv.evaluation.splits import external_split, stratified_folds
from perisurv.evaluation.store import evaluation_from_json, evaluation_to_json

__all__ = [
    "BranchResult",
    "CalibrationCurve",
    "CalibrationError",
    "CalibrationGroup",
    "CalibrationLine",
    "CalibrationMethod",
    "DecisionCurve",
    "Estimate",
    "FineGray",
    "GrayTest",
    "GroupHazardRatio",
    "LogRank",
    "LogRankWeight",
    "ObservedExpected",
    "PairedDifference",
    "Reclassification",
    "RestrictedMeanComparison",
    "RocCurve",
    "binary_decision_curve",
    "bootstrap_counts",
    "c_index_interval",
    "calibration_curve",
    "calibration_groups",
    "calibration_line",
    "calibration_slope",
    "cause_specific",
    "cloglog",
    "decision_curve",
    "evaluate_branch",
    "evaluation_from_json",
    "evaluation_to_json",
    "external_split",
    "fine_gray",
    "gray_test",
    "group_hazard_ratios",
    "hazard_ratio",
    "ladder_row",
    "log_rank",
    "log_rank_test",
    "log_rank_trend",
    "observed_expected",
    "paired_c_difference",
    "percentile_interval",
    "permuted",
    "reclassification",
    "restricted_mean",
    "restricted_mean_difference",
    "risk_group_curves",
    "roc_at",
    "stratified_folds",
    "td_auc",
]
