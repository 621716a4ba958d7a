"""Every choice between a feature table and a signature, with its default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from perisurv.core import SettingsError
from perisurv.statistics import Ties
from perisurv.survival.lasso_options import LassoOptions

__all__ = [
    "BatchBy",
    "Correction",
    "FitOptions",
    "Fusion",
    "Harmonise",
    "LambdaRule",
    "LassoOptions",
    "RingScore",
    "SelectBy",
    "SelectionRule",
    "Shrink",
    "StrataBy",
    "Ties",
    "UnseenBatch",
]

Correction = Literal["none", "benjamini_hochberg"]
LambdaRule = Literal["min", "1se"]
SelectionRule = Literal["min", "1se", "stability"]
Fusion = Literal["pca", "pca_branch", "late_ridge", "stacked", "none"]
SelectBy = Literal["group", "region", "family"]
Shrink = Literal["none", "heuristic", "bootstrap", "ridge"]
RingScore = Literal["partial_likelihood", "concordance"]
StrataBy = Literal["none", "centre"]
Harmonise = Literal["none", "combat", "robust"]
BatchBy = Literal["centre", "scanner", "kernel", "slice_thickness"]
UnseenBatch = Literal["refuse", "as_is"]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How a signature is fitted (METHOD steps 8-10, 12, 13).

    Parameters
    ----------
    select
        False: every defined feature goes into the Cox model (volume alone, clinical); no fusion either.
    max_missing_share
        Features undefined for a larger share of the training patients are dropped.
    harmonise
        What batches do to features, estimated on the training patients of every fit and taken away before anything
        else: ``combat`` (:func:`fit_combat`) or ``robust`` (:func:`fit_robust_scale`).
    harmonise_by
        What makes a batch. It is read from ``acquisition`` (``centre``, ``scanner``, ``kernel``, ``slice_spacing_mm``),
        which must tell it of every patient, new ones included.
    harmonise_groups
        Groups whose columns are harmonised: radiomics, unless others are named.
    unseen
        A new patient of a batch that did not train: ``refuse``, or ``as_is`` (robust scaling: by all training
        patients).
    select_by
        What a selection is made for: all features of a group at once, each region of the group (``tumour``,
        ``ring_6mm``), or each family of features in each region (``cm``, ``morph``), so that a large family cannot
        crowd out a small one.
    unpenalised
        Groups whose columns all stay, such as ``("clinical",)``: they are neither selected nor compressed, and the
        LASSO of the other groups, where their penalty factor is 0, chooses what adds to them.
    redundancy_rho
        Of features with a larger absolute Spearman correlation one is kept, see :func:`drop_redundant`.
    univariate_p
        Features with a smaller univariate Cox p go on to LASSO-Cox.
    correction
        Adjustment of these p for the number of features.
    lasso_alpha
        Share of the L1 penalty: 1 is the LASSO, less an elastic net.
    lasso_folds
        Folds of the cross-validated partial likelihood; at most one a death.
    lasso_repeats
        Times that the patients are dealt to these folds; lambda is chosen on the mean of the curves.
    lasso_ties
        Tied deaths in the LASSO; glmnet knows Breslow only.
    lasso_lambdas
        Length of the lambda path.
    lambda_rule
        The lambda of the smallest deviance (``min``), or the largest within one standard error of it (``1se``); or no
        lambda: features that enter early on most halves of the patients (``stability``, :func:`stability_selection`).
    fusion
        How the selected features of all groups become one model. ``pca``: Cox on principal components of all of them;
        ``pca_branch``: on the components of each group; ``none``: on the features themselves. ``late_ridge`` and
        ``stacked``: a Cox model a group, whose risks are weighed by a second Cox model that was fitted on
        out-of-fold risks, with the penalty ``ridge`` or with weights that cannot be negative.
    fusion_folds
        Folds of the out-of-fold risks; at most one a death.
    pca_variance
        Share of the variance that the kept components explain.
    pca_components
        Number of components to keep instead, at most as many as there are; 0: by the variance.
    ties
        Tied deaths in the final Cox model.
    ridge
        L2 penalty of the final Cox model, ``ridge / 2 * sum(b**2)`` on the log partial likelihood; 0 switches it off.
        The default keeps near-collinear columns and rare categories finite and shrinks others by about 1 %.
    shrinkage
        Of the final Cox model on components or features, which then takes no fixed ``ridge``: by (chi2 - p) / chi2, by
        the calibration slope of bootstrap samples, or by a ridge of the smallest cross-validated deviance; see
        :func:`shrink_heuristic`, :func:`shrink_bootstrap`, :func:`shrink_ridge`. They see the selected features only:
        the optimism of the selection is not in them. Late fusions are fitted on out-of-fold risks and not shrunken.
    strata
        ``centre``: every likelihood of the fit (screen, LASSO, final Cox, out-of-fold risks, choice of the ring)
        compares patients of one centre only, and each centre has its own baseline hazard. Patients of a centre that did
        not train get the baseline of all. The centre of a patient is ``acquisition[patient]["centre"]``.
    minimum_events
        Fewer deaths among the training patients are refused.
    ring_folds, ring_repeats
        Repeated stratified cross-validation that chooses the ring width.
    ring_score
        What decides a fold: Harrell's C on the held-out fold, or the held-out log partial likelihood per death. The
        latter also punishes risks that are too spread out, so a ring that overfits can lose to one that says nothing.
    domain_quantile
        Quantile of the training patients' leave-one-out distances that bounds the training domain.
    domain_robust_sd
        A feature value this many robust standard deviations from the training median, and outside the training
        range, lies outside the domain.
    domain_spacing_factor
        Voxel spacing above this multiple of the largest training value lies outside the domain.
    """

    select: bool = True
    harmonise: Harmonise = "none"
    harmonise_by: BatchBy = "scanner"
    harmonise_groups: tuple[str, ...] = ("radiomics",)
    unseen: UnseenBatch = "refuse"
    select_by: SelectBy = "group"
    unpenalised: tuple[str, ...] = ()
    max_missing_share: float = 0.2
    redundancy_rho: float = 0.9
    univariate_p: float = 0.05
    correction: Correction = "none"
    lasso_alpha: float = 1.0
    lasso_folds: int = 10
    lasso_repeats: int = 1
    lasso_ties: Ties = "breslow"
    lasso_lambdas: int = 100
    lambda_rule: SelectionRule = "min"
    fusion: Fusion = "pca"
    fusion_folds: int = 5
    pca_variance: float = 0.95
    pca_components: int = 0
    ties: Ties = "efron"
    ridge: float = 1.0
    shrinkage: Shrink = "none"
    strata: StrataBy = "none"
    minimum_events: int = 5
    ring_folds: int = 5
    ring_repeats: int = 2
    ring_score: RingScore = "concordance"
    domain_quantile: float = 0.995
    domain_robust_sd: float = 6.0
    domain_spacing_factor: float = 2.0

    def __post_init__(self) -> None:
        for key, kind in _CHOICES.items():
            value, allowed = getattr(self, key), get_args(kind)
            if value not in allowed:
                raise SettingsError(f"[fit] {key} must be one of {', '.join(allowed)}; got {value!r}.")
        if self.harmonise != "none" and not self.harmonise_groups:
            raise SettingsError("[fit] harmonise needs harmonise_groups, the groups whose columns are harmonised.")
        for key, (low, high) in _RANGES.items():
            value = getattr(self, key)
            if not low <= value <= high:
                raise SettingsError(f"[fit] {key} must lie within {low:g}..{high:g}; got {value!r}.")


_CHOICES = {
    "harmonise": Harmonise,
    "harmonise_by": BatchBy,
    "unseen": UnseenBatch,
    "select_by": SelectBy,
    "correction": Correction,
    "lambda_rule": SelectionRule,
    "fusion": Fusion,
    "lasso_ties": Ties,
    "ties": Ties,
    "shrinkage": Shrink,
    "strata": StrataBy,
    "ring_score": RingScore,
}
_RANGES = {
    "max_missing_share": (0.0, 1.0),
    "redundancy_rho": (0.0, 1.0),
    "univariate_p": (0.0, 1.0),
    "lasso_alpha": (0.001, 1.0),
    "lasso_folds": (2, 1000),
    "lasso_repeats": (1, 1000),
    "lasso_lambdas": (2, 10000),
    "fusion_folds": (2, 1000),
    "pca_variance": (0.01, 1.0),
    "pca_components": (0, 10000),
    "ridge": (0.0, 1e6),
    "minimum_events": (2, 1_000_000),
    "ring_folds": (2, 1000),
    "ring_repeats": (1, 1000),
    "domain_quantile": (0.5, 1.0),
    "domain_robust_sd": (1.0, 1e6),
    "domain_spacing_factor": (1.0, 1e6),
}
