"""Bytes of a text table to characters. An encoding is stated or certain; what is not is asked for, with proposals."""

from __future__ import annotations

from perisurv.core import ReadError

__all__ = ["decoded"]

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# What spreadsheet programs and hospital systems write.
_USUAL = [
    *("gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255"),
    *("cp1256", "cp1257", "cp1258", "koi8_r", "koi8_u", "iso8859_2", "iso8859_9", "iso8859_15", "mac_roman", "cp850"),
    *("cp852", "cp866", "cp874"),
]
_MOST_PROPOSALS = 3
_LONGEST_SAMPLE = 70


def decoded(raw: bytes, name: str, encoding: str) -> tuple[str, str]:
    """The text and its encoding: by its byte order mark, by the zeros of UTF-16, else as stated.

    Raises
    ------
    ReadError
        If the bytes are none of a text, or not in this encoding; with the encodings in which they would be.
    """
    found = next((known for mark, known in _MARKS if raw.startswith(mark)), _by_zeros(raw) or encoding)
    try:
        text = raw.decode(found)
    except UnicodeDecodeError as error:
        if b"\0" in raw:
            raise ReadError(f"{name} is not a table as text; save it as CSV in UTF-8.") from error
        row = raw[: error.start].count(b"\n") + 1
        raise ReadError(
            f"{name} is not in {found}: row {row} holds a byte that has no meaning there. Save it as CSV in UTF-8, or "
            f"state its encoding below [cohort.clinical]{_proposals(raw)}."
        ) from error
    if "\0" in text:
        raise ReadError(f"{name} is not a table as text; save it as CSV in UTF-8.")
    return text, found


def _by_zeros(raw: bytes) -> str:
    """``utf-16-le`` or ``utf-16-be`` without byte order mark: figures and delimiters have a zero on one side only."""
    if len(raw) % 2 or b"\0" not in raw:
        return ""
    even, odd = raw[::2].count(0), raw[1::2].count(0)
    found = "utf-16-le" if odd else "utf-16-be"
    if min(even, odd) or max(even, odd) < len(raw) // 16:
        return ""
    try:
        text = raw.decode(found)
    except UnicodeDecodeError:
        return ""
    return found if all(sign.isprintable() or sign in "\t\r\n" for sign in text) else ""


def _proposals(raw: bytes) -> str:
    """Encodings in which the bytes read as a language, the likeliest first, with the column names that they give."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 (start fast)

    likely = [match.encoding for match in from_bytes(raw, cp_isolation=_USUAL)]
    # Pages of Windows share most letters: where the usual one gives the same text, it is the one to name.
    likely = list(dict.fromkeys(_usual(raw, encoding) for encoding in likely))[:_MOST_PROPOSALS]
    if not likely:
        return ', such as encoding = "cp1252" (Windows) or "latin-1"'
    # Only a line of names is shown: below it stand patients.
    first = next(line for line in raw.splitlines() if line.strip())
    told = []
    for encoding in likely:
        sample = first.decode(encoding, "replace").strip()[:_LONGEST_SAMPLE]
        told.append(f'encoding = "{encoding}"' + ("" if first.isascii() else f" (then it begins: {sample})"))
    return f"; likely: {', '.join(told)}"


def _usual(raw: bytes, encoding: str) -> str:
    return "cp1252" if raw.decode("cp1252", "replace") == raw.decode(encoding, "replace") else encoding
