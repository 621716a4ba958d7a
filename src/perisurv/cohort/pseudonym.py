"""What a patient is called."""

from __future__ import annotations

from hashlib import blake2b

from perisurv.cohort.options import CohortOptions
from perisurv.core import SettingsError

__all__ = ["patient_key", "pseudonym", "study_id"]


def patient_key(patient_id: str) -> str:
    """What two spellings of one PatientID share: outer blanks and case do not count."""
    return patient_id.strip().casefold()


def pseudonym(patient_id: str, key: str) -> str:
    """Study pseudonym of a patient: ``P-`` and 16 hexadecimal digits of a keyed BLAKE2b hash (RFC 7693).

    Parameters
    ----------
    patient_id
        DICOM PatientID; outer blanks and case do not count.
    key
        Secret of 1 to 64 bytes. Without it nobody can test whether a known PatientID is in the study.

    Raises
    ------
    SettingsError
        If the key is empty or too long.
    """
    secret = key.encode()
    if not 1 <= len(secret) <= 64:
        raise SettingsError(f"A pseudonym needs a key of 1 to 64 bytes, got {len(secret)}.")
    return "P-" + blake2b(patient_key(patient_id).encode(), key=secret, digest_size=8).hexdigest()


def study_id(patient_id: str, options: CohortOptions) -> str:
    """What the options call this patient; empty where the PatientID is unknown."""
    if options.ids == "keep" or not patient_id.strip():
        return patient_id.strip()
    return pseudonym(patient_id, options.pseudonym_key)
