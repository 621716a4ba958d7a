"""Nouns that print in a line: what they hold is counted, not listed, and no patient is named by the way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from perisurv.core.wording import counted

__all__ = ["Brief"]

_LONGEST_TEXT = 60


class Brief:
    """Base of dataclasses whose values are large: ``Name(field=value, ...)`` with collections as their size."""

    __slots__ = ()

    def __repr__(self) -> str:
        told = ", ".join(f"{f.name}={_short(getattr(self, f.name))}" for f in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({told})"


def _short(value: Any) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST_TEXT else f"{value[: _LONGEST_TEXT - 3]}...")
    if value is None or isinstance(value, bool | int | float | np.number):
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    if isinstance(value, tuple) and len(value) <= 3 and all(isinstance(v, int | float) for v in value):
        return str(value)
    return f"<{_size(value)}>"


def _size(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{'x'.join(map(str, value.shape))} {value.dtype}".strip()
    if isinstance(value, pd.DataFrame):
        return f"{len(value)} rows x {value.shape[1]} columns"
    return counted(len(value), "item") if isinstance(value, Collection) else type(value).__name__
