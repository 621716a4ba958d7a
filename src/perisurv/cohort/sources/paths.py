"""Names of files relative to the folder of a cohort."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["moved"]


def moved(name: str, old: Path, new: Path) -> str:
    """A name relative to one root, relative to another; absolute if it lies outside."""
    path = Path(os.path.abspath(old / name))  # noqa: PTH100  (resolve() would leave the folder through links)
    base = Path(os.path.abspath(new))  # noqa: PTH100
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.as_posix()
