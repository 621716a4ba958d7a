"""Prediction to Evaluation: splits, discrimination, AUC over time, risk groups."""

from perisurv.evaluation.auc import td_auc
from perisurv.evaluation.branch import BranchResult, evaluate_branch
from perisurv.evaluation.discrimination import c_index_interval, harrell_c
from perisurv.evaluation.risk_groups import KaplanMeier, kaplan_meier, log_rank, risk_group_curves
from perisurv.evaluation.splits import external_split, stratified_folds
from perisurv.evaluation.store import evaluation_from_json, evaluation_to_json

__all__ = [
    "BranchResult",
    "KaplanMeier",
    "c_index_interval",
    "evaluate_branch",
    "evaluation_from_json",
    "evaluation_to_json",
    "external_split",
    "harrell_c",
    "kaplan_meier",
    "log_rank",
    "risk_group_curves",
    "stratified_folds",
    "td_auc",
]
