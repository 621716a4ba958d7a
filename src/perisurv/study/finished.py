"""Whether a run has nothing to do, found out in a moment: what it was made from and what it left are as they were.

Loads nothing but the standard library and the text of the study file. What is unclear is no finished run: the stages
are gone through as ever, and the ledger decides.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from perisurv.core.errors import SettingsError
from perisurv.study.findings import read_findings
from perisurv.study.study_file import DEFAULT_OUT, parse_study_text, read_study_text

__all__ = ["NOTHING_TO_DO", "NO_ARTEFACTS", "Asked", "forget_finished", "given_to", "keep_finished", "kept_findings"]

NOTHING_TO_DO = "Nothing to do: study file, patients and results are as the last run left them."
# Of the run folder: they differ from run to run.
NO_ARTEFACTS = ("run.log", str(Path("ledger", "run.json")))
_Entry = tuple[str, str, int, int, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """What ``run`` was asked for: the study file and the options that stand beside it."""

    study: Path
    out: Path | None = None
    workers: int | None = None


class _UnclearError(Exception):
    """It cannot be told whether the run is finished."""


def given_to(asked: Asked) -> str:
    """Digest of all that a run is made from: version, options, study file, patients, tables; empty if unclear.

    To be taken before the run: what changes while it runs is then found by the next one.
    """
    try:
        places = _places(asked)
        inputs = [list(_listing(place)) for place in places["inputs"]]
        text = asked.study.read_bytes().hex()
        return _digest(version("perisurv"), asked.workers, str(places["run"]), text, inputs)
    except (OSError, SettingsError, _UnclearError):
        return ""


def keep_finished(asked: Asked, given: str) -> None:
    """Write down that a run is finished; not if it is unclear what it was made from.

    Parameters
    ----------
    asked
        What the run was asked for.
    given
        From :func:`given_to`, before the run.
    """
    with suppress(OSError, SettingsError, _UnclearError):
        places = _places(asked)
        record = json.dumps({"given": given, "left": _left(places)})
        if given:
            _record(places["run"]).write_text(record + "\n", encoding="utf-8")


def forget_finished(run_folder: Path) -> None:
    """Take back what :func:`keep_finished` wrote."""
    _record(run_folder).unlink(missing_ok=True)


def kept_findings(asked: Asked) -> dict[str, Any] | None:
    """What the finished run found; None if there is something to do.

    Returns
    -------
    dict or None
        As :func:`perisurv.study.findings.read_findings`.
    """
    try:
        places = _places(asked)
        record = json.loads(_record(places["run"]).read_text(encoding="utf-8"))
        same = record["given"] == (given_to(asked) or None) and record["left"] == _left(places)
        found = read_findings(places["shown"]) if same else None
    except (OSError, ValueError, KeyError, TypeError, SettingsError, _UnclearError):
        return None
    if found is not None:
        _log(places["run"])
    return found


def _places(asked: Asked) -> dict[str, Any]:
    """Run folder, private folder and what is read, as the study file and the options name them.

    Raises
    ------
    SettingsError, _UnclearError
        If the study file cannot be read or names something else than paths.
    """
    values = parse_study_text(read_study_text(asked.study), str(asked.study))
    home = asked.study.resolve().parent
    given = values.get("input", {})
    if not isinstance(given, Mapping):
        raise _UnclearError
    named = [given.get("folder"), *_texts(given.get("clinical", [])), given.get("truth", "")]
    if not all(isinstance(path, str) for path in named) or not named[0]:
        raise _UnclearError
    out = asked.out or home / _text(values.get("out", DEFAULT_OUT))
    run = Path(os.path.abspath(out))  # noqa: PTH100  (resolve() would leave the folder through links)
    private = _text(values.get("private", ""))
    return {
        "run": run,
        "shown": Path(out),
        "private": home / private if private else Path(f"{run}.private"),
        "inputs": [home / path for path in dict.fromkeys(named) if path],
    }


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _UnclearError
    return value


def _texts(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _UnclearError
    return value


def _left(places: Mapping[str, Any]) -> str:
    """Digest of what lies in the run folder and in the private folder."""
    run: Path = places["run"]
    kept = [entry for entry in _listing(run) if entry[0] not in NO_ARTEFACTS]
    private = list(_listing(places["private"])) if places["private"].exists() else []
    return _digest(os.path.realpath(run), kept, private)


def _listing(root: Path) -> Iterator[_Entry]:
    """Every file at or below a place, through links: name, target of a link, size and both times of change.

    Raises
    ------
    OSError
        If something cannot be looked at.
    """
    yield _entry(str(root), "")
    folders, seen = [str(root)] if root.is_dir() else [], set()
    while folders:
        folder = folders.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda e: e.name)
        for entry in entries:
            if entry.is_dir():
                folders.append(entry.path)
            yield _entry(entry.path, os.path.relpath(entry.path, root))


def _entry(path: str, name: str) -> _Entry:
    target = os.path.realpath(path) if os.path.islink(path) else ""  # noqa: PTH114 (100 000 files)
    stat = os.stat(path) if os.path.exists(path) else os.lstat(path)  # noqa: PTH110, PTH116 (as above)
    if os.path.isdir(path):  # noqa: PTH112 (as above)
        return name, target, -1, 0, 0  # its times change with the log that lies in it
    return name, target, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _record(run: Path) -> Path:
    return run / "ledger" / "run.json"


def _log(run: Path) -> None:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    with suppress(OSError), (run / "run.log").open("a", encoding="utf-8") as file:
        file.write(f"{now} run: nothing to do\n")
