"""Keep what the libraries below print to themselves: they name files and values, and nobody is told what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_codecs"]

_STDERR = 2


@contextmanager
def quiet_codecs() -> Iterator[None]:
    """Send what compiled code writes to the standard error to nowhere; Python cannot catch it otherwise.

    For the time of one file only: it holds for the whole process.
    """
    if sys.stderr is not None:  # there is none in a program without console
        sys.stderr.flush()
    try:
        kept = os.dup(_STDERR)
    except OSError:  # nothing is connected to it
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(nowhere)
        os.close(kept)
