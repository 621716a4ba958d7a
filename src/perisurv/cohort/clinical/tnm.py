"""TNM categories and stage groups: spellings, and the groups of lung cancer by edition.

Sources: Mountain CF, Chest 1997;111:1710-1717 (5th and 6th edition); Goldstraw P et al., J Thorac Oncol
2007;2:706-714 (7th); Goldstraw P et al., J Thorac Oncol 2016;11:39-51 (8th). Of other tumours spellings are read, but
no group is derived.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

__all__ = ["agree", "derive", "m_category", "n_category", "shared_group", "stage_group", "stage_number", "t_category"]

# Prefixes: c(linical), p(athological), y (after treatment), r(ecurrence), a(utopsy).
_T = re.compile(r"[cpyra]{0,2}t?(is|[0-4])\(?(mi|[abc])?\)?")
_N = re.compile(r"[cpyra]{0,2}n?([0-3])")
_M = re.compile(r"[cpyra]{0,2}m?(0|1)\(?([abc])?\)?")
_STAGE = re.compile(
    r"(?:(?:clinical|pathologic(?:al)?)?(?:stage|stadium)|uicc|ajcc)?(iv|iii|ii|i|[1-4])(?:([abc])([1-3])?)?"
)
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}
_NUMBER = {"I": 1.0, "II": 2.0, "III": 3.0, "IV": 4.0}
_SUBSTAGE = {"": 0.0, "A": 0.0, "B": 0.5, "C": 0.75}
_SUFFIXES = {"0": ("",), "1": ("mi", "a", "b", "c"), "2": ("a", "b"), "3": ("",), "4": ("",)}

# Rows: T; columns: N0, N1, N2, N3; all M0.
_EDITION_6 = {
    "T1": ("IA", "IIA", "IIIA", "IIIB"),
    "T2": ("IB", "IIB", "IIIA", "IIIB"),
    "T3": ("IIB", "IIIA", "IIIA", "IIIB"),
    "T4": ("IIIB", "IIIB", "IIIB", "IIIB"),
}
_EDITION_7 = {
    "T1a": ("IA", "IIA", "IIIA", "IIIB"),
    "T1b": ("IA", "IIA", "IIIA", "IIIB"),
    "T2a": ("IB", "IIA", "IIIA", "IIIB"),
    "T2b": ("IIA", "IIB", "IIIA", "IIIB"),
    "T3": ("IIB", "IIIA", "IIIA", "IIIB"),
    "T4": ("IIIA", "IIIA", "IIIB", "IIIB"),
}
_EDITION_8: dict[str, tuple[str, ...]] = {
    "T1mi": ("IA1",),  # minimally invasive is N0 by definition
    "T1a": ("IA1", "IIB", "IIIA", "IIIB"),
    "T1b": ("IA2", "IIB", "IIIA", "IIIB"),
    "T1c": ("IA3", "IIB", "IIIA", "IIIB"),
    "T2a": ("IB", "IIB", "IIIA", "IIIB"),
    "T2b": ("IIA", "IIB", "IIIA", "IIIB"),
    "T3": ("IIB", "IIIA", "IIIB", "IIIC"),
    "T4": ("IIIA", "IIIA", "IIIB", "IIIC"),
}
_TABLE: dict[int, Mapping[str, tuple[str, ...]]] = {6: _EDITION_6, 7: _EDITION_7, 8: _EDITION_8}
_DISTANT = {6: {"M1": "IV"}, 7: {"M1a": "IV", "M1b": "IV"}, 8: {"M1a": "IVA", "M1b": "IVA", "M1c": "IVB"}}


def t_category(text: str) -> str | None:
    """``Tis``, ``T0`` to ``T4`` with their sub-category (``T1mi``, ``T1a`` to ``T1c``, ``T2a``, ``T2b``)."""
    match = _T.fullmatch(_plain(text))
    if match is None or (match[2] and match[2] not in _SUFFIXES.get(match[1], ())):
        return None
    return f"T{match[1]}{match[2] or ''}"


def n_category(text: str) -> str | None:
    """``N0`` to ``N3``."""
    match = _N.fullmatch(_plain(text))
    return f"N{match[1]}" if match else None


def m_category(text: str) -> str | None:
    """``M0``, ``M1`` or ``M1a`` to ``M1c``."""
    match = _M.fullmatch(_plain(text))
    return f"M{match[1]}{match[2] or ''}" if match and not (match[1] == "0" and match[2]) else None


def stage_group(text: str) -> str | None:
    """``I`` to ``IV`` with sub-stage: ``Stage IIIa``, ``3A`` and ``IIIA`` are one; ``IA1`` to ``IA3`` are kept."""
    match = _STAGE.fullmatch(_plain(text))
    if match is None:
        return None
    return _ROMAN.get(match[1], match[1].upper()) + (match[2] or "").upper() + (match[3] or "")


def stage_number(group: str) -> float:
    """Stage as a number: I = IA = 1, IB = 1.5, ..., IIIA = 3, IIIB = 3.5, IIIC = 3.75, IV = 4."""
    main, letter, _ = _parts(group)
    return 4.0 if main == "IV" else _NUMBER[main] + _SUBSTAGE[letter]


def derive(t: str | None, n: str | None, m: str | None, edition: int) -> frozenset[str]:
    """Groups of lung cancer that the known categories allow; None stands for any.

    Empty where the edition has no group for them: for T0, for T1c in the 7th edition. A sub-category of a later
    edition is not read as its whole.
    """
    table, distant = _TABLE[edition], _DISTANT[edition]
    found = set()
    for metastases in _below(m, ("M0", *distant)):
        if metastases != "M0":
            found.add(distant[metastases])
            continue
        if t == "Tis":
            found |= {"0"} if n in ("N0", None) else set()
            continue
        for tumour, nodes in product(_below(t, tuple(table)), _below(n, ("N0", "N1", "N2", "N3"))):
            found |= set(table[tumour][int(nodes[1]) : int(nodes[1]) + 1])
    return frozenset(found)


def agree(given: str, allowed: frozenset[str]) -> bool:
    """Whether a given group, perhaps without its sub-stage, is one of these."""
    return any(group == given or _within(group, given) or _within(given, group) for group in allowed)


def shared_group(allowed: frozenset[str]) -> str | None:
    """The one group, or what groups of one number share: ``IA`` of IA1 to IA3, ``IV`` of IVA and IVB. Else None."""
    if not allowed or "0" in allowed or len({stage_number(group) for group in allowed}) > 1:
        return None
    parts = [_parts(group) for group in allowed]
    shared = ""
    for places in zip(*parts, strict=True):
        if len(set(places)) > 1:
            break
        shared += places[0]
    return shared or None


def _parts(group: str) -> tuple[str, str, str]:
    main = group.rstrip("ABC123")
    rest = group[len(main) :]
    return main, rest[:1], rest[1:]


def _within(group: str, wider: str) -> bool:
    """Whether ``wider`` is the group without the end of its name: IIIA within III, IA1 within IA and I."""
    mine, other = _parts(group), _parts(wider)
    return all(b in ("", a) for a, b in zip(mine, other, strict=True)) and mine[0] == other[0]


def _below(category: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """The categories of an edition that a given one stands for: T2 for T2a and T2b."""
    if category is None:
        return known
    return tuple(k for k in known if k == category) or tuple(k for k in known if k.startswith(category))


def _plain(text: str) -> str:
    """Without blanks and signs between, and without the decimals that a spreadsheet adds to a figure."""
    return re.sub(r"[\s_\-]", "", re.sub(r"(?<=\d)[.,]0+$", "", text.strip().casefold()))
