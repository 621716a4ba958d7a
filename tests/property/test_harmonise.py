"""What must hold for any batches and any features."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import FeatureTable
from perisurv.survival import CombatOptions, codec, fit_combat, fit_robust_scale
from perisurv.survival.harmonise.empirical_bayes import Moments, Prior, shrink

some = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
priors: st.SearchStrategy[Prior] = st.sampled_from(["parametric", "nonparametric", "none"])


def data(seed: int) -> tuple[FeatureTable, dict[str, str], pd.DataFrame]:
    """Two to four batches of 3 to 15 patients, 8 features, one covariate."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 16, rng.integers(2, 5))
    batch = np.repeat([f"site{k}" for k in range(len(sizes))], sizes)
    level = np.repeat(rng.normal(size=(len(sizes), 8)), sizes, axis=0)
    spread = np.repeat(np.exp(rng.normal(0, 0.4, (len(sizes), 8))), sizes, axis=0)
    values = level + spread * rng.normal(size=(len(batch), 8))
    ids = [f"p{k:02d}" for k in rng.permutation(len(batch))]
    frame = pd.DataFrame(values, ids, [f"f{k}" for k in range(8)])
    covariates = pd.DataFrame({"age": rng.normal(size=len(batch))}, ids)
    return FeatureTable(frame), dict(zip(ids, batch.tolist(), strict=True)), covariates


def of_batch(frame: pd.DataFrame, batch: dict[str, str], name: str) -> pd.DataFrame:
    return frame.loc[[p for p in frame.index if batch[str(p)] == name]]


@some
@given(seed=seeds, prior=priors)
def test_order_of_rows_changes_no_byte(seed: int, prior: Prior) -> None:
    table, batch, covariates = data(seed)
    shuffled = table.take([table.patients[k] for k in np.random.default_rng(seed).permutation(len(table))])
    one, here = fit_combat(table, batch, CombatOptions(prior=prior), covariates)
    two, there = fit_combat(shuffled, batch, CombatOptions(prior=prior), covariates)
    assert codec.encode(one, "step", 1) == codec.encode(two, "step", 1)
    np.testing.assert_array_equal(there.loc[list(table.patients)], here)
    robust, same = fit_robust_scale(table, batch_of(table, batch)), fit_robust_scale(shuffled, batch_of(table, batch))
    assert codec.encode(robust[0], "step", 1) == codec.encode(same[0], "step", 1)


def batch_of(table: FeatureTable, batch: dict[str, str]) -> dict[str, str]:
    """Two batches that are large enough for quartiles."""
    ordered = sorted(table.patients)
    return {p: "AB"[n % 2] for n, p in enumerate(ordered)} if len(ordered) >= 10 else dict.fromkeys(batch, "A")


@some
@given(seed=seeds, prior=priors, mean_only=st.booleans())
def test_units_of_the_features_do_not_matter(seed: int, prior: Prior, mean_only: bool) -> None:
    table, batch, covariates = data(seed)
    rng = np.random.default_rng(seed)
    unit, zero = 10 ** rng.uniform(-3, 3, 8), rng.normal(size=8)
    options = CombatOptions(prior=prior, mean_only=mean_only)
    done = fit_combat(table, batch, options, covariates)[1]
    other = fit_combat(FeatureTable((table.frame + zero) * unit), batch, options, covariates)[1]
    np.testing.assert_allclose(other / unit - zero, done, atol=1e-8)


@some
@given(seed=seeds, prior=priors)
def test_units_of_the_covariates_and_names_of_the_batches_do_not_matter(seed: int, prior: Prior) -> None:
    table, batch, covariates = data(seed)
    done = fit_combat(table, batch, CombatOptions(prior=prior), covariates)[1]
    renamed = {p: f"x{9 - int(b[-1])}" for p, b in batch.items()}
    other = fit_combat(table, renamed, CombatOptions(prior=prior), 1000 - 12 * covariates)[1]
    np.testing.assert_allclose(other, done, atol=1e-8)


@some
@given(seed=seeds, mean_only=st.booleans())
def test_without_a_prior_the_batches_agree_exactly(seed: int, mean_only: bool) -> None:
    table, batch, _ = data(seed)
    done = fit_combat(table, batch, CombatOptions(prior="none", mean_only=mean_only))[1]
    parts = [of_batch(done, batch, name) for name in sorted(set(batch.values()))]
    for part in parts:
        np.testing.assert_allclose(part.mean(), table.frame.mean(), atol=1e-10)
        if not mean_only:
            np.testing.assert_allclose(part.std(), parts[0].std(), rtol=1e-9)


@some
@given(seed=seeds, prior=priors, m_combat=st.booleans())
def test_the_reference_stays_as_it_is(seed: int, prior: Prior, m_combat: bool) -> None:
    table, batch, _ = data(seed)
    options = CombatOptions(prior=prior, reference="site1", m_combat=m_combat)
    done = fit_combat(table, batch, options)[1]
    reference = of_batch(table.frame, batch, "site1")
    np.testing.assert_array_equal(of_batch(done, batch, "site1"), reference)
    if m_combat:
        np.testing.assert_allclose(of_batch(done, batch, "site0").mean(), reference.mean(), atol=1e-10)
        np.testing.assert_allclose(of_batch(done, batch, "site0").std(), reference.std(), rtol=1e-9)


@some
@given(seed=seeds, n=st.integers(2, 200))
def test_a_prior_draws_towards_what_the_features_have_in_common(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    moments = Moments(n, rng.normal(rng.normal(), 1, 30), rng.gamma(5, 0.3, 30))
    location, scale = shrink(moments, "parametric", mean_only=False, tolerance=1e-10)
    mean = moments.location.mean()
    assert (np.abs(location - mean) <= np.abs(moments.location - mean) + 1e-12).all()
    assert (scale > 0).all()
    weighted, spread = shrink(moments, "nonparametric", mean_only=False, tolerance=1e-10)
    assert moments.location.min() <= weighted.min() <= weighted.max() <= moments.location.max()
    assert moments.scale.min() <= spread.min() <= spread.max() <= moments.scale.max()


@some
@given(seed=seeds)
def test_the_larger_the_batch_the_less_it_is_drawn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    location, scale = rng.normal(size=30), rng.gamma(5, 0.3, 30)
    moved = [
        np.abs(shrink(Moments(n, location, scale), "parametric", mean_only=False, tolerance=1e-12)[0] - location)
        for n in (5, 50, 5000)
    ]
    assert moved[0].sum() > moved[1].sum() > moved[2].sum()
    np.testing.assert_allclose(moved[2], 0, atol=0.02)


@some
@given(seed=seeds, prior=priors)
def test_new_patients_are_transformed_as_if_they_had_been_there(seed: int, prior: Prior) -> None:
    """A copy of a training patient under another name comes out as that patient did."""
    table, batch, covariates = data(seed)
    step, done = fit_combat(table, batch, CombatOptions(prior=prior), covariates)
    copy = {p: f"new_{p}" for p in table.patients}
    new = FeatureTable(table.frame.rename(index=copy))
    out = step.apply(new, {copy[p]: b for p, b in batch.items()}, covariates.rename(index=copy))
    np.testing.assert_array_equal(out.frame, done)
