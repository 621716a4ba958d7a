"""One thing that must hold, and what was found.

A check has an ``id``, a ``title``: what holds where it passes, a ``fault``: what is wrong where it does not (it opens
the reason of an exclusion), ``requires``: what it looks at, and ``judge``. Checks of one list build on those before
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from perisurv.core import Finding

__all__ = ["PASSED", "Check", "Verdict", "failed", "findings", "first_reason", "not_applicable"]

Subject_contra = TypeVar("Subject_contra", contravariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of one check: True, False or None (not applicable), and a sentence for the user.

    The sentence says what is wrong, where, what was expected and what to do; of a check that passed it may say what
    was measured. ``value`` is the measured number, in the unit that the sentence names; ``names`` are those among which
    the study file may choose.
    """

    passed: bool | None
    text: str = ""
    value: float | None = None
    names: tuple[str, ...] = ()


PASSED = Verdict(True)


def failed(text: str, value: float | None = None) -> Verdict:
    """The subject cannot be used, and why."""
    return Verdict(False, text, value)


def not_applicable(text: str) -> Verdict:
    """The check says nothing about this subject, and why."""
    return Verdict(None, text)


class Check(Protocol[Subject_contra]):
    """One thing that must hold."""

    id: str
    title: str
    fault: str
    requires: str

    def judge(self, subject: Subject_contra, /) -> Verdict:
        """Whether the subject passes."""
        ...


def findings(checks: Sequence[Check[T]], subject: T) -> tuple[Finding, ...]:
    """All checks in their order; those behind the first that fails are not applicable."""
    found: list[Finding] = []
    broken = ""
    for check in checks:
        verdict = not_applicable(f"needs: {broken}") if broken else check.judge(subject)
        if verdict.passed is False:
            broken = check.title
        said = (verdict.passed, verdict.text, verdict.value)
        found.append(Finding(check.id, check.title, check.requires, *said, fault=check.fault, names=verdict.names))
    return tuple(found)


def first_reason(checks: Sequence[Check[T]], subject: T) -> str | None:
    """Fault and text of the first check that the subject does not pass; None if it passes all."""
    for check in checks:
        verdict = check.judge(subject)
        if verdict.passed is False:
            return f"{check.fault}: {verdict.text}"
    return None
