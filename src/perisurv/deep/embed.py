"""Deep features: the embedding in axes that can be compared between networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import ConvergenceError, FeatureError, FeatureTable, LeakageError, ModelError
from perisurv.core.brief import Brief
from perisurv.deep.options import DeepOptions

__all__ = ["Embedder", "canonical_axes", "check_patches", "ensemble", "require_torch"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Embedder(Brief):
    """A trained network and the axes of its deep features. Plain arrays; torch is needed to use it, not to hold it.

    Networks trained on different folds have unrelated embeddings: neuron 7 of one has nothing to do with neuron 7 of
    another. The features are therefore given in canonical axes, made from the network's own training patients only:
    ``deep_000`` is the direction of its Cox head (the deep risk, higher is worse); ``deep_001``, ... are the
    principal axes of what is left, by falling variance, each signed so that it rises with the deep risk. All are
    standardised on the training patients. Axis 0 means the same in every network; later axes do so only as far as
    the networks agree on their main directions.

    Parameters
    ----------
    options
        Of the network and its input.
    patients
        Pseudonyms of the training patients.
    weights
        Name of the weight -> float32 array.
    axes
        (axes, 8 * width), orthonormal rows.
    mean, scale
        (axes,), of the training patients along each axis.
    """

    options: DeepOptions
    patients: tuple[str, ...]
    weights: Mapping[str, NDArray[np.float32]]
    axes: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the deep features."""
        return tuple(f"deep_{number:03d}" for number in range(len(self.axes)))

    def transform(self, patients: Sequence[str], patches: NDArray[np.floating]) -> FeatureTable:
        """Deep features of patients that the network has not seen.

        Parameters
        ----------
        patients
            Pseudonyms.
        patches
            (n, 2, s, s, s) from :func:`perisurv.deep.cut_patch`, in the same order.

        Returns
        -------
        FeatureTable
            Columns ``deep_000``, ...; ``fitted_on`` of every row = the training patients.

        Raises
        ------
        LeakageError
            If a patient trained the network.
        FeatureError
            If patches and patients do not fit each other or the network.
        ModelError
            If torch is not installed.
        """
        seen = frozenset(self.patients)
        known = [p for p in patients if p in seen]
        if known:
            raise LeakageError(
                f"Patient {known[0]} trained this network ({len(known)} such of {len(patients)}). "
                "Embed training patients with the network of the fold that left them out."
            )
        check_patches(patients, patches, self.options)
        require_torch()
        from perisurv.deep.loop import embed_patches  # noqa: PLC0415 (torch)

        embeddings = embed_patches(self.weights, patches, self.options).astype(np.float64)
        # Row by row: a product of whole matrices may round differently with the number of patients.
        values = np.stack([(self.axes * row).sum(axis=1) for row in embeddings])
        frame = pd.DataFrame((values - self.mean) / self.scale, index=list(patients), columns=list(self.names))
        return FeatureTable(frame, dict.fromkeys(patients, seen))

    def save(self, folder: Path | str) -> None:
        """Write ``network.safetensors`` and ``network.json``; see :func:`perisurv.deep.files.save_embedder`."""
        from perisurv.deep.files import save_embedder  # noqa: PLC0415 (files knows this class)

        save_embedder(self, Path(folder))

    @classmethod
    def load(cls, folder: Path | str) -> Embedder:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ModelError
            If a file is missing, was changed, or is no network of this version.
        """
        from perisurv.deep.files import load_embedder  # noqa: PLC0415 (files knows this class)

        return load_embedder(Path(folder))


def ensemble(tables: Sequence[FeatureTable]) -> FeatureTable:
    """Mean of the deep features that several networks give the same patients.

    ``fitted_on`` of a patient is the union over the networks.

    Raises
    ------
    FeatureError
        If there is no table, or patients or columns differ.
    LeakageError
        If any of the networks was trained on one of the patients.
    """
    if not tables:
        raise FeatureError("There is no table of deep features to average.")
    first = tables[0]
    for table in tables[1:]:
        if table.patients != first.patients or table.names != first.names:
            raise FeatureError("Tables of an ensemble need the same patients and the same columns in the same order.")
    frame = first.frame.copy()
    frame[:] = np.mean([table.frame.to_numpy() for table in tables], axis=0)
    seen = {p: frozenset[str]().union(*(t.fitted_on.get(p, frozenset()) for t in tables)) for p in first.patients}
    return FeatureTable(frame, {p: s for p, s in seen.items() if s})


def canonical_axes(
    embeddings: NDArray[np.float64], head: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Axes, mean and scale of the deep features (see :class:`Embedder`).

    Parameters
    ----------
    embeddings
        (n, d) of the training patients.
    head
        (d,) weights of the risk head.
    count
        Number of axes.

    Returns
    -------
    axes, mean, scale
        (count, d), (count,), (count,).

    Raises
    ------
    ConvergenceError
        If the head is zero or the embeddings vary in fewer than ``count`` directions.
    """
    norm = np.linalg.norm(head)
    if not norm > 0:
        raise ConvergenceError("The network learnt nothing: its risk head is zero. Raise epochs or learning_rate.")
    risk_axis = head / norm
    centred = embeddings - embeddings.mean(axis=0)
    risk = centred @ risk_axis
    _, _, principal = np.linalg.svd(centred - np.outer(risk, risk_axis), full_matrices=False)
    rest = principal[: count - 1]
    rest = np.where((centred @ rest.T).T @ risk < 0, -1.0, 1.0)[:, None] * rest
    axes = np.vstack([risk_axis, rest])
    values = embeddings @ axes.T
    scale = values.std(axis=0)
    usable = int((scale > 1e-6 * scale.max()).sum()) if len(axes) == count else len(axes)
    if usable < count:
        raise ConvergenceError(
            f"The embedding of {len(embeddings)} patients varies in {usable} directions only; lower axes = {count}."
        )
    return axes, values.mean(axis=0), scale


def check_patches(patients: Sequence[str], patches: NDArray[np.floating], options: DeepOptions) -> None:
    """Refuse patches that do not belong to these patients or this network.

    Raises
    ------
    FeatureError
        If a patient occurs twice, the shape is not (patients, 2, s, s, s) or a value is not finite.
    """
    size = options.patch_voxels
    expected = (len(patients), 2, size, size, size)
    if len(set(patients)) != len(patients) or not patients:
        raise FeatureError("Patches need at least one patient, and each patient once.")
    if patches.shape != expected:
        raise FeatureError(
            f"Patches have shape {patches.shape}, but {len(patients)} patients and this network need {expected}."
        )
    bad = [p for p, patch in zip(patients, patches, strict=True) if not np.isfinite(patch).all()]
    if bad:
        raise FeatureError(f"The patch of patient {bad[0]} holds values that are not finite.")


def require_torch() -> None:
    """Refuse to go on without torch.

    Raises
    ------
    ModelError
        If torch is not installed.
    """
    try:
        import torch  # noqa: F401, PLC0415 (an extra: only the network needs it)
    except ImportError:
        raise ModelError("The network needs torch, which is not installed: pip install torch.") from None
