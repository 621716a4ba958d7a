"""The Evaluation as JSON: stable order, every bit of every number, no time of day."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from perisurv.core import Evaluation, FeatureError, ReadError

__all__ = ["evaluation_from_json", "evaluation_to_json"]


def evaluation_to_json(evaluation: Evaluation) -> str:
    """Deterministic JSON text: keys in alphabetical order, numbers by their shortest exact spelling.

    Raises
    ------
    FeatureError
        If a number is not finite; JSON has no word for it and no evaluation holds one.
    """
    try:
        return json.dumps(asdict(evaluation), indent=1, sort_keys=True, allow_nan=False) + "\n"
    except ValueError as error:
        raise FeatureError("The evaluation holds a number that is not finite; leave undefined results out.") from error


def evaluation_from_json(text: str) -> Evaluation:
    """Inverse of :func:`evaluation_to_json`.

    Raises
    ------
    ReadError
        If the text is no evaluation: a key that every version wrote is missing, a key is unknown, or a value has
        another type. Names the place.
    """
    try:
        values = json.loads(text, parse_constant=_refuse)
        evaluation: Evaluation = _decode(Evaluation, values, "evaluation")
    except (ValueError, RecursionError) as error:
        raise ReadError(f"This is not an evaluation of perisurv: {error}. Run evaluate again.") from error
    return evaluation


def _decode(kind: Any, value: Any, where: str) -> Any:
    """The value as the annotated type, or ValueError naming the place."""
    if is_dataclass(kind):
        return _decode_record(kind, value, where)
    if get_origin(kind) is tuple:
        item, *rest = get_args(kind)
        if not isinstance(value, list) or (rest != [...] and len(value) != 1 + len(rest)):
            raise ValueError(f"{where} must be a list{'' if rest == [...] else f' of {1 + len(rest)}'}")
        return tuple(_decode(item, v, f"{where}[{n}]") for n, v in enumerate(value))
    if get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise ValueError(f"{where} must be a table")
        return {key: _decode(get_args(kind)[1], v, f"{where}.{key}") for key, v in value.items()}
    return _decode_plain(kind, value, where)


def _decode_record(kind: Any, value: Any, where: str) -> Any:
    names = [field.name for field in fields(kind)]
    # What came later has a default, so that what an earlier version wrote can be read.
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    if not isinstance(value, Mapping) or not needed <= set(value) <= set(names):
        found = sorted((needed - set(value)) | (set(value) - set(names))) if isinstance(value, Mapping) else value
        raise ValueError(f"{where} must hold {', '.join(names)}; missing or unknown: {found}")
    hints = get_type_hints(kind)
    return kind(**{name: _decode(hints[name], value[name], f"{where}.{name}") for name in names if name in value})


def _decode_plain(kind: Any, value: Any, where: str) -> Any:
    allowed = (int, float) if kind is float else kind
    if isinstance(value, bool) or not isinstance(value, allowed):
        raise ValueError(f"{where} must be {kind.__name__}, got {value!r}")
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{where} is not finite")
    return kind(value)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")
