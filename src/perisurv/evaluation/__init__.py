"""Prediction to Evaluation: splits, discrimination, AUC over time, risk groups, negative controls."""

from perisurv.evaluation.auc import RocCurve, roc_at, td_auc
from perisurv.evaluation.controls import permuted
from perisurv.evaluation.discrimination import PairedDifference, c_index_interval, paired_c_difference
from perisurv.evaluation.ladder import BranchResult, evaluate_branch, ladder_row
from perisurv.evaluation.log_rank import LogRank, LogRankWeight, log_rank, log_rank_test, log_rank_trend
from perisurv.evaluation.resampling import bootstrap_counts, percentile_interval
from perisurv.evaluation.risk_groups import risk_group_curves
from perisurv.evaluation.splits import external_split, stratified_folds
from perisurv.evaluation.store import evaluation_from_json, evaluation_to_json

__all__ = [
    "BranchResult",
    "LogRank",
    "LogRankWeight",
    "PairedDifference",
    "RocCurve",
    "bootstrap_counts",
    "c_index_interval",
    "evaluate_branch",
    "evaluation_from_json",
    "evaluation_to_json",
    "external_split",
    "ladder_row",
    "log_rank",
    "log_rank_test",
    "log_rank_trend",
    "paired_c_difference",
    "percentile_interval",
    "permuted",
    "risk_group_curves",
    "roc_at",
    "stratified_folds",
    "td_auc",
]
