"""The CT of a source: the files of a series, read and decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from perisurv.cohort.checks import SERIES_CHECKS, first_reason
from perisurv.cohort.ct import CtSeries, ct_headers, read_hu
from perisurv.cohort.dicom import CtHeader, probe
from perisurv.cohort.sources.paths import moved
from perisurv.cohort.stack_rules import StackRules
from perisurv.core import ReadError, Volume

__all__ = ["CtFiles", "acquisition_of", "read_ct"]


@dataclass(frozen=True, slots=True)
class CtFiles:
    """Where the slices of one CT lie.

    Parameters
    ----------
    slices
        Files of the series relative to the cohort folder, ordered along the normal of the slices.
    rules
        What the stack of slices may be.
    frames
        For every slice the number of the frame in its file, 0 if the file is one slice; empty: 0 for all.
    """

    slices: tuple[str, ...]
    rules: StackRules = field(default_factory=StackRules)
    frames: tuple[int, ...] = ()

    @classmethod
    def of(cls, series: CtSeries) -> CtFiles:
        """The files of a series."""
        return cls(tuple(s.name for s in series.slices), series.rules, tuple(s.frame for s in series.slices))

    @property
    def images(self) -> tuple[tuple[str, int], ...]:
        """File and frame of every slice."""
        return tuple(zip(self.slices, self.frames or (0,) * len(self.slices), strict=True))

    def series(self, root: Path, patient: str) -> CtSeries:
        """The headers, judged again.

        Raises
        ------
        ReadError
            If a file or frame is gone or the series no longer passes the checks of the index.
        """
        headers: list[CtHeader] = []
        wanted = set(self.images)
        for name in dict.fromkeys(self.slices):
            try:
                file = probe(root / name, name)
                slices = ct_headers(file) if file is not None else ()
            except ReadError as error:
                raise ReadError(f"Patient {patient}: {error}") from error
            headers += [s for s in slices if (s.name, s.frame) in wanted]
        if len(headers) < len(wanted):
            raise ReadError(f"Patient {patient}: the CT has lost slices since it was indexed; run index again.")
        series = CtSeries.of(headers, self.rules)
        reason = first_reason(SERIES_CHECKS, series)
        if reason:
            raise ReadError(f"Patient {patient}: the CT is no longer what was indexed: {reason}")
        return series

    def describe(self) -> dict[str, str]:
        """Everything as text."""
        names, frames = json.dumps(self.slices), json.dumps(self.frames)
        return {"slices": names, "rules": json.dumps(asdict(self.rules)), "frames": frames}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> CtFiles:
        """Inverse of ``describe``; a KeyError or ValueError if the fields are not those of a CT."""
        return cls(
            tuple(str(name) for name in json.loads(fields["slices"])),
            StackRules.from_fields(json.loads(fields["rules"])),
            tuple(int(n) for n in json.loads(fields["frames"])),
        )

    def below(self, old: Path, new: Path) -> CtFiles:
        """The same files with names relative to another root."""
        return replace(self, slices=tuple(moved(name, old, new) for name in self.slices))


def read_ct(series: CtSeries, patient: str) -> Volume:
    """Decode every slice to HU.

    Raises
    ------
    ReadError
        If a slice cannot be decoded.
    """
    try:
        return read_hu(series)
    except ReadError as error:
        raise ReadError(f"Patient {patient}: {error}") from error


def acquisition_of(series: CtSeries) -> dict[str, float | str]:
    """What is known of the scan, as in ``Scan.acquisition``."""
    geometry, header = series.geometry(), series.slices[0]
    return {
        "slice_spacing_mm": geometry.spacing_mm[0],
        "pixel_spacing_mm": geometry.spacing_mm[1],
        "kernel": header.kernel,
        "scanner": header.scanner,
    }
