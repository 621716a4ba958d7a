"""The one tree of errors.

::

    PerisurvError
    ├── InputError            what was given cannot be used (exit code 2)
    │   ├── SettingsError     a key or a value of the study file
    │   ├── ChoiceError       the study file must decide; it carries the lines that would
    │   ├── ReadError         a file is unreadable or is not what it claims to be
    │   ├── GeometryError     image, mask or contour do not share one space
    │   ├── RegionError       a region is empty, too small or cannot be built
    │   ├── OutcomeError      follow-up that no survival analysis can use
    │   ├── FeatureError      a feature table that does not hold what is needed
    │   ├── EmptyCohortError  no patient is left; it carries what was found
    │   └── ModelError        a saved model that cannot be used
    ├── ArchiveError          an archive or the way to it failed; what came stays, run again
    ├── LeakageError          a statistic would score a patient it was fitted on
    └── ConvergenceError      an optimiser did not reach its tolerance

The errors of follow-up and of features are ValueErrors, too, as scikit-learn expects of estimators. A message says what
is wrong, in which file or patient, what was expected and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perisurv.core.cohort import Cohort

__all__ = [
    "ArchiveError",
    "ChoiceError",
    "ConvergenceError",
    "EmptyCohortError",
    "FeatureError",
    "GeometryError",
    "InputError",
    "LeakageError",
    "ModelError",
    "OutcomeError",
    "PerisurvError",
    "ReadError",
    "RegionError",
    "SettingsError",
]


class PerisurvError(Exception):
    """Root of every error that perisurv raises on purpose."""


class InputError(PerisurvError):
    """What the user gave cannot be used."""


class SettingsError(InputError):
    """A key or a value of the study file is wrong."""


class ChoiceError(InputError):
    """What the data say can be understood in several ways, and the study file must decide.

    Parameters
    ----------
    message
        What is not clear, and what to do.
    table
        Table of the study file that decides, such as ``cohort.columns``.
    lines
        Lines of TOML, each of which would decide; the likeliest first.
    """

    def __init__(self, message: str, table: str, lines: tuple[str, ...]) -> None:
        super().__init__(message)
        self.table = table
        self.lines = lines

    def __reduce__(self) -> tuple[type[ChoiceError], tuple[str, str, tuple[str, ...]]]:
        """Errors of worker processes are pickled."""
        return type(self), (str(self), self.table, self.lines)


class ReadError(InputError):
    """A file is unreadable or is not what it claims to be."""


class GeometryError(InputError):
    """Image, mask or contour do not share one space."""


class RegionError(InputError):
    """A region is empty, too small or cannot be built."""


class OutcomeError(InputError, ValueError):
    """Follow-up that no survival analysis can use."""


class FeatureError(InputError, ValueError):
    """A feature table does not hold what is needed."""


class EmptyCohortError(InputError):
    """No patient is left.

    Parameters
    ----------
    message
        Why.
    cohort
        A cohort of no patients with all exclusions, findings and notes.
    """

    def __init__(self, message: str, cohort: Cohort) -> None:
        super().__init__(message)
        self.cohort = cohort


class ModelError(InputError):
    """A saved model cannot be used."""


class ArchiveError(PerisurvError):
    """An archive, or the way to it, failed; what came stays, and the next run goes on from there."""


class LeakageError(PerisurvError):
    """A fitted statistic would score a patient that it was fitted on."""


class ConvergenceError(PerisurvError):
    """An optimiser did not reach its tolerance."""
