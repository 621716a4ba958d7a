"""Rows of a table that are no patients: footnotes, totals, legends, names of columns written again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perisurv.cohort.clinical.cells import Cell, is_missing, text_of
from perisurv.cohort.clinical.columns import OUTCOME, Layout
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
    plain_lines = [
        line for line in sheet.lines if not _is_total(line, place) and (_says_outcome(line, layout) or _full(line))
    ]
    shapes = {_shape(text_of(line[place])) for line in plain_lines}
    found = {
        n
        for n, line in enumerate(sheet.lines)
        if _is_marked(line, place, shapes)
        or _is_header(line, sheet.names)
        or (_count(line) == 1 and text_of(line[place]) and shapes and _shape(text_of(line[place])) not in shapes)
    }
    return frozenset(found | _below(sheet, layout, place, shapes, found))


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


def _below(sheet: Sheet, layout: Layout, place: int, shapes: set[str], found: set[int]) -> set[int]:
    """Lines at the end that are a note already, or have at most two cells, no outcome and follow an empty row."""
    tail: list[int] = []
    for n in range(len(sheet.lines) - 1, -1, -1):
        line = sheet.lines[n]
        if n in found:
            tail.append(n)
            continue
        if _count(line) > _MOST_FILLED or 2 * _count(line) > len(sheet.names) or _says_outcome(line, layout):
            break
        tail.append(n)
    apart = {n for n in tail if n and sheet.numbers[n] - sheet.numbers[n - 1] > 1}
    outcome = bool(OUTCOME & layout.position.keys())
    return {
        n
        for n in tail
        if (outcome and apart and n >= min(apart))
        or (shapes and text_of(sheet.lines[n][place]) and _shape(text_of(sheet.lines[n][place])) not in shapes)
    }


def _says_outcome(line: Sequence[Cell], layout: Layout) -> bool:
    return any(not is_missing(layout.cell(line, meaning)) for meaning in OUTCOME & layout.position.keys())


def _full(line: Sequence[Cell]) -> bool:
    return 2 * _count(line) > len(line)


def _count(line: Sequence[Cell]) -> int:
    return sum(bool(text_of(cell)) for cell in line)


def _shape(text: str) -> str:
    """Of an id: runs of letters and of figures, so that ``LUNG1-001`` and ``LUNG2-17`` are alike."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "A", text.strip()))
