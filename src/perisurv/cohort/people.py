"""Who the patients of a folder are: for the private folder of a study, nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from perisurv.cohort.options import CohortOptions
from perisurv.cohort.pseudonym import study_id
from perisurv.core import Person

__all__ = ["people_of"]


def people_of(
    met: Mapping[str, tuple[str, set[str]]], others: Iterable[str], options: CohortOptions
) -> tuple[Person, ...]:
    """Everybody, ordered by pseudonym.

    Parameters
    ----------
    met
        PatientID and folders of everybody whose files were met, by patient key.
    others
        PatientIDs of those whom only a clinical table names.
    options
        What patients are called.
    """
    found = [Person(study_id(own, options), own, _outermost(folders)) for own, folders in met.values()]
    found += [Person(study_id(own, options), own.strip()) for own in others if own.strip()]
    return tuple(sorted(found, key=lambda person: (person.patient, person.patient_id)))


def _outermost(folders: set[str]) -> tuple[str, ...]:
    """Without those that lie in another of them; the cohort folder itself holds all, so that it hides none."""
    above = {folder: {str(p) for p in PurePosixPath(folder).parents} - {"."} for folder in folders}
    return tuple(sorted(folder for folder in folders if not above[folder] & folders))
