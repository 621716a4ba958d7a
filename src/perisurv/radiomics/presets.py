"""Ready sets of options: the files of the folder ``presets``."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from perisurv.core import SettingsError
from perisurv.radiomics.options import ExtractOptions

__all__ = ["options_from_table", "preset", "preset_names", "preset_table"]


def preset_names() -> tuple[str, ...]:
    """Names of the presets."""
    folder = files("perisurv.radiomics") / "presets"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def preset_table(name: str) -> dict[str, Any]:
    """What stands in the file of a preset.

    Raises
    ------
    SettingsError
        If there is no such preset.
    """
    if name not in preset_names():
        raise SettingsError(f"There is no preset {name!r}; there are {', '.join(preset_names())}.")
    text = (files("perisurv.radiomics") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def preset(name: str = "ibsi", **changes: Any) -> ExtractOptions:
    """Options of a preset, with changes.

    Parameters
    ----------
    name
        ``ibsi``: everything that the IBSI standardises, on the CT, LoG and wavelet images; ``fast``: fewer families on
        the CT and LoG images; ``pyradiomics``: names and values of pyradiomics 3.
    changes
        Fields of :class:`ExtractOptions`.

    Raises
    ------
    SettingsError
        If there is no such preset or no such field, or a value is not allowed.
    """
    return options_from_table(preset_table(name) | changes)


def options_from_table(table: Mapping[str, Any]) -> ExtractOptions:
    """Options from plain values; an unknown key is an error that names the nearest."""
    known = [field.name for field in dataclasses.fields(ExtractOptions)]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
            told = f"the nearest known key is {near[0]!r}" if near else f"there are {', '.join(known)}"
            raise SettingsError(f"[radiomics] unknown key {key!r}; {told}.")
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    return ExtractOptions(**values)
