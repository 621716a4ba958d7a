"""Numbers with their noun, and as a table."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["counted", "ladder_text"]


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


def ladder_text(rows: Iterable[tuple[str, float, float, float, int, int]]) -> str:
    """A line a branch: name, C, limits of its interval, patients, events."""
    lines = [f"{'branch':<18} {'C-index':>8}  {'interval':<15} {'n':>4} {'events':>6}"]
    lines += [
        f"{branch:<18} {c_index:8.3f}  {f'{lower:.3f}-{upper:.3f}':<15} {n:4d} {events:6d}"
        for branch, c_index, lower, upper, n, events in rows
    ]
    return "\n".join(lines)
