"""How patient files become a cohort: the settings of the ``[cohort]`` table of a study file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from perisurv.cohort.clinical_options import ClinicalOptions, ColumnOptions, check_covariates
from perisurv.core import SettingsError

__all__ = ["TUMOUR_ROI", "CohortOptions"]

# The first rule that matches any ROI wins. Case and outer blanks do not count. Lymph nodes (GTVn) never match.
TUMOUR_ROI: tuple[str, ...] = (
    r"^GTV[-_ ]*0?1$",
    r"^GTV[-_ ]*p(rim(ary)?)?[-_ ]*(0?1)?$",
    r"^GTV$",
    r"^(GTV[-_ ]*(t|tumou?r|lung|lesion|mass)|(primary[-_ ]*)?tumou?r)[-_ ]*(0?1)?$",
    r"^GTV(?![-_ ]*n(od|$|[^a-z]))",
    r"^(primary[-_ ]*)?tumou?r\b",
)


@dataclass(frozen=True, slots=True)
class CohortOptions:
    """How files become patients.

    Parameters
    ----------
    tumour_roi
        Regular expressions for the name of the tumour ROI. The first that matches any ROI of the structure set
        wins; if it matches several, the patient is excluded.
    ids
        ``keep`` uses the DICOM PatientID as study id; ``pseudonym`` a keyed hash of it.
    pseudonym_key
        Secret key of the hash, 1 to 64 bytes. The same key gives the same pseudonyms.
    columns, clinical
        How clinical tables are read.
    covariates
        Further clinical variables: name -> column of numbers, or of categories if ``levels`` names them.
    levels
        Categories of a covariate; the first is the reference.
    slice_tolerance
        Largest deviation of a slice distance from the usual one, as a share of it.

    Raises
    ------
    SettingsError
        If a rule is no regular expression, a value is unknown or a pseudonym has no key.
    """

    tumour_roi: tuple[str, ...] = TUMOUR_ROI
    ids: Literal["keep", "pseudonym"] = "keep"
    pseudonym_key: str = ""
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    clinical: ClinicalOptions = field(default_factory=ClinicalOptions)
    covariates: dict[str, str] = field(default_factory=dict)
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    slice_tolerance: float = 0.01

    def __post_init__(self) -> None:
        if not self.tumour_roi:
            raise SettingsError("tumour_roi is empty; give at least one regular expression such as '^GTV-1$'.")
        for rule in self.tumour_roi:
            try:
                re.compile(rule)
            except re.error as error:
                raise SettingsError(f"tumour_roi: {rule!r} is not a regular expression: {error}.") from error
        if self.ids not in ("keep", "pseudonym"):
            raise SettingsError(f"ids must be 'keep' or 'pseudonym', got {self.ids!r}.")
        if self.ids == "pseudonym" and not 1 <= len(self.pseudonym_key.encode()) <= 64:
            raise SettingsError("ids = 'pseudonym' needs a pseudonym_key of 1 to 64 bytes; keep it secret.")
        check_covariates(self.covariates, self.levels)
        if not 0 < self.slice_tolerance < 0.5:
            raise SettingsError(f"slice_tolerance must lie between 0 and 0.5, got {self.slice_tolerance}.")
