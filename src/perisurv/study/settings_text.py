"""Every key of a study file in words: its table, its default as TOML writes it, and what its docstring says of it."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any

from perisurv.study.settings import StudySettings, plain, toml_value

__all__ = ["default", "meanings", "plain_text", "sections"]


def sections() -> Iterator[tuple[str, type, dict[str, str]]]:
    """Every table of a study file: its name, its class, and the keys with their defaults in TOML."""

    def walk(options: Any, known: dict[str, Any], name: str) -> Iterator[tuple[str, type, dict[str, str]]]:
        fields = [f for f in dataclasses.fields(options) if f.name in known]
        tables = [f.name for f in fields if dataclasses.is_dataclass(getattr(options, f.name))]
        yield name, type(options), {f.name: default(known[f.name]) for f in fields if f.name not in tables}
        for table in tables:
            yield from walk(getattr(options, table), known[table], f"{name}.{table}" if name else table)

    settings = StudySettings()
    yield from walk(settings, plain(settings), "")


def default(value: object) -> str:
    """A default as the study file writes it; ``none`` for a key that has no value unless it is written."""
    return "none" if value is None else toml_value(value)


def meanings(kind: type) -> dict[str, str]:
    """What the docstring of the options says about each key."""
    _, _, parameters = (inspect.getdoc(kind) or "").partition("Parameters\n----------\n")
    parameters = re.split(r"\n\n\S+\n-{3,}\n", parameters)[0]
    entries = re.findall(r"^(\S[^\n]*)\n((?:(?:    [^\n]*)?(?:\n|$))+)", parameters, re.MULTILINE)
    return {name.strip(): " ".join(text.split()) for names, text in entries for name in names.split(":")[0].split(",")}


def plain_text(text: str) -> str:
    """A docstring without the marks of Sphinx."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
