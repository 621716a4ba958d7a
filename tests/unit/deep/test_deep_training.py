import dataclasses

import numpy as np
import pytest
import torch

from perisurv.core import (
    ConvergenceError,
    FeatureError,
    FeatureTable,
    LeakageError,
    Outcome,
    OutcomeError,
    SettingsError,
)
from perisurv.deep import DeepOptions, Embedder, ensemble, train
from perisurv.deep.embed import canonical_axes
from perisurv.deep.loop import embed_patches


def concordance(risk, outcome) -> float:
    earlier = (outcome.time_days[:, None] < outcome.time_days) & outcome.event[:, None]
    return float(((np.sign(risk[:, None] - risk) + 1) / 2)[earlier].mean())


def test_learns_what_was_planted(embedder: Embedder, unseen) -> None:
    """Higher deep risk, earlier death, on patients that were not trained on; the oracle's C is about 0.85."""
    risk = embedder.transform(unseen.patients, unseen.patches).frame["deep_000"].to_numpy()
    assert concordance(unseen.log_hazard, unseen.outcome) > 0.8
    assert concordance(risk, unseen.outcome) > 0.72


def test_same_seed_same_bytes(embedder: Embedder, planted, tiny: DeepOptions, tmp_path) -> None:
    torch.manual_seed(123)  # the global state plays no part
    state = torch.get_rng_state()
    again = train(planted.patients, planted.patches, planted.outcome, tiny, seed=5)
    assert torch.equal(state, torch.get_rng_state())
    embedder.save(tmp_path / "a")
    again.save(tmp_path / "b")
    for name in ("network.safetensors", "network.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_other_seed_other_network(embedder: Embedder, planted, tiny: DeepOptions) -> None:
    short = dataclasses.replace(tiny, epochs=1)
    other = train(planted.patients, planted.patches, planted.outcome, short, seed=6)
    assert not np.array_equal(other.weights["stem.0.weight"], embedder.weights["stem.0.weight"])


def test_order_of_the_outcome_is_free(planted, tiny: DeepOptions) -> None:
    short = dataclasses.replace(tiny, epochs=2)
    backwards = planted.outcome.take(planted.patients[::-1])
    a, b = (train(planted.patients, planted.patches, o, short, seed=1) for o in (planted.outcome, backwards))
    assert all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)


def test_progress_and_whole_cohort_batches(planted, tiny: DeepOptions) -> None:
    seen: list[tuple[int, float]] = []
    options = dataclasses.replace(tiny, epochs=6, batch=0, micro_batch=20)
    train(planted.patients, planted.patches, planted.outcome, options, 1, progress=lambda *now: seen.append(now))
    assert [epoch for epoch, _ in seen] == list(range(6))
    assert seen[-1][1] < seen[0][1]


def test_training_patient_is_a_leak(embedder: Embedder, planted, unseen) -> None:
    mixed = (*unseen.patients[:3], planted.patients[4])
    patches = np.concatenate([unseen.patches[:3], planted.patches[4:5]])
    with pytest.raises(LeakageError, match=f"Patient {planted.patients[4]} trained this network"):
        embedder.transform(mixed, patches)


def test_rows_know_the_training_patients(embedder: Embedder, planted, unseen) -> None:
    table = embedder.transform(unseen.patients[:2], unseen.patches[:2])
    assert table.names == tuple(f"deep_{n:03d}" for n in range(6))
    assert table.fitted_on == dict.fromkeys(unseen.patients[:2], frozenset(planted.patients))
    again = embedder.transform(unseen.patients[:2], unseen.patches[:2])
    assert table.frame.equals(again.frame)


def test_a_patient_does_not_depend_on_the_others(embedder: Embedder, unseen) -> None:
    together = embedder.transform(unseen.patients, unseen.patches).frame
    alone = embedder.transform(unseen.patients[7:8], unseen.patches[7:8]).frame
    assert np.array_equal(together.loc[unseen.patients[7]], alone.loc[unseen.patients[7]])


def test_axes_are_canonical_on_the_training_patients(embedder: Embedder, planted, tiny: DeepOptions) -> None:
    embedding = embed_patches(embedder.weights, planted.patches, tiny).astype(float)
    values = (embedding @ embedder.axes.T - embedder.mean) / embedder.scale
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(values.std(axis=0), 1, rtol=1e-6)
    risk = embedding @ embedder.weights["head.weight"][0].astype(float)
    np.testing.assert_allclose(values[:, 0], (risk - risk.mean()) / risk.std(), atol=1e-6)
    np.testing.assert_allclose(embedder.axes @ embedder.axes.T, np.eye(6), atol=1e-9)
    assert (np.diff(embedder.scale[1:]) <= 0).all()
    assert (values[:, 1:].T @ values[:, 0] >= -1e-9).all()


