"""How well the batch can be predicted, before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.survival import BatchAccuracy, ComBat, RobustScaling, batch_accuracy


def data(
    n: int, features: int, *, shift: float = 0.0, scale: float = 1.0, centres: str = "ab"
) -> tuple[FeatureTable, dict[str, str]]:
    """Centres of n patients each; all but the first are moved and stretched."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(len(centres) * n, features))
    values[n:] = values[n:] * scale + shift * np.sign(rng.normal(size=features))
    ids = [f"{c}{k:03d}" for c in centres for k in range(n)]
    table = FeatureTable(pd.DataFrame(values, ids, [f"f{k}" for k in range(features)]))
    return table, {p: p[0].upper() for p in ids}


def found(table: FeatureTable, batch: dict[str, str], **settings: Any) -> BatchAccuracy:
    return batch_accuracy(table, batch, rng=np.random.default_rng(0), **{"repeats": 3, **settings})


def test_a_shift_is_seen_before_and_not_after() -> None:
    table, batch = data(100, 12, shift=1.5)
    before, after = found(table, batch), found(table, batch, harmonise=ComBat())
    assert before.balanced_accuracy > 0.98
    assert before.chance == 0.5
    assert after.lower < 0.6 < before.lower
    assert 0.4 < after.balanced_accuracy < 0.65
    assert set(before.recall) == {"A", "B"}
    assert np.mean(list(before.recall.values())) == pytest.approx(before.balanced_accuracy)


def test_without_any_effect_it_is_chance() -> None:
    table, batch = data(20, 12)
    ids = np.array(table.patients)
    results = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        mixed = dict(zip(rng.permutation(ids).tolist(), batch.values(), strict=True))
        results.append(batch_accuracy(table, mixed, rng=rng, harmonise=ComBat(), repeats=1, permutations=5))
    assert np.mean([r.balanced_accuracy for r in results]) == pytest.approx(0.5, abs=0.1)
    assert 0.3 < np.mean([r.p for r in results if r.p is not None]) < 0.8


def test_the_permutations_tell_an_effect_from_chance() -> None:
    result = found(*data(40, 12, shift=0.7), permutations=9)
    assert result.p == pytest.approx(1 / 10)


def test_another_scale_is_seen_by_the_forest() -> None:
    table, batch = data(40, 8, scale=4.0)
    linear, forest = found(table, batch), found(table, batch, classifier="forest", repeats=1)
    assert forest.balanced_accuracy > linear.balanced_accuracy + 0.1
    assert found(table, batch, classifier="forest", repeats=1, harmonise=RobustScaling()).balanced_accuracy < 0.75


def test_harmonising_noise_is_not_mistaken_for_success() -> None:
    """New patients carry the error of the estimated shift: above chance, and said so.

    Patients that the harmonisation was fitted on have equal batch means; a classifier that met them would be far below
    chance here.
    """
    table, batch = data(40, 800, centres="abcde")
    before = found(table, batch, repeats=2)
    assert before.lower < 0.2 < before.upper
    assert found(table, batch, harmonise=ComBat(), repeats=2).lower > 0.35


def test_patients_are_dealt_by_name_not_by_row() -> None:
    table, batch = data(30, 5, shift=0.5)
    shuffled = table.take([table.patients[k] for k in np.random.default_rng(5).permutation(len(table))])
    one, other = (found(t, batch, harmonise=ComBat(), permutations=3) for t in (table, shuffled))
    for name in ("balanced_accuracy", "lower", "upper", "p", "recall"):
        assert getattr(one, name) == getattr(other, name)


def test_few_centres_with_many_patients_do_not_count_more() -> None:
    """A classifier that always names the large centre has a balanced accuracy of one half."""
    table, batch = data(100, 5)
    small = table.take([*table.patients[:100], *table.patients[100:110]])
    assert 0.3 < found(small, batch, repeats=5).balanced_accuracy < 0.7


def test_constant_features_are_no_obstacle() -> None:
    table, batch = data(30, 5, shift=2)
    flat = FeatureTable(table.frame.assign(f0=1.0))
    assert found(flat, batch, harmonise=ComBat()).balanced_accuracy < found(flat, batch).balanced_accuracy


@pytest.mark.parametrize("left", [1, 5])
def test_batches_that_are_too_small(left: int) -> None:
    table, batch = data(20, 5)
    with pytest.raises(FeatureError, match=rf"six patients|6 patients or more; found A \(20\), B \({left}\)"):
        found(table.take(table.patients[: 20 + left]), batch)


def test_one_batch_cannot_be_told_from_itself() -> None:
    table, _ = data(20, 5)
    with pytest.raises(FeatureError, match="two batches"):
        found(table, dict.fromkeys(table.patients, "A"))


@pytest.mark.parametrize("settings", [{"repeats": 0}, {"permutations": -1}, {"classifier": "oracle"}])
def test_settings(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        found(*data(20, 5), **settings)
