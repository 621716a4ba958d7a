"""What a stack of CT slices may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Policy", "StackRules"]

Policy = Literal["refuse", "resample"]


@dataclass(frozen=True, slots=True)
class StackRules:
    """What a stack may be.

    Parameters
    ----------
    tolerance
        Largest deviation of a slice distance from the usual one, as a share of it.
    gantry_tilt, irregular_slices
        Whether a sheared stack, or one at irregular distances, is refused or resampled; see ``CohortOptions``.
    """

    tolerance: float = 0.01
    gantry_tilt: Policy = "refuse"
    irregular_slices: Policy = "refuse"

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> StackRules:
        """Inverse of ``dataclasses.asdict``; a KeyError or ValueError if the fields are not those of this class."""
        return cls(float(fields["tolerance"]), fields["gantry_tilt"], fields["irregular_slices"])