def test_axes_ignore_the_basis_of_the_embedding() -> None:
    """Two networks whose neurons are the same up to a rotation give the same deep features."""
    rng = np.random.default_rng(2)
    embedding, head = rng.normal(size=(40, 7)) * np.arange(1, 8), rng.normal(size=7)
    turn, _ = np.linalg.qr(rng.normal(size=(7, 7)))
    features = []
    for e, h in ((embedding, head), (embedding @ turn, head @ turn)):
        axes, mean, scale = canonical_axes(e, h, 5)
        features.append((e @ axes.T - mean) / scale)
    np.testing.assert_allclose(features[0], features[1], atol=1e-8)


def test_network_that_learnt_nothing_is_named() -> None:
    embedding = np.random.default_rng(2).normal(size=(40, 7))
    with pytest.raises(ConvergenceError, match="head is zero"):
        canonical_axes(embedding, np.zeros(7), 3)
    with pytest.raises(ConvergenceError, match="varies in 3 directions"):
        canonical_axes(embedding * np.array([1, 1, 1, 0, 0, 0, 0]), np.array([1.0, 0, 0, 0, 0, 0, 0]), 5)


def test_nobody_died(planted, tiny: DeepOptions) -> None:
    censored = Outcome(planted.patients, planted.outcome.time_days, np.zeros(len(planted.patients), bool))
    with pytest.raises(OutcomeError, match="None of the 48 training patients had an event"):
        train(planted.patients, planted.patches, censored, tiny, seed=1)


def test_impossible_training_input(planted, tiny: DeepOptions) -> None:
    patients, patches, outcome = planted.patients, planted.patches, planted.outcome
    with pytest.raises(FeatureError, match="shape"):
        train(patients, patches[:-1], outcome, tiny, seed=1)
    with pytest.raises(FeatureError, match="each patient once"):
        train((patients[0], *patients[:-1]), patches, outcome, tiny, seed=1)
    spoilt = patches.copy()
    spoilt[3, 0, 0, 0, 0] = np.nan
    with pytest.raises(FeatureError, match=f"patch of patient {patients[3]}"):
        train(patients, spoilt, outcome, tiny, seed=1)
    with pytest.raises(OutcomeError, match="stranger"):
        train(("stranger", *patients[1:]), patches, outcome, tiny, seed=1)
    with pytest.raises(SettingsError, match="axes = 6 needs at least 7"):
        train(patients[:6], patches[:6], outcome, tiny, seed=1)


def test_divergence_is_named(planted, tiny: DeepOptions) -> None:
    wild = dataclasses.replace(tiny, learning_rate=1.0, weight_decay=10.0, epochs=1)
    huge = planted.patches * np.float32(1e38)
    with pytest.raises(ConvergenceError, match="not finite in epoch 1"):
        train(planted.patients, huge, planted.outcome, wild, seed=1)


def test_ensemble_is_the_mean_and_the_union(embedder: Embedder, unseen) -> None:
    a = embedder.transform(unseen.patients[:4], unseen.patches[:4])
    other = dataclasses.replace(embedder, patients=("someone", "else"), mean=embedder.mean + 1.0)
    b = other.transform(unseen.patients[:4], unseen.patches[:4])
    mean = ensemble([a, b])
    np.testing.assert_allclose(mean.frame, (a.frame + b.frame) / 2)
    assert mean.fitted_on[unseen.patients[0]] == a.seen | {"someone", "else"}
    assert ensemble([a]).frame.equals(a.frame)


def test_ensemble_refuses_what_does_not_match(embedder: Embedder, unseen) -> None:
    table = embedder.transform(unseen.patients[:4], unseen.patches[:4])
    with pytest.raises(FeatureError, match="no table"):
        ensemble([])
    with pytest.raises(FeatureError, match="same patients"):
        ensemble([table, table.take(unseen.patients[:3])])
    with pytest.raises(FeatureError, match="same columns"):
        ensemble([table, table.select(table.names[:2])])
    with pytest.raises(LeakageError):
        ensemble([table, FeatureTable(table.frame, {unseen.patients[0]: frozenset(unseen.patients[:1])})])
