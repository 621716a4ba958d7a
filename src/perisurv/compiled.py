"""Numba kernels, kept compiled where there is a place for it. The one way in which a kernel is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from numba import njit

__all__ = ["kernel", "without_cache"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(**options: Any) -> Callable[[_Function], _Function]:
    """``numba.njit`` with these options, and with numba's cache where one of its places can be written to.

    Its places are the environment variable NUMBA_CACHE_DIR, ``__pycache__`` beside the kernel, and the cache folder of
    the user. A shared installation and a container of another user may have none of them.
    """

    def make(function: _Function) -> _Function:
        try:
            made: _Function = njit(cache=True, **options)(function)
        except RuntimeError:  # no place
            made = njit(**options)(function)
        return made

    return make


@cache
def without_cache() -> str:
    """What to tell the user where kernels cannot be kept; empty where they can."""
    try:
        njit(cache=True)(_any_kernel)
    except RuntimeError:
        return (
            "Compiled code cannot be kept: neither the installation nor the user's cache folder can be written to. "
            "Every start, and every worker process, compiles again (up to a minute). "
            "Set the environment variable NUMBA_CACHE_DIR to a folder that can be written to."
        )
    return ""


def _any_kernel() -> None:
    pass
