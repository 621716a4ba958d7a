"""Names of columns as they are compared: without case, accents, blanks, punctuation and marks of footnotes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from perisurv.cohort.clinical.spellings import COLUMNS, TIME_COLUMNS, TIME_TO_DEATH, TIME_TO_LAST

__all__ = ["ID_NAMES", "KNOWN_NAMES", "collapsed", "fold", "plain", "tokens"]

# Tables of the GDC name the entity first.
_ENTITY = re.compile(r"^(demographic|diagnoses|exposures)\.", re.IGNORECASE)


def fold(text: str) -> str:
    """Without case and accents, in the ordinary forms of letters and figures; marks of footnotes (``²``) left out."""
    unmarked = "".join(c for c in text if unicodedata.category(c) != "No" and c not in "*†‡§")
    parted = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", unmarked).casefold())
    return unicodedata.normalize("NFC", "".join(c for c in parted if not "\u0300" <= c <= "\u036f"))


@lru_cache(maxsize=10_000)
def plain(name: str) -> str:
    """Letters and figures of a name."""
    return "".join(c for c in fold(_ENTITY.sub("", name)) if c.isalnum())


def tokens(name: str) -> list[str]:
    """Words of a name; a capital after a small letter begins one."""
    return re.findall(r"[^\W\d_]+", fold(re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])", " ", name)))


def collapsed(columns: Iterable[str]) -> set[str]:
    """Names with single blanks."""
    return {" ".join(column.split()) for column in columns}


ID_NAMES = frozenset(plain(name) for tier in COLUMNS["id"] for name in tier)
# Of more than two letters: shorter ones stand in cells as well (the sex M, the modality CT).
KNOWN_NAMES = ID_NAMES | {
    plain(name)
    for tiers in (*COLUMNS.values(), (tuple(TIME_COLUMNS),), TIME_TO_DEATH, TIME_TO_LAST)
    for tier in tiers
    for name in tier
    if len(name) > 2
}
