"""Filters from and to the tables of a study file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from perisurv.core import SettingsError
from perisurv.imaging.filters.base import ImageFilter
from perisurv.imaging.filters.gabor import Gabor
from perisurv.imaging.filters.gaussian import LaplacianOfGaussian
from perisurv.imaging.filters.nonseparable import NonseparableWavelets
from perisurv.imaging.filters.pyradiomics import RecursiveLaplacianOfGaussian, StationaryWavelets
from perisurv.imaging.filters.riesz import Riesz
from perisurv.imaging.filters.texture_energy import Laws, Mean
from perisurv.imaging.filters.wavelets import Wavelets

__all__ = ["FILTERS", "filter_from_table", "filter_to_table"]

FILTERS: dict[str, type[Any]] = {
    "mean": Mean,
    "log": LaplacianOfGaussian,
    "laws": Laws,
    "gabor": Gabor,
    "wavelets": Wavelets,
    "nonseparable": NonseparableWavelets,
    "riesz": Riesz,
    "log_recursive": RecursiveLaplacianOfGaussian,
    "wavelets_stationary": StationaryWavelets,
}


def filter_from_table(table: Mapping[str, Any]) -> ImageFilter:
    """The filter that a table describes, such as ``{"kind": "log", "sigma_mm": 3.0, "boundary": "mirror"}``.

    Parameters
    ----------
    table
        ``kind`` and the settings of the filter by their names; what has a default may be left out.

    Raises
    ------
    SettingsError
        If the kind or a key is unknown (names the nearest), a key is missing or a value is not allowed.
    """
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in FILTERS:
        raise SettingsError(f"A filter needs a known kind, got {kind!r}{_nearest(kind, FILTERS)}.")
    known = _settings(FILTERS[kind])
    settings = {key: _hashable(value) for key, value in table.items() if key != "kind"}
    for key in settings:
        if key not in known:
            raise SettingsError(f"Filter {kind} has no setting {key!r}{_nearest(key, known)}.")
    missing = [name for name, required in known.items() if required and name not in settings]
    if missing:
        raise SettingsError(f"Filter {kind} needs {', '.join(missing)}; got {', '.join(settings) or 'nothing'}.")
    built: ImageFilter = FILTERS[kind](**settings)
    return built


def filter_to_table(image_filter: ImageFilter) -> dict[str, Any]:
    """The table of a filter with all its settings, ready for a TOML file.

    Raises
    ------
    SettingsError
        If it is none of the filters of this package.
    """
    for kind, made in FILTERS.items():
        if type(image_filter) is made:
            return {"kind": kind} | {name: _plain(getattr(image_filter, name)) for name in _settings(made)}
    raise SettingsError(
        f"No table describes a filter of type {type(image_filter).__name__}; known: {', '.join(FILTERS)}."
    )


def _settings(made: type[Any]) -> dict[str, bool]:
    """Names of the settings of a filter, and whether they must be given."""
    return {field.name: field.default is MISSING for field in fields(made)}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _nearest(word: object, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    nearest = f"; the nearest is {near[0]!r}" if near else ""
    return f"{nearest} (all: {', '.join(names)})"
