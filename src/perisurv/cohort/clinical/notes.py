"""Rows of a table that are no patients: footnotes, totals, legends, names of columns written again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perisurv.cohort.clinical.cells import Cell, is_missing, number, text_of
from perisurv.cohort.clinical.columns import OUTCOME, TIMES, Layout
from perisurv.cohort.clinical.dates import day_of
from perisurv.cohort.clinical.events import event
from perisurv.cohort.clinical.names import fold, plain
from perisurv.cohort.clinical.sheet import Sheet

__all__ = ["notes_of"]

_TOTALS = re.compile(
    r"((sub ?-?|grand )?totals?|sums?|summe|gesamt\w*|totale|totaal|mean|average|median|mittelwert|moyenne|standard "
    r"deviation|n ?= ?\d+|number of patients|anzahl|итого|всего|合计|合計|总计|總計|小计|平均|평균|합계)"
    r"( \(.*\)| ?(±|\+/?-) ?(sd|std)| of .*| patients?)?\s*([:=：].*)?"
)
# Of these a patient may have the name.
_SHORT_TOTALS = frozenset(
    (
        "n",
        "sd",
        "std",
        "min",
        "max",
        "minimum",
        "maximum",
        "count",
        "range",
        "iqr",
        "somme",
        "suma",
        "som",
        "media",
        "med",
    )
)
_LABELS = re.compile(
    r"(source|sources|quelle|fuente|fonte|bron|note|notes|nb|n\.b\.|remarks?|anmerkung(en)?|remarque|nota|abbreviations?|"
    r"abkürzungen|legende?|key|codes?|coding|footnotes?|fußnoten?|fussnoten?|comments?|data (as of|cut ?off)|as of|"
    r"exported|created|updated|printed|generated|stand|datum|status|date|user|注|备注|備考|来源|출처|비고|cde_id)"
    r"\s*([:：.]|\d*\)|$).*",
    re.DOTALL,
)
_SIGNS = ("*", "†", "‡", "§", "¶", "※", "(*", "¹", "²", "³")
# A legend has a code and its meaning.
_MOST_FILLED = 2
_DATES = ("date_zero", "date_death", "date_last")


def notes_of(sheet: Sheet, layout: Layout, place: int) -> frozenset[int]:
    """Indices of the lines that are no patients.

    Parameters
    ----------
    place
        Index of the column of patients.

    Notes
    -----
    A line is a note if it begins with the sign or the word of one, if it says nothing but a text unlike the ids of the
    other lines, or if it stands below the table and has neither time nor event.
    """
    usual = [
        line for line in sheet.lines if not _is_total(line, place) and (_says_outcome(line, layout) or _full(line))
    ]
    signed = [line for line in usual if _first(line).startswith(_SIGNS)]
    if 2 * len(signed) <= len(usual):
        usual = [line for line in usual if line not in signed]
    shapes = {_shape(text_of(line[place])) for line in usual}
    found = {
        n
        for n, line in enumerate(sheet.lines)
        if _is_marked(line, place, shapes) or _is_header(line, sheet.names) or _is_apart(line, place, shapes)
    }
    return frozenset(found | _below(sheet, layout, place, found))


def _is_total(line: Sequence[Cell], place: int) -> bool:
    """Whether a line begins with the word of a total or of a note."""
    text = _beginning(line, place)
    return bool(_TOTALS.fullmatch(text) or _LABELS.fullmatch(text))


def _is_marked(line: Sequence[Cell], place: int, shapes: set[str]) -> bool:
    text, first = _beginning(line, place), _first(line)
    if _TOTALS.fullmatch(text):
        return True
    if (_LABELS.fullmatch(text) or text in _SHORT_TOTALS) and _shape(first) not in shapes:
        return True
    return first.startswith(_SIGNS) and not any(shape.startswith(first[0]) for shape in shapes)


def _beginning(line: Sequence[Cell], place: int) -> str:
    return fold(text_of(line[place]) or _first(line)).strip()


def _first(line: Sequence[Cell]) -> str:
    return next((text_of(cell) for cell in line if text_of(cell)), "")


def _is_header(line: Sequence[Cell], names: Sequence[str]) -> bool:
    """Names of columns again, as at the top of each printed page."""
    same = sum(bool(name) and plain(text_of(cell)) == plain(name) for cell, name in zip(line, names, strict=True))
    return same >= 2 and 2 * same > _count(line)


def _is_apart(line: Sequence[Cell], place: int, shapes: set[str]) -> bool:
    """Whether a line is nothing but a text unlike the ids, such as the name of a group, or draws a line."""
    text = text_of(line[place])
    if text and not any(sign.isalnum() for sign in text):
        return True
    return bool(text and shapes) and _count(line) == 1 and _shape(text) not in shapes


def _below(sheet: Sheet, layout: Layout, place: int, found: set[int]) -> set[int]:
    """Lines at the end that have no outcome, and either follow an empty row and are short, or are unlike the others."""
    tail: list[int] = []
    unlike: set[int] = set()
    ids = [_shape(text_of(line[place])) for line in sheet.lines]
    for n in range(len(sheet.lines) - 1, -1, -1):
        line = sheet.lines[n]
        if n in found:
            tail.append(n)
        elif ids[n] and ids[n] not in ids[:n] and not _is_outcome(line, layout):
            tail.append(n)
            unlike.add(n)
        elif _count(line) <= min(_MOST_FILLED, len(line) // 2) and not _says_outcome(line, layout):
            tail.append(n)
        else:
            break
    apart = {n for n in tail if n and sheet.numbers[n] - sheet.numbers[n - 1] > 1}
    outcome = bool(OUTCOME & layout.position.keys())
    # Without columns of outcome nothing tells a patient of an unusual id from a note.
    return {n for n in tail if outcome and ((apart and n >= min(apart)) or (n in unlike and n > len(sheet.lines) // 2))}


def _is_outcome(line: Sequence[Cell], layout: Layout) -> bool:
    """Whether a line gives a time, a date or an event that can be understood."""
    return (
        any(number(layout.cell(line, meaning)) is not None for meaning in TIMES)
        or any(day_of(layout.cell(line, meaning), order) for meaning in _DATES for order in ("dmy", "mdy"))
        or event(layout.text(line, "event")) is not None
    )


def _says_outcome(line: Sequence[Cell], layout: Layout) -> bool:
    return any(not is_missing(layout.cell(line, meaning)) for meaning in OUTCOME & layout.position.keys())


def _full(line: Sequence[Cell]) -> bool:
    return 2 * _count(line) > len(line)


def _count(line: Sequence[Cell]) -> int:
    return sum(bool(text_of(cell)) for cell in line)


def _shape(text: str) -> str:
    """Of an id: runs of letters and of figures, so that ``LUNG1-001`` and ``LUNG2-17`` are alike."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "A", text.strip()))
