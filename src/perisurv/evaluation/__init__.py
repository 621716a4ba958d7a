"""Prediction to Evaluation: splits, discrimination, AUC over time, risk groups, negative controls."""

from perisurv.evaluation.auc import RocCurve, roc_at, td_auc
from perisurv.evaluation.controls import permuted
from perisurv.evaluation.discrimination import PairedDifference, c_index_interval, paired_c_difference
from perisurv.evaluation.ladder import BranchResult, evaluate_branch, ladder_row
from perisurv.evaluation.resampling import bootstrap_counts, percentile_interval
from perisurv.evaluation.risk_groups import log_rank, risk_group_curves
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
from perisurv.evaluation.within_folds import FoldRisks, FoldScore, score_folds

__all__ = [
    "BranchResult",
    "FoldRisks",
    "FoldScore",
    "PairedDifference",
    "RocCurve",
    "Split",
    "bootstrap_counts",
    "c_index_interval",
    "evaluate_branch",
    "evaluation_from_json",
    "evaluation_to_json",
    "external_centres",
    "external_split",
    "ladder_row",
    "leave_one_centre_out",
    "log_rank",
    "paired_c_difference",
    "percentile_interval",
    "permuted",
    "repeated_folds",
    "risk_group_curves",
    "roc_at",
    "score_folds",
    "stratified_folds",
    "td_auc",
    "temporal_split",
]
