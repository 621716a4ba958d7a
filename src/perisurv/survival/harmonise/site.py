"""How well features still tell which batch a patient comes from: the check of a harmonisation, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.survival.harmonise.batches import Batches, labels_of
from perisurv.survival.harmonise.combat import refuse_missing
from perisurv.survival.harmonise.estimators import BatchTransformer

__all__ = ["BatchAccuracy", "batch_accuracy"]

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]
Classifier = Literal["linear", "forest"]

FOLDS = 5
SMALLEST = 6  # three patients in each half
NORMAL_975 = 1.959963984540054


@dataclass(frozen=True, slots=True, eq=False)
class BatchAccuracy:
    """Cross-validated prediction of the batch from the features.

    Parameters
    ----------
    balanced_accuracy
        Mean over the batches of the share of their patients that is recognised, mean over repeats.
    lower, upper
        Its 95 % interval, from the binomial variance within each batch. That the classifiers of a cross-validation
        share patients is not in it; ``p`` knows that.
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
    """How well the batch of new patients can be predicted from their features.

    The patients of each batch are halved. The harmonisation is fitted on one half and applied to the other, as to new
    patients whose batch is known; within that other half, a classifier is cross-validated in five folds (fewer if a
    batch is small). Then the halves change places. The classifier never meets patients that the harmonisation was
    fitted on: their batch means are equal by construction, which held-out ones are not, so a classifier trained on them
    is wrong far more often than by chance and hides what is left.
    The same seed gives the same halves: without and with ``harmonise`` is before and after.

    Parameters
    ----------
    table
        Patients of all batches, without missing values.
    batch
        Patient -> batch.
    rng
        Deals the halves, the folds and the permutations.
    harmonise
        An estimator to fit on each half; its own mapping of batches is replaced. None: the features as they are.
    classifier
        ``linear`` (ridge) sees shifts; ``forest`` (100 trees) also other scales, and is slow.
    repeats
        Of halving and cross-validation.
    permutations
        Of the batches over the patients, each with one halving, harmonisation and cross-validation; p compares them
        with the first repeat. With many features a harmonisation leaves enough of its own estimation error to tell the
        batches of new patients; the permutations have that too, so p asks for more than it.

    Raises
    ------
    FeatureError
        If there are fewer than two batches, or one of fewer than six patients.
    """
    if repeats < 1 or permutations < 0 or classifier not in ("linear", "forest"):
        raise SettingsError("batch_accuracy needs repeats >= 1, permutations >= 0 and a linear or forest classifier.")
    table = table.take(sorted(table.patients))
    refuse_missing(table.frame.to_numpy(), table.names)
    if not table.names:
        raise FeatureError("Prediction of the batch needs a feature; the table holds none.")
    labels = labels_of(batch, table.patients)
    known, sizes = np.unique(labels, return_counts=True)
    if len(known) < 2 or sizes.min() < SMALLEST:
        raise FeatureError(
            f"Prediction of the batch needs two batches of {SMALLEST} patients or more; found "
            + ", ".join(f"{name} ({size})" for name, size in zip(known, sizes, strict=True))
            + "."
        )
    run = _Run(table.frame, harmonise, classifier, int(rng.integers(2**31)))
    hits = [run.hits(labels, rng) for _ in range(repeats)]
    return _summary(np.mean(hits, axis=0), labels, _p(run, hits[0], labels, permutations, rng))


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    frame: pd.DataFrame
    harmonise: BatchTransformer | None
    classifier: Classifier
    seed: int

    def hits(self, labels: Labels, rng: np.random.Generator) -> Floats:
        """1 where the batch of a patient was predicted from others of its half, shape (patients,)."""
        found, half = np.empty(len(labels)), _deal(labels, 2, rng)
        for number in range(2):
            new = half == number
            values, own = self._harmonised(labels, new), labels[new]
            fold = _deal(own, min(FOLDS, int(np.unique(own, return_counts=True)[1].min())), rng)
            found[new] = self._crossed(values, own, fold)
        return found

    def _harmonised(self, labels: Labels, new: NDArray[np.bool_]) -> Floats:
        if self.harmonise is None:
            return self.frame[new].to_numpy()
        batch = dict(zip(self.frame.index, labels.tolist(), strict=True))
        step = clone(self.harmonise).set_params(batch=batch).fit(self.frame[~new])
        return np.asarray(step.transform(self.frame[new]))

    def _crossed(self, values: Floats, labels: Labels, fold: NDArray[np.intp]) -> Floats:
        found = np.empty(len(labels))
        if self.classifier == "linear":
            values = _scores(values)
        for number in range(int(fold.max()) + 1):
            test = fold == number
            found[test] = self._classifier().fit(values[~test], labels[~test]).predict(values[test]) == labels[test]
        return found

    def _classifier(self) -> Any:
        if self.classifier == "forest":
            from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 (the trees take a third of a second to load)

            return RandomForestClassifier(100, class_weight="balanced", random_state=self.seed)
        return RidgeClassifier(alpha=1.0, class_weight="balanced")


def _deal(labels: Labels, parts: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Part of each patient; every batch is dealt to the parts in turn."""
    shuffled = rng.permutation(len(labels))
    dealt = shuffled[np.argsort(labels[shuffled], kind="stable")]
    part = np.empty(len(labels), dtype=np.intp)
    part[dealt] = np.arange(len(labels)) % parts
    return part


def _scores(values: Floats) -> Floats:
    """Patients in at most as many dimensions as patients, with the same distances over standardised features.

    A linear classifier with a ridge penalty predicts the same from these. No label is looked at.
    """
    sd = values.std(axis=0)
    varying = sd > 1e-12 * np.abs(values).max(axis=0)
    z = (values - values.mean(axis=0))[:, varying] / sd[varying]
    variance, axes = np.linalg.eigh(z @ z.T / max(1, z.shape[1]))
    return np.asarray(axes * np.sqrt(np.maximum(variance, 0.0)))


def _p(run: _Run, hits: Floats, labels: Labels, permutations: int, rng: np.random.Generator) -> float | None:
    if permutations == 0:
        return None
    reached, real = 1, _balanced(hits, labels)
    for _ in range(permutations):
        shuffled = rng.permutation(labels)
        reached += _balanced(run.hits(shuffled, rng), shuffled) >= real - 1e-12
    return reached / (permutations + 1)


def _balanced(hits: Floats, labels: Labels) -> float:
    return float(np.mean([hits[labels == name].mean() for name in np.unique(labels)]))


def _summary(hits: Floats, labels: Labels, p: float | None) -> BatchAccuracy:
    known, sizes = np.unique(labels, return_counts=True)
    recall = np.array([hits[labels == name].mean() for name in known])
    accuracy = float(recall.mean())
    error = NORMAL_975 * float(np.sqrt((recall * (1 - recall) / sizes).sum())) / len(known)
    return BatchAccuracy(
        balanced_accuracy=accuracy,
        lower=max(0.0, accuracy - error),
        upper=min(1.0, accuracy + error),
        chance=1.0 / len(known),
        p=p,
        recall=dict(zip((str(name) for name in known), recall.tolist(), strict=True)),
    )
