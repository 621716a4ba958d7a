"""Reasons, checks and remarks of the index in the run folder, also where no patient is left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from perisurv.core import Cohort, EmptyCohortError
from perisurv.study.people import write_people
from perisurv.study.private import PrivateFolder, cohort_without_paths
from perisurv.study.store import SET_ASIDE, RunFolder, write_text

__all__ = ["reasons_kept", "write_reasons"]


def write_reasons(folder: RunFolder, cohort: Cohort) -> None:
    """Write what the checks found, who was left out, what was set aside, and how files were read."""
    folder.write_findings(cohort.findings)
    folder.write_exclusions("index", cohort.exclusions)
    folder.write_exclusions(SET_ASIDE, cohort.set_aside)
    write_text(folder.notes, json.dumps(cohort.notes, indent=1) + "\n")


@contextmanager
def reasons_kept(folder: RunFolder, private: PrivateFolder, names: Mapping[str, str]) -> Iterator[None]:
    """Write the reasons, and who the patients are, if the index leaves no patient, and say where they are.

    Parameters
    ----------
    private
        The private folder of the study.
    names
        Number of every path, see :func:`perisurv.study.private.numbered`; empty where paths may be written.

    Raises
    ------
    EmptyCohortError
        As it was raised inside, with the place of the reasons.
    """
    try:
        yield
    except EmptyCohortError as error:
        write_people(private, error.cohort)
        write_reasons(folder, cohort_without_paths(error.cohort, names) if names else error.cohort)
        place = folder.root / "exclusions"
        raise EmptyCohortError(
            f"{error} All reasons lie in {place}, all checks in {folder.checks}.", error.cohort
        ) from error
