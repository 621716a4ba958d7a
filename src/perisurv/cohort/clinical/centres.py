"""Whether a column that is called a centre holds centres."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perisurv.cohort.clinical.cells import Cell, is_missing
from perisurv.cohort.clinical.columns import Layout, toml
from perisurv.cohort.clinical.names import fold, plain
from perisurv.cohort.clinical.spellings import BODY_WORDS
from perisurv.core import ChoiceError

__all__ = ["with_plausible_centre"]

# Names that are as often those of the site of the tumour.
_UNSURE = frozenset({"site", "siteid"})
_BODY = frozenset(fold(word) for word in BODY_WORDS)
# Topography of ICD-O and ICD-10: C34.1.
_TOPOGRAPHY = re.compile(r"c\d{2}(\.?[\dx])?")
_FEW = 4


def with_plausible_centre(layout: Layout, lines: Sequence[Sequence[Cell]]) -> tuple[Layout, list[str]]:
    """The layout without a guessed column of centres that holds parts of the body, and a remark on it.

    Raises
    ------
    InputError
        If the name or the values may mean something else than centres.
    """
    if "centre" not in layout.guessed:
        return layout, []
    cells = [layout.text(line, "centre") for line in lines]
    filled = [text for text in cells if not is_missing(text) or text.casefold() == "x"]
    values = {" ".join(text.casefold().split()) for text in filled}
    column, body = layout.column("centre"), sum(map(_is_body, values))
    if values and body == len(values):
        remark = (
            f"{layout.name}: column {column!r} holds parts of the body, so it is not the treating centre; if it is, "
            f'set centre = "{column}" below [cohort.columns].'
        )
        return layout.without("centre"), [remark]
    lines = (f"centre = {toml(column)}", f"ignore = [{toml(column)}]")
    ask = (
        f'State it below [cohort.columns]: centre = "{column}", or ignore = ["{column}"] (then the folder of the table '
        "is the centre)."
    )
    if plain(column) in _UNSURE or body:
        raise ChoiceError(
            f"Column {column!r} of {layout.name} may be the centre that treated or the site of the tumour. {ask}",
            "cohort.columns",
            lines,
        )
    if len(filled) >= _FEW and 2 * len(values) > len(filled):
        raise ChoiceError(
            f"Column {column!r} of {layout.name} is called a centre but has {len(values)} different values in "
            f"{len(filled)} rows, more than centres with several patients each would. {ask}",
            "cohort.columns",
            lines[::-1],
        )
    return layout, []


def _is_body(value: str) -> bool:
    words = re.findall(r"c\d{2}(?:\.?[\dx])?\b|[^\W\d_]+", fold(value))
    return bool(words) and all(word in _BODY or _TOPOGRAPHY.fullmatch(word) for word in words)
