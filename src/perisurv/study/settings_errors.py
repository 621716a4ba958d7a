"""Everything that is wrong with the values of a study file, at once and in the words of the study file."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from perisurv.core.errors import SettingsError
from perisurv.study.study_file import line_of

__all__ = ["Fault", "build", "faults_of", "refuse"]

Keys = tuple[str, ...]
_EXPECTED = {
    "string": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "finite": "a number that is finite",
    "bool": "true or false",
    "tuple": "a list in square brackets",
    "list": "a list in square brackets",
    "dict": "a table of keys and values",
    "dataclass": "a table of keys and values",
    "mapping": "a table of keys and values",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the value of one key of nested tables."""

    keys: Keys
    text: str


def refuse(faults: list[Fault], text: str, name: str) -> None:
    """Raise what is wrong, each fault with its line where the text of the file is known.

    Raises
    ------
    SettingsError
        If there is a fault.
    """
    lines = [f"{line_of(text, fault.keys)}{fault.text}" for fault in faults]
    if len(lines) == 1:
        raise SettingsError(f"{name}{', ' if lines[0].startswith('line ') else ': '}{lines[0]}")
    if lines:
        lines.sort(key=lambda line: int(found[1]) if (found := re.match(r"line (\d+)", line)) else 0)
        raise SettingsError("\n  ".join([f"{name} has {len(lines)} faults:", *lines]))


def faults_of(kind: Any, values: Mapping[str, Any]) -> list[Fault]:
    """Every fault of the values of one kind of settings, the tables inside first."""
    return list(_table(kind, values, (), kind))


def _table(kind: Any, values: Mapping[str, Any], keys: Keys, root: Any) -> Iterator[Fault]:
    fields = {f.name: f for f in dataclasses.fields(kind)}
    sound = {}
    for key, value in values.items():
        if key not in fields:
            yield Fault((*keys, key), _unknown(key, list(fields), keys, root))
            continue
        inner = _inner(fields[key])
        if inner is None:
            sound[key] = value
        elif isinstance(value, Mapping):
            yield from _table(inner, value, (*keys, key), root)
        else:
            below = ".".join((*keys, key))
            yield Fault((*keys, key), f"{below} = {_shown(value)}: {key} is a table; write its keys below [{below}].")
    yield from _own_values(kind, sound, keys)


def _own_values(kind: Any, values: Mapping[str, Any], keys: Keys) -> Iterator[Fault]:
    """Faults of the values that are no tables of settings."""
    try:
        build(kind, values)
    except ValidationError as error:
        groups: dict[Keys, list[Any]] = {}
        for found in error.errors():
            groups.setdefault(_written(found["loc"], values), []).append(found)
        for where, group in groups.items():
            if not any(len(other) > len(where) and other[: len(where)] == where for other in groups):
                yield Fault((*keys, *where), _wrong(where, group, keys, values))
    except SettingsError as error:
        named = [key for key in values if re.search(rf"\b{key}\b", str(error))]
        table = f"[{'.'.join(keys)}]"
        told = str(error) if not keys or table in str(error) else f"{table} {error}"
        yield Fault((*keys, named[0]) if named else keys, told)


def build(kind: Any, values: Mapping[str, Any]) -> Any:
    """The settings, strict about types; a list is taken for a tuple."""
    return TypeAdapter(kind).validate_json(json.dumps(values, default=str), strict=True)


def _inner(field: Any) -> Any:
    factory = field.default_factory
    return factory if isinstance(factory, type) and dataclasses.is_dataclass(factory) else None


def _written(loc: tuple[Any, ...], values: Any) -> Keys:
    """The part of a place that is written in the file; pydantic adds the types that it tried."""
    held: list[str] = []
    for part in loc:
        if isinstance(values, Mapping):
            there = part in values
        else:
            there = isinstance(values, (list, tuple)) and isinstance(part, int) and part < len(values)
        if not there:
            continue
        values = values[part]
        held.append(str(part))
    return tuple(held)


def _wrong(where: Keys, group: list[Any], keys: Keys, values: Any) -> str:
    for part in where:
        values = values[part] if isinstance(values, Mapping) else values[int(part)]
    path = ".".join((*keys, *where))
    unknown = [found for found in group if found["type"] in ("unexpected_keyword_argument", "extra_forbidden")]
    if unknown:
        return f"{path} = {_shown(values)}: there is no such key."
    options = sorted({_expected(found) for found in group}, key=len)
    return f"{path} = {_shown(values)}: expected {' or '.join(options)}.{_near(values, group)}"


def _expected(found: Any) -> str:
    kind = str(found["type"])
    if kind == "literal_error":
        return str(found["ctx"]["expected"])
    if kind in ("missing", "missing_argument"):
        return f"the key {found['loc'][-1]}"
    for word, expected in _EXPECTED.items():
        if kind.startswith(word):
            return expected
    return str(found["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")


def _near(value: Any, group: list[Any]) -> str:
    choices = [word for found in group for word in re.findall(r"'([^']+)'", str(found.get("ctx", {}).get("expected")))]
    near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.6)
    return f" Is {near[0]!r} meant?" if near and isinstance(value, str) else ""


def _unknown(key: str, known: list[str], keys: Keys, root: Any) -> str:
    table = f"[{'.'.join(keys)}]" if keys else "the study file"
    begins = f"unknown key {key!r}{f' below {table}' if keys else ''}"
    near = difflib.get_close_matches(key.casefold(), known, n=1, cutoff=0.7)
    places = [place for place, names in _tables(root, ()) if key in names and place != keys]
    if places:
        where = f"below [{'.'.join(places[0])}]" if places[0] else "at the top of the file, above the first table"
        return f"{begins}; it belongs {where}."
    if near:
        return f"{begins}; the nearest known key is {near[0]!r}."
    return f"{begins}; {table} knows {', '.join(known)}."


def _tables(kind: Any, keys: Keys) -> Iterator[tuple[Keys, set[str]]]:
    fields = dataclasses.fields(kind)
    yield keys, {f.name for f in fields}
    for field in fields:
        if inner := _inner(field):
            yield from _tables(inner, (*keys, field.name))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = f"'{value}'" if isinstance(value, str) and "'" not in value else text
    return text if len(text) <= 80 else f"{text[:77]}..."
