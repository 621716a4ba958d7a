"""``run.log`` in the run folder: what was done when, with which versions, and how it ended.

It can be shown to others as all of the run folder: no patient is named, no path of this machine stands in it. It
differs from run to run, so it is no artefact and enters no key.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from perisurv.core import Exclusion, InputError, PerisurvError
from perisurv.core.wording import counted
from perisurv.study.engine import Progress, tell
from perisurv.study.private import PrivateFolder, without_paths
from perisurv.study.provenance import VERSION, installed, provenance
from perisurv.study.settings import StudySettings
from perisurv.study.store import RunFolder

__all__ = ["RunLog", "logged"]

# An absolute path, up to the end of its word or quote.
_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[/\\](?:[^\s'\"/\\]+[/\\]?)+")


class RunLog:
    """Writes lines to ``run.log``, and passes on to the display what it hears of the progress.

    Parameters
    ----------
    folder
        The run folder; lines wait until it is there.
    progress
        Who shows the progress; None: nobody.
    kept
        False writes nothing.
    """

    def __init__(self, folder: RunFolder, progress: Progress | None, kept: bool = True) -> None:
        self._folder, self._progress, self._kept = folder, progress, kept
        self._waiting: list[str] = []
        self._stage, self._label = "", ""
        self._stage_began = self._label_began = time.monotonic()

    def __call__(self, label: str, done: int, total: int) -> None:
        """Items of a label that are done; the last one is written down."""
        if label != self._label:
            self._label, self._label_began = label, time.monotonic()
        if done == total:
            self.line(f"{label}: {done} of {total} in {time.monotonic() - self._label_began:.1f} s")
        if self._progress is not None:
            self._progress(label, done, total)

    def stage(self, name: str, number: int, of: int) -> None:
        """A stage begins, and the one before ends."""
        self.end_stage()
        self._stage, self._stage_began = name, time.monotonic()
        self.line(f"stage {number} of {of}, {name}: begins" if of else f"stage {number}, {name}: begins")
        tell(self._progress, "stage", name, number, of)

    def end_stage(self) -> None:
        """The stage that began last is done."""
        if self._stage:
            self.line(f"{self._stage}: ends after {time.monotonic() - self._stage_began:.1f} s")
        self._stage = ""

    def detail(self, text: str) -> None:
        """What the log keeps and a verbose verb says."""
        self.line(text)
        tell(self._progress, "detail", text)

    def left_out(self, what: str, entries: Sequence[Exclusion]) -> None:
        """Patients that were excluded or files that were set aside are counted by kind of reason."""
        for kind, n in Counter(entry.kind for entry in entries).most_common():
            self.line(f"{what} {n}: {kind}")

    def warned(self, warnings: Sequence[str]) -> None:
        """What the summary warns of."""
        for warning in warnings:
            self.line(f"warning: {warning}")

    def line(self, text: str) -> None:
        """Write a line with the time of day."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        self._waiting.append(f"{now} {' '.join(text.split())}\n")
        if self._kept and self._folder.root.is_dir():
            with self._folder.log.open("a", encoding="utf-8") as file:
                file.writelines(self._waiting)
            self._waiting.clear()


@contextmanager
def logged(
    verb: str, folder: RunFolder, private: PrivateFolder, settings: StudySettings, progress: Progress | None = None
) -> Iterator[RunLog]:
    """A verb that works on a run folder, written down from its start to how it ended.

    Nothing is written where the run folder lies in that of the patients, which the verb refuses.
    """
    among = bool(settings.input.folder) and folder.root.resolve().is_relative_to(Path(settings.input.folder).resolve())
    log, began = RunLog(folder, progress, kept=not among), time.monotonic()
    versions = ", ".join(f"{name} {number}" for name, number in installed().items())
    log.line(f"{verb} begins")
    log.detail(f"perisurv {VERSION}, Python {platform.python_version()}, {platform.platform()}; {versions}")
    digest = provenance(settings).settings_sha256
    log.detail(f"settings {digest}, seed {settings.seed}, {counted(settings.workers, 'worker')}")
    try:
        yield log
    except BaseException as error:
        log.line(f"{verb} {_how(error, folder, private, settings)} after {time.monotonic() - began:.1f} s")
        raise
    log.end_stage()
    log.line(f"{verb} is done after {time.monotonic() - began:.1f} s")


def _how(error: BaseException, folder: RunFolder, private: PrivateFolder, settings: StudySettings) -> str:
    """How a verb ended that did not get through."""
    if isinstance(error, KeyboardInterrupt):
        return "was stopped"
    kind = type(error).__name__
    if not isinstance(error, PerisurvError):
        return f"broke off with {kind}"
    if settings.keep_ids:
        return f"ended with {kind}: {error}"
    if not folder.done("index"):  # patients have no pseudonyms yet
        return f"ended with {kind}; what it said may name patients and stands here only with keep_ids = true,"
    return f"ended with {kind}: {_without_places(str(error), private, settings)}"


def _without_places(text: str, private: PrivateFolder, settings: StudySettings) -> str:
    """A message with numbers for files of patients, and without paths of this machine."""
    try:
        names = private.read_names() if private.files.exists() else {}
    except InputError:
        names = {}
    given = settings.input
    if given.folder:
        text = text.replace(f"{given.folder}{os.sep}", "")  # its files are called by number
    own = (given.folder, *given.clinical, given.truth, str(private.root), settings.out, str(Path.cwd()))
    for place in sorted(filter(None, own), key=len, reverse=True):
        text = text.replace(place, "...")
    return _PATH.sub("...", without_paths(text, names))
