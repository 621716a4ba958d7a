"""Frozen dataclasses to JSON text and back, strictly: no unknown key, no missing key, no number that is not finite."""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Callable
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from perisurv.core import InputError, ModelError

__all__ = ["decode", "encode"]

T = TypeVar("T")


def encode(value: object, name: str, version: int) -> str:
    """JSON text of a dataclass of plain values, arrays of floats, tuples, sets of text and dataclasses.

    A field that is None is left out.
    """
    body = {"format": name, "version": version, "content": _plain(value)}
    return json.dumps(body, indent=1, sort_keys=True, allow_nan=False) + "\n"


def decode(kind: type[T], text: str, name: str, version: int) -> T:
    """The dataclass that :func:`encode` wrote.

    Raises
    ------
    ModelError
        Naming the field, what was found there and what was expected.
    """
    try:
        body = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ModelError(f"This is no JSON text and so no {name}: {error}.") from error
    if not isinstance(body, dict) or set(body) != {"format", "version", "content"} or body["format"] != name:
        raise ModelError(f"This JSON text is no {name}; give the file that perisurv wrote.")
    if body["version"] != version:
        raise ModelError(f"This {name} has version {body['version']!r}; this perisurv reads version {version}.")
    result = _build(kind, body["content"], "content")
    assert isinstance(result, kind)
    return result


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {name: _plain(v) for name, v in fields.items() if v is not None}
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "values": value.ravel().tolist()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return value


def _refuse_constant(text: str) -> float:
    raise ModelError(f"The model holds {text}, which is no finite number; the file is damaged.")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [k for k, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ModelError(f"The model holds the key {max(keys, key=keys.count)!r} twice; the file is damaged.")
    return dict(pairs)


def _build(kind: Any, value: object, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, where)
    if kind is float:
        return _number(value, where)
    if get_origin(kind) is None:
        return _typed(kind, value, where)
    return _generic(kind, value, where)


def _generic(kind: Any, value: object, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, Union):
        return _one_of(arguments, value, where)
    if origin is np.ndarray:
        return _array(value, where)
    if origin is dict:
        return {k: _build(arguments[1], v, f"{where}.{k}") for k, v in _typed(dict, value, where).items()}
    if origin is Literal:
        if value not in arguments:
            raise ModelError(f"{where} must be one of {', '.join(arguments)}, found {value!r}.")
        return value
    return origin(_build(arguments[0], v, f"{where}[{n}]") for n, v in enumerate(_typed(list, value, where)))


def _one_of(kinds: tuple[Any, ...], value: object, where: str) -> Any:
    """The dataclass of a union that shares most fields with the value; None is not written and so not read."""
    found = set(_typed(dict, value, where))
    real = [kind for kind in kinds if kind is not types.NoneType]
    return _build(max(real, key=lambda kind: len(found & {f.name for f in dataclasses.fields(kind)})), value, where)


def _dataclass(kind: Any, value: object, where: str) -> Any:
    found = _typed(dict, value, where)
    hints = get_type_hints(kind)
    expected = [f.name for f in dataclasses.fields(kind)]
    free = {name for name in expected if types.NoneType in get_args(hints[name])}
    if set(found) | free != set(expected):
        odd = min(set(expected).symmetric_difference(set(found) | free))
        raise ModelError(f"{where} {'lacks the' if odd in expected else 'has an unknown'} field {odd!r}.")
    fields = {name: _build(hints[name], found[name], f"{where}.{name}") for name in expected if name in found}
    return _made(kind, fields, where)


def _made(kind: Callable[..., Any], fields: dict[str, Any], where: str) -> Any:
    try:
        return kind(**fields)
    except ModelError:
        raise
    except InputError as error:
        raise ModelError(f"{where}: {error}") from error


def _array(value: object, where: str) -> Any:
    found = _typed(dict, value, where)
    if set(found) != {"shape", "values"}:
        raise ModelError(f"{where} must be an array with shape and values.")
    shape = [_typed(int, n, f"{where}.shape") for n in _typed(list, found["shape"], f"{where}.shape")]
    values = [_number(v, f"{where}.values[{n}]") for n, v in enumerate(_typed(list, found["values"], where))]
    if min(shape, default=0) < 0 or math.prod(shape) != len(values):
        raise ModelError(f"{where} has shape {shape} but {len(values)} values.")
    return np.array(values, dtype=float).reshape(shape)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelError(f"{where} must be a number, found {value!r}.")
    if not math.isfinite(value):
        raise ModelError(f"{where} must be finite, found {value!r}.")
    return float(value)


def _typed(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ModelError(f"{where} must be {_NAMES.get(kind, kind.__name__)}, found {str(value)[:40]!r}.")
    return value


_NAMES = types.MappingProxyType(
    {list: "a list", dict: "an object", str: "text", int: "a whole number", bool: "true or false"}
)
