"""How patient files become a cohort: the settings of the ``[cohort]`` table of a study file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from perisurv.cohort.clinical_options import ClinicalOptions, ColumnOptions, check_covariates
from perisurv.cohort.stack_rules import Policy, StackRules
from perisurv.core import SettingsError

__all__ = ["TUMOUR_ROI", "CohortOptions", "CtRules", "RoiRule"]

_PRIMARY_TUMOUR = "primary tumour"
_CHOICES = {
    "ids": ("keep", "pseudonym"),
    "several_rois": ("refuse", "union", "largest"),
    "several_structure_sets": ("refuse", "newest", "rtstruct", "seg"),
    "references": ("slices", "series", "geometry"),
    "between_slices": ("refuse", "interpolate", "leave"),
    "gantry_tilt": ("refuse", "resample"),
    "irregular_slices": ("refuse", "resample"),
    "other_grid": ("refuse", "resample"),
}


@dataclass(frozen=True, slots=True)
class RoiRule:
    """Which ROIs, segments or mask files are meant: exactly one of the five; case and outer blanks do not count.

    Parameters
    ----------
    exact
        The whole name.
    glob
        The whole name with ``*``, ``?`` and ``[...]``.
    regex
        A regular expression found anywhere in the name.
    type
        The DICOM ROI type (RTROIInterpretedType, DICOM PS3.3 C.8.8.8) such as ``GTV``; of a DICOM SEG the meaning or
        the code of the segmented property type (PS3.3 C.8.20.2), such as ``Neoplasm``.
    named
        ``primary tumour``, the rule of those who set none: a name that says primary tumour by all of its words, the
        most usual first (``GTV-1``, ``GTVp``, ``GTV``, ``tumour``, then such as ``GTV_left``). A name that says node,
        metastasis, organ, margin or test, or that holds a word not known, is none.

    Raises
    ------
    SettingsError
        If not exactly one is given, or the regular expression is none.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    exact: str | None = None
    glob: str | None = None
    regex: str | None = None
    type: str | None = None
    named: str | None = None

    def __post_init__(self) -> None:
        given = [value for _, value in self._given()]
        if len(given) != 1 or not given[0].strip():
            raise SettingsError(
                'A rule for ROIs has exactly one of exact, glob, regex, type and named, such as { glob = "GTV*" }; '
                f"got {self}."
            )
        if self.named not in (None, _PRIMARY_TUMOUR):
            raise SettingsError(f"named can only be {_PRIMARY_TUMOUR!r}, got {self.named!r}.")
        if self.regex is not None:
            try:
                re.compile(self.regex)
            except re.error as error:
                raise SettingsError(f"{self.regex!r} is not a regular expression: {error}.") from error

    @classmethod
    def of(cls, rule: str | RoiRule) -> RoiRule:
        """The rule itself; a plain string is a regular expression."""
        return cls(regex=rule) if isinstance(rule, str) else rule

    def __str__(self) -> str:
        if self.named is not None:
            return "name"
        return ", ".join(f"{kind} {value!r}" for kind, value in self._given()) or "nothing"

    def _given(self) -> list[tuple[str, str]]:
        kinds = {"exact": self.exact, "glob": self.glob, "regex": self.regex, "type": self.type, "named": self.named}
        return [(kind, value) for kind, value in kinds.items() if value is not None]


TUMOUR_ROI: tuple[str | RoiRule, ...] = (RoiRule(named=_PRIMARY_TUMOUR),)


_BY_DATE = ("nearest_time_zero", "earliest", "latest", "refuse")


