"""The text of a study file: its encoding, its TOML, and the line in which a key stands."""

from __future__ import annotations

import codecs
import re
import tomllib
from pathlib import Path
from typing import Any

from perisurv.core.errors import SettingsError

__all__ = ["DEFAULT_OUT", "PATH_KEYS", "line_of", "parse_study_text", "read_study_text"]

DEFAULT_OUT = "runs/study"
PATH_KEYS = (("out",), ("private",), ("input", "folder"), ("input", "clinical"), ("input", "truth"))
# The mark of UTF-32 in little-endian order begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]\]?")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_AT = re.compile(r"\s*\((?:at line (\d+), column \d+|at end of document)\)$")
_SIGNS = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\x1b": "\\e"}


def read_study_text(path: Path) -> str:
    """The text of a study file in UTF-8 or UTF-16, with or without a byte order mark.

    Raises
    ------
    SettingsError
        If the file is absent, cannot be read or is in another encoding.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"There is no study file {path}; give the path of a TOML file.") from None
    except OSError as error:
        raise SettingsError(f"The study file {path} cannot be read: {error.strerror}.") from error
    data, encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SettingsError(
            f"{path}, line {line}: the file is not in {encoding.upper()}; save it in UTF-8 with your editor."
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> tuple[bytes, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :], encoding
    head = data[:64]
    if len(data) % 2 == 0 and b"\0" in head:  # a study file begins with ASCII
        return data, "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    return data, "utf-8"


def parse_study_text(text: str, name: str) -> dict[str, Any]:
    """The nested values of a study file.

    Raises
    ------
    SettingsError
        If the text is no TOML, or a path holds a sign that double quotes made of a backslash.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(_no_toml(text, name, str(error))) from error
    lines = [found for keys in PATH_KEYS for found in _odd_signs(values, text, keys)]
    if lines:
        raise SettingsError("\n".join(f"{name}, {found}" for found in lines))
    return values


def _no_toml(text: str, name: str, told: str) -> str:
    at = _AT.search(told)
    lines = text.split("\n")
    number = int(at[1]) if at and at[1] else len(lines)
    line = lines[min(number, len(lines)) - 1].strip()
    if re.search(r'"[^"]*\\', line) and re.search(r"escape|hex value|Unescaped|scalar", told):
        fault = "a backslash in double quotes begins a special sign; write paths with / or in single quotes"
        fault += _in_single_quotes(line)
    elif re.search("[\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb]", line):
        fault = "these quotes are typographic; write straight ones, \" or '"
    elif re.search("Cannot overwrite|Cannot declare|Cannot mutate", told):
        fault = "this key or table stands in the file twice; keep one"
    elif re.search(r"=\s*(True|False)\b", line):
        fault = "true and false are written in small letters"
    elif re.search(r"=\s*-?\d+,\d", line):
        fault = "the decimal sign is a point, as in 0.5"
    elif re.search(r"Expected '=' after|Invalid statement", told):
        fault = "expected a line such as key = value, or a table such as [input]"
    elif "Invalid value" in told:
        fault = 'after = stands a text in quotes, a number, true, false, or a list such as ["a", "b"]'
    else:
        fault = _AT.sub("", told)
    return f"{name}, line {number} is no TOML: {line}\n  {fault}."


def _in_single_quotes(line: str) -> str:
    found = re.search(r'"([^"\']*\\[^"\']*)"', line)
    return f", such as '{found[1]}'" if found else ""


def _odd_signs(values: dict[str, Any], text: str, keys: tuple[str, ...]) -> list[str]:
    value: Any = values
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    found = []
    for path in value if isinstance(value, list) else [value]:
        if isinstance(path, str) and any(ord(sign) < 32 or ord(sign) == 127 for sign in path):
            shown = "".join(_SIGNS.get(sign, sign if ord(sign) >= 32 else f"\\x{ord(sign):02x}") for sign in path)
            found.append(
                f"{line_of(text, keys)}{'.'.join(keys)} = {shown!r}".replace("\\\\", "\\")
                + f": in double quotes a backslash begins a special sign, such as a tab; write '{shown}' in single "
                f"quotes, or {shown.replace(chr(92), '/')} with /."
            )
    return found


def line_of(text: str, keys: tuple[str, ...]) -> str:
    """``line 3: `` for the key of a nested table, or for the table around it; empty where neither is written down."""
    held: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _TABLE.match(line):
            table = _parts(header[1])
            held.setdefault(table, number)
        elif key := _KEY.match(line):
            held.setdefault((*table, *_parts(key[1])), number)
    for length in range(len(keys), 0, -1):
        if (number := held.get(keys[:length], 0)) > 0:
            return f"line {number}: "
        below = [n for written, n in held.items() if written[:length] == keys[:length]]
        if below:
            return f"line {min(below)}: "
    return ""


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
