"""How well features still tell which batch a patient comes from: the check of a harmonisation, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.survival.harmonise.batches import Batches, labels_of
from perisurv.survival.harmonise.combat import refuse_missing
from perisurv.survival.harmonise.estimators import BatchTransformer

__all__ = ["BatchAccuracy", "batch_accuracy"]

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]
Classifier = Literal["linear", "forest"]

FOLDS = 5
NORMAL_975 = 1.959963984540054


@dataclass(frozen=True, slots=True, eq=False)
class BatchAccuracy:
    """Cross-validated prediction of the batch from the features.

    Parameters
    ----------
    balanced_accuracy
        Mean over the batches of the share of their patients that is recognised, mean over repeats.
    lower, upper
        Its 95 % interval, normal, over patients within batches; the classifier is taken as given.
    chance
        One over the number of batches: what features give that know nothing of the batch.
    p
        Share of permutations of the batches, the real one counted, that are predicted as well; None: none were made.
    recall
        Batch -> share of its patients that is recognised.
    """

    balanced_accuracy: float
    lower: float
    upper: float
    chance: float
    p: float | None
    recall: dict[str, float]


def batch_accuracy(
    table: FeatureTable,
    batch: Batches,
    *,
    rng: np.random.Generator,
    harmonise: BatchTransformer | None = None,
    classifier: Classifier = "linear",
    repeats: int = 5,
    permutations: int = 0,
) -> BatchAccuracy:
    """How well the batch can be predicted from the features of patients held out.

    Stratified cross-validation in five folds (fewer if a batch is smaller). Scaling, harmonisation and classifier are
    fitted in each fold on the other patients; of a held-out patient the harmonisation is told the batch, as for a new
    patient. The same seed gives the same folds: without and with ``harmonise`` is before and after.

    Parameters
    ----------
    table
        Patients of all batches, without missing values.
    batch
        Patient -> batch.
    rng
        Deals the folds and the permutations.
    harmonise
        An estimator to fit in each fold; its own mapping of batches is replaced. None: the features as they are.
    classifier
        ``linear`` (ridge) sees shifts; ``forest`` (200 trees) also other scales, and is slow.
    repeats
        Of the cross-validation.
    permutations
        Of the batches over the patients, each with harmonisation and cross-validation from the start (one repeat). A
        harmonisation of noise makes batches a little less predictable than chance, and the permutations have that too.

    Raises
    ------
    FeatureError
        If there are fewer than two batches, or one of fewer than three patients.
    """
    if repeats < 1 or permutations < 0 or classifier not in ("linear", "forest"):
        raise SettingsError("batch_accuracy needs repeats >= 1, permutations >= 0 and a linear or forest classifier.")
    table = table.take(sorted(table.patients))
    refuse_missing(table.frame.to_numpy(), table.names)
    labels = labels_of(batch, table.patients)
    known, sizes = np.unique(labels, return_counts=True)
    if len(known) < 2 or sizes.min() < 3:
        raise FeatureError(
            "Prediction of the batch needs two batches of three patients or more; found "
            + ", ".join(f"{name} ({size})" for name, size in zip(known, sizes, strict=True))
            + "."
        )
    seed = int(rng.integers(2**31))
    run = _Run(table.frame, harmonise, classifier, min(FOLDS, int(sizes.min())), seed)
    hits = np.mean([run.hits(labels, _folds(labels, run.folds, rng)) for _ in range(repeats)], axis=0)
    return _summary(hits, labels, _p(run, hits, labels, permutations, rng))


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    frame: pd.DataFrame
    harmonise: BatchTransformer | None
    classifier: Classifier
    folds: int
    seed: int

    def hits(self, labels: Labels, fold: NDArray[np.intp]) -> Floats:
        """1 where the batch of a patient was predicted from the other folds, shape (patients,)."""
        found = np.empty(len(labels))
        for number in range(self.folds):
            test = fold == number
            seen, new = self._harmonised(labels, test)
            model = self._classifier(seen.shape[1]).fit(seen, labels[~test])
            found[test] = model.predict(new) == labels[test]
        return found

    def _harmonised(self, labels: Labels, test: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        seen, new = self.frame[~test], self.frame[test]
        if self.harmonise is None:
            return seen.to_numpy(), new.to_numpy()
        batch = dict(zip(self.frame.index, labels.tolist(), strict=True))
        step = clone(self.harmonise).set_params(batch=batch)
        return np.asarray(step.fit_transform(seen)), np.asarray(step.transform(new))

    def _classifier(self, features: int) -> Any:
        if self.classifier == "forest":
            return RandomForestClassifier(200, class_weight="balanced", random_state=self.seed)
        return make_pipeline(StandardScaler(), RidgeClassifier(alpha=float(features), class_weight="balanced"))


def _folds(labels: Labels, folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Fold of each patient; every batch is dealt to the folds in turn."""
    shuffled = rng.permutation(len(labels))
    dealt = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold = np.empty(len(labels), dtype=np.intp)
    fold[dealt] = np.arange(len(labels)) % folds
    return fold


def _p(run: _Run, hits: Floats, labels: Labels, permutations: int, rng: np.random.Generator) -> float | None:
    if permutations == 0:
        return None
    reached, real = 1, _balanced(hits, labels)
    for _ in range(permutations):
        shuffled = rng.permutation(labels)
        reached += _balanced(run.hits(shuffled, _folds(shuffled, run.folds, rng)), shuffled) >= real - 1e-12
    return reached / (permutations + 1)


def _balanced(hits: Floats, labels: Labels) -> float:
    return float(np.mean([hits[labels == name].mean() for name in np.unique(labels)]))


def _summary(hits: Floats, labels: Labels, p: float | None) -> BatchAccuracy:
    known = np.unique(labels)
    of = [hits[labels == name] for name in known]
    accuracy = float(np.mean([h.mean() for h in of]))
    error = NORMAL_975 * float(np.sqrt(sum(h.var(ddof=1) / len(h) for h in of))) / len(known)
    return BatchAccuracy(
        balanced_accuracy=accuracy,
        lower=max(0.0, accuracy - error),
        upper=min(1.0, accuracy + error),
        chance=1.0 / len(known),
        p=p,
        recall={str(name): float(h.mean()) for name, h in zip(known, of, strict=True)},
    )
