"""An embedder on disk: safetensors and JSON, no pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from perisurv.core import InputError, ModelError
from perisurv.deep.embed import Embedder
from perisurv.deep.options import DeepOptions

__all__ = ["FORMAT", "load_embedder", "save_embedder"]

FORMAT = "perisurv-network-1"
ARRAYS = "network.safetensors"
TABLE = "network.json"
_AXES = ("axes", "mean", "scale")


def save_embedder(embedder: Embedder, folder: Path) -> None:
    """Write the embedder; the same embedder gives the same bytes.

    The JSON file is written last and holds the SHA-256 of the arrays, so an interrupted write is noticed.
    """
    arrays: dict[str, NDArray[Any]] = {f"network.{n}": np.ascontiguousarray(a) for n, a in embedder.weights.items()}
    arrays |= {name: np.ascontiguousarray(getattr(embedder, name)) for name in _AXES}
    data: bytes = save(dict(sorted(arrays.items())))
    table = {
        "format": FORMAT,
        "options": dataclasses.asdict(embedder.options),
        "patients": list(embedder.patients),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / ARRAYS, data)
    _write(folder / TABLE, (json.dumps(table, indent=1, sort_keys=True) + "\n").encode())


def load_embedder(folder: Path) -> Embedder:
    """Read an embedder.

    Raises
    ------
    ModelError
        If a file is missing, was changed, or is no network of this version.
    """
    table = _table(folder / TABLE)
    data = _read(folder / ARRAYS)
    if hashlib.sha256(data).hexdigest() != table["sha256"]:
        raise ModelError(f"{folder / ARRAYS} is not the file that {TABLE} was written with; save the model again.")
    try:
        options = _options(table["options"])
        arrays = load(data)
        patients = tuple(str(p) for p in table["patients"])
        axes, mean, scale = (arrays.pop(name) for name in _AXES)
    except (SafetensorError, KeyError, TypeError, ValueError, InputError) as error:
        raise ModelError(f"{folder} holds no network that this version can read: {error}.") from error
    weights = {name.removeprefix("network."): value for name, value in arrays.items()}
    shape = (options.axes, options.embedding_size)
    if axes.shape != shape or mean.shape != shape[:1] or scale.shape != shape[:1] or not (scale > 0).all():
        raise ModelError(
            f"{folder / ARRAYS}: the axes do not fit the options; expected shape {shape}, got {axes.shape}."
        )
    if not all(np.isfinite(a).all() for a in (axes, mean, scale, *weights.values())):
        raise ModelError(f"{folder / ARRAYS} holds values that are not finite.")
    return Embedder(options, patients, weights, axes, mean, scale)


def _options(values: dict[str, Any]) -> DeepOptions:
    tuples: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return DeepOptions(**tuples)


def _table(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(_read(path))
    except ValueError as error:
        raise ModelError(f"{path} is not readable as JSON: {error}.") from error
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise ModelError(f"{path} does not describe a network of format {FORMAT}.")
    missing = {"options", "patients", "sha256"} - set(table)
    if missing:
        raise ModelError(f"{path} lacks {', '.join(sorted(missing))}; it is not a complete network.")
    return table


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise ModelError(f"{path} is missing or unreadable; this is not a complete perisurv network.") from None


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)
