"""Patients, patches and outcome -> a trained embedder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Outcome, OutcomeError, SettingsError
from perisurv.deep.embed import Embedder, canonical_axes, check_patches, require_torch
from perisurv.deep.options import DeepOptions

__all__ = ["train"]


def train(
    patients: Sequence[str],
    patches: NDArray[np.floating],
    outcome: Outcome,
    options: DeepOptions,
    seed: int,
    *,
    progress: Callable[[int, float], None] | None = None,
) -> Embedder:
    """Train the 3D-SE-ResNet on overall survival.

    The number of epochs is fixed beforehand; no patient is held back to choose it, and none but these is seen.

    Parameters
    ----------
    patients
        Pseudonyms of the training patients.
    patches
        (n, 2, s, s, s) from :func:`perisurv.deep.cut_patch`, in the order of the patients.
    outcome
        Follow-up of at least these patients, in any order.
    seed
        Of everything random. Same inputs, seed and ``options.threads``: same bytes on one machine.
    progress
        ``progress(epoch, loss)`` after each epoch.

    Returns
    -------
    Embedder
        Raises LeakageError when one of these patients is transformed.

    Raises
    ------
    OutcomeError
        If nobody died or a patient has no follow-up.
    SettingsError
        If there are too few patients for ``options.axes``.
    FeatureError
        If patches and patients do not fit.
    ConvergenceError
        If training diverges.
    ModelError
        If torch is not installed.
    """
    check_patches(patients, patches, options)
    follow_up = outcome.take(patients)
    if follow_up.n_events == 0:
        raise OutcomeError(
            f"None of the {len(follow_up)} training patients had an event: the network has nothing to learn from. "
            "Check the event column (1 = event) or train on more patients."
        )
    if len(patients) < options.axes + 1:
        raise SettingsError(
            f"Network: axes = {options.axes} needs at least {options.axes + 1} training patients, got {len(patients)}; "
            "lower axes."
        )
    require_torch()
    from perisurv.deep.loop import embed_patches, fit_weights  # noqa: PLC0415 (torch)

    weights = fit_weights(patches, follow_up, options, seed, progress)
    embeddings = embed_patches(weights, patches, options).astype(np.float64)
    axes, mean, scale = canonical_axes(embeddings, weights["head.weight"][0].astype(np.float64), options.axes)
    return Embedder(options, tuple(patients), weights, axes, mean, scale)
