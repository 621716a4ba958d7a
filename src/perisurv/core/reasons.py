"""Which reasons of exclusion are of one kind."""

from __future__ import annotations

import re

__all__ = ["reason_kind"]

# A fault such as "no tumour ROI" opens a reason; a sentence with a colon in it does not.
_LONGEST_FAULT = 60
_DIFFERS = "\u2026"
_PATIENT = re.compile(r"^Patient [^:]+: ")
_FAULT = re.compile(r"^[A-Za-z]+(?: [^.:'\"]+)?$")
_NUMBER = re.compile(r"(?<![\w/])\d+(?![\w/])")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\u201c[^\u201d]*\u201d|\([^()]*\)")
# Numbers, pseudonyms, files and UIDs: every word with a figure or a slash in it.
_VARYING = re.compile(r"[^\s,;:]*[\d/\\][^\s,;:]*")


def reason_kind(reason: str) -> str:
    """A reason without what differs from patient to patient, so that equal kinds can be counted.

    Reasons of checks begin with the name of a fault, which is the kind. Of any other reason the first sentence is
    the kind, with an ellipsis for every quoted name, bracket, number, pseudonym and path.

    Examples
    --------
    >>> reason_kind("no tumour ROI: file 12.dcm has no ROI that tumour_roi matches; its ROIs are Lung_L, Heart.")
    'no tumour ROI'
    """
    said = _PATIENT.sub("", reason.strip())
    opening, colon, _ = said.partition(": ")
    if (colon or not said.endswith(".")) and len(opening) <= _LONGEST_FAULT and _FAULT.match(opening):
        return _NUMBER.sub(_DIFFERS, opening)
    first = re.split(r"(?<=[.;])\s", said, maxsplit=1)[0].rstrip(".;:")
    first = _VARYING.sub(_DIFFERS, _QUOTED.sub(_DIFFERS, first))
    return re.sub(rf"{_DIFFERS}(?:[\s,]*{_DIFFERS})+", _DIFFERS, first).strip()
