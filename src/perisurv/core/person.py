"""Who a pseudonym stands for."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Person"]


@dataclass(frozen=True, slots=True)
class Person:
    """A patient of the folder, included or not, as the files name it. Belongs into the private folder of a study.

    Parameters
    ----------
    patient
        Study pseudonym.
    patient_id
        PatientID as written in the files; never printed by the way.
    folders
        Where the files of the patient lie, relative to the cohort folder; ``.`` is that folder itself. Empty for a
        patient that only a clinical table names.
    """

    patient: str
    patient_id: str = field(repr=False)
    folders: tuple[str, ...] = field(default=(), repr=False)
