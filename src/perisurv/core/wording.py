"""Numbers with their noun."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 feature``, ``2 features``, ``0 features``; other plurals are given.

    Parameters
    ----------
    number
        How many.
    noun
        What is counted, of one.
    plural
        The noun of several; empty: with an s at its end.
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
