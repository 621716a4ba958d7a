"""What all verbs share: the result on stdout; progress, remarks and refusals on stderr."""

from __future__ import annotations

import json
import math
import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from perisurv.display import Display

__all__ = ["detail", "fail", "is_verbose", "progress", "remark", "say", "set_verbosity", "settle_streams"]


class _Talk:
    """How much is said: -1 quiet, 0, 1 verbose."""

    level = 0


def settle_streams() -> None:
    """Let the console replace a character that it cannot print, on stdout and stderr."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def set_verbosity(verbose: bool, quiet: bool) -> None:
    """Say more, or nothing but the result and what is wrong; of both, quiet goes first."""
    _Talk.level = -1 if quiet else int(verbose)


def is_verbose() -> bool:
    """Whether the verb is to say more."""
    return _Talk.level > 0


def say(values: object, text: str, as_json: bool) -> None:
    """Print the result, for people or as JSON (ASCII; a number that is not finite is null)."""
    print(json.dumps(_finite(values), indent=1, allow_nan=False) if as_json else text)


def remark(text: str) -> None:
    """Say on stderr what a reader of the result should know, unless the verb is to be quiet."""
    if _Talk.level >= 0:
        _tell(text)


def detail(text: str) -> None:
    """Say on stderr what only a verbose verb says."""
    if _Talk.level > 0:
        _tell(text)


def fail(sentence: str, code: int) -> NoReturn:
    """Say what is wrong and exit."""
    from perisurv.display import CONSOLE  # noqa: PLC0415 (start fast)

    CONSOLE.print(f"perisurv: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


def progress() -> AbstractContextManager[Display]:
    """Bars on a terminal, lines where there is none, nothing where the verb is to be quiet."""
    from perisurv.display import shown  # noqa: PLC0415 (start fast)

    return shown(verbose=_Talk.level > 0, quiet=_Talk.level < 0)


def _tell(text: str) -> None:
    from perisurv.display import tell_line  # noqa: PLC0415 (start fast)

    tell_line(text)


def _finite(values: Any) -> Any:
    if isinstance(values, float):
        return values if math.isfinite(values) else None
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    return [_finite(value) for value in values] if isinstance(values, (list, tuple)) else values