@dataclass(frozen=True, slots=True)
class CtRules:
    """Which of several contoured CTs of one patient is taken; each rule chooses among those that the one before left.

    Parameters
    ----------
    series
        Regular expressions for the SeriesDescription; the first that is found in any decides. Case does not count.
    phases
        Phases of a 4D CT in per cent, by the header or the SeriesDescription; the first that any CT has decides.
    date
        ``nearest_time_zero``: the last CT up to time zero, after it the first; without time zero as ``earliest``.
        ``earliest``, ``latest``: by date. ``refuse``: exclude the patient if the rules before leave several. Of one
        day a CT without phase comes first, then the lowest phase, the earlier time, the lower SeriesNumber, and the
        SeriesDescription in the order of the alphabet; CTs that differ in none of these are refused.

    Raises
    ------
    SettingsError
        If a pattern is no regular expression, a phase lies outside 0 to 100 or ``date`` is unknown.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    series: tuple[str, ...] = ()
    phases: tuple[float, ...] = ()
    date: Literal["nearest_time_zero", "earliest", "latest", "refuse"] = "nearest_time_zero"

    def __post_init__(self) -> None:
        for pattern in self.series:
            try:
                re.compile(pattern)
            except re.error as error:
                raise SettingsError(f"several_cts: {pattern!r} is not a regular expression: {error}.") from error
        if any(not 0 <= phase <= 100 for phase in self.phases):
            raise SettingsError(f"several_cts: phases are per cent from 0 to 100, got {list(self.phases)}.")
        if self.date not in _BY_DATE:
            raise SettingsError(f"several_cts must be one of {', '.join(_BY_DATE)}, got {self.date!r}.")

    @classmethod
    def of(cls, rules: str | CtRules) -> CtRules:
        """The rules themselves; a plain word is a rule for the date."""
        return cls(date=rules) if isinstance(rules, str) else rules  # type: ignore[arg-type]  # checked on creation


@dataclass(frozen=True, slots=True)
class CohortOptions:
    """How files become patients.

    Parameters
    ----------
    tumour_roi
        Rules for the tumour ROI, each a regular expression or a :class:`RoiRule`. The first that matches any ROI of
        the structure set, segment of the DICOM SEG or mask file (by its name without suffix) wins. Where none is set,
        a name must say by all of its words that it is the primary tumour, and ROIs taken by ``lung_rois`` or
        ``other_lesions`` do not count; a patient without such a name is refused.
    several_rois
        If that rule matches several ROIs: ``refuse`` the patient, take their ``union`` or the ``largest``.
    other_lesions
        Rules for the ROIs of other lesions: all that any of them matches, except the tumour. A rule that means
        tumours of any name, such as ``GTV*``, leaves the tumour to ``tumour_roi``.
    lung_rois
        Rules for the ROIs of the lungs, one or both in one or two ROIs: all that any of them matches are used instead
        of the lungs found in the CT. A patient without such an ROI keeps those.
    several_structure_sets
        If several structure sets or DICOM SEG hold a tumour on one CT: ``refuse`` the patient, take the ``newest`` by
        StructureSetDate and StructureSetTime (SEG: ContentDate and ContentTime), or those stored as ``rtstruct`` or
        as ``seg``.
    several_cts
        If a patient has several contoured CTs (phases, repeated scans): a word, ``nearest_time_zero``, ``earliest``,
        ``latest`` or ``refuse``, or a table, see :class:`CtRules`. A check of the patient says which CT was taken and
        which were not.
    references
        What of a structure set or DICOM SEG must fit its CT. ``slices``: series, frame of reference and every slice
        that it names. ``series``: the series or the frame of reference, for data whose slices got other UIDs when
        they were de-identified. ``geometry``: nothing, if only one CT of the patient holds every contour on its
        slices. Where the named slices are not there, every contour or frame must lie on a slice of the CT, inside its
        image, in any case.
    between_slices
        Where contours lie between slices or leave slices out: ``refuse`` the patient, ``interpolate`` the shape
        between neighbouring contours, or ``leave`` slices without contour empty. Masks are never interpolated.
    mask_labels
        Values that are tumour in masks stored as NIfTI, NRRD or MetaImage; empty: the only value above zero, and a
        mask with several is refused.
    mask_threshold
        Share from which a voxel is tumour, above 0 and up to 1: of MaximumFractionalValue in a FRACTIONAL DICOM SEG
        (0.5 where not set), of one in a research mask of probabilities (refused where not set).
    other_grid
        If a mask lies on another grid than its CT: ``refuse`` the patient or ``resample`` the mask. A voxel of the
        CT then has the value of the voxel of the mask that its centre lies in.
    raster_limit
        Largest 1 - Dice between two independent ways to turn the contours into voxels; a difference that chance
        explains, twice the square root of the voxels cut by contours, excludes nobody here and in ``volume_limit``.
    slice_limit
        Largest difference between the slices that the contours should fill and those that hold tumour voxels.
    volume_limit
        Largest difference between the volumes of the mask and of the contours, as a share of the latter.
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
    gantry_tilt
        Slices that are not stacked along their normal: ``refuse`` the patient, or ``resample`` the CT onto a
        rectangular grid, by cubic B-splines within each slice; outside the slices it is -1000 HU.
    irregular_slices
        Slices at irregular distances: ``refuse`` the patient, or ``resample`` the CT to regular ones, linearly between
        neighbours. Distances below half or above one and a half of the usual one are refused in any case.

    Raises
    ------
    SettingsError
        If a rule is no regular expression, a value is unknown or a pseudonym has no key.
    """

    tumour_roi: tuple[str | RoiRule, ...] = TUMOUR_ROI
    several_rois: Literal["refuse", "union", "largest"] = "refuse"
    other_lesions: tuple[str | RoiRule, ...] = ()
    lung_rois: tuple[str | RoiRule, ...] = ()
    several_structure_sets: Literal["refuse", "newest", "rtstruct", "seg"] = "refuse"
    several_cts: Literal["nearest_time_zero", "earliest", "latest", "refuse"] | CtRules = "nearest_time_zero"
    references: Literal["slices", "series", "geometry"] = "slices"
    between_slices: Literal["refuse", "interpolate", "leave"] = "refuse"
    mask_labels: tuple[int, ...] = ()
    mask_threshold: float | None = None
    other_grid: Literal["refuse", "resample"] = "refuse"
    raster_limit: float = 0.05
    slice_limit: int = 2
    volume_limit: float = 0.1
    ids: Literal["keep", "pseudonym"] = "keep"
    pseudonym_key: str = ""
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    clinical: ClinicalOptions = field(default_factory=ClinicalOptions)
    covariates: dict[str, str] = field(default_factory=dict)
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    slice_tolerance: float = 0.01
    gantry_tilt: Policy = "refuse"
    irregular_slices: Policy = "refuse"

    def __post_init__(self) -> None:
        if not self.tumour_roi:
            raise SettingsError("tumour_roi is empty; give at least one regular expression such as '^GTV-1$'.")
        _check_rules("tumour_roi", self.tumour_roi)
        _check_rules("other_lesions", self.other_lesions)
        _check_rules("lung_rois", self.lung_rois)
        CtRules.of(self.several_cts)
        for key, known in _CHOICES.items():
            if getattr(self, key) not in known:
                raise SettingsError(f"{key} must be one of {', '.join(known)}, got {getattr(self, key)!r}.")
        if self.ids == "pseudonym" and not 1 <= len(self.pseudonym_key.encode()) <= 64:
            raise SettingsError("ids = 'pseudonym' needs a pseudonym_key of 1 to 64 bytes; keep it secret.")
        check_covariates(self.covariates, self.levels)
        for key in ("raster_limit", "slice_limit", "volume_limit"):
            if not getattr(self, key) >= 0:
                raise SettingsError(f"{key} must be zero or more, got {getattr(self, key)}.")
        if any(label < 1 for label in self.mask_labels):
            raise SettingsError(f"mask_labels must be whole numbers above zero, got {list(self.mask_labels)}.")
        if self.mask_threshold is not None and not 0 < self.mask_threshold <= 1:
            raise SettingsError(f"mask_threshold must lie above 0 and up to 1, got {self.mask_threshold}.")
        if not 0 < self.slice_tolerance < 0.5:
            raise SettingsError(f"slice_tolerance must lie between 0 and 0.5, got {self.slice_tolerance}.")

    @property
    def competing(self) -> bool:
        """Whether follow-up may end with a competing event."""
        told = self.columns.competing or self.columns.time_competing
        return bool(told) or "competing" in self.clinical.event_codes.values()

    @property
    def stack_rules(self) -> StackRules:
        """What a stack of CT slices may be."""
        return StackRules(self.slice_tolerance, self.gantry_tilt, self.irregular_slices)


def _check_rules(key: str, rules: tuple[str | RoiRule, ...]) -> None:
    for rule in rules:
        try:
            RoiRule.of(rule)
        except SettingsError as error:
            raise SettingsError(f"{key}: {error}") from error
