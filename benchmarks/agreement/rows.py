"""A row of the table: what it compares, with what, and the largest difference that was found.

A module of this package holds functions marked with :func:`agrees`; each yields pairs (ours, reference) of arrays.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from perisurv.core import InputError, Outcome

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
FLOOR = 1e-15
SLACK = 3.0  # a printed bound is at least this far above what was measured: another processor rounds differently

Pairs = Iterable[tuple[ArrayLike, ArrayLike]]


class Sources:
    """Where the references lie; tables are read once."""

    def __init__(self, folder: Path | None = None) -> None:
        self._read: dict[str, Any] = {}
        self.folder = folder or Path(os.environ.get("PERISURV_TEST_DATA", ROOT.parent / "shared" / "data"))

    @property
    def has_shared(self) -> bool:
        """Whether the data that are not in the repository are there."""
        return (self.folder / "reference_statistics").is_dir()

    def shared(self, name: str) -> Path:
        """A file of the test data.

        Raises
        ------
        InputError
            If the data are absent.
        """
        if not self.has_shared:
            raise InputError(
                f"The reference data are not in {self.folder}; set PERISURV_TEST_DATA to their folder (README)."
            )
        return self.folder / name

    def csv(self, name: str, **options: Any) -> pd.DataFrame:
        """A table of ``reference_statistics``."""
        key = f"{name} {options}"
        if key not in self._read:
            path = self.shared(f"reference_statistics/{name}")
            self._read[key] = pd.read_csv(path, skipinitialspace=True, **options)
        return self._read[key]

    def golden(self, name: str) -> Any:
        """A file of ``tests/golden``."""
        if name not in self._read:
            self._read[name] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
        return self._read[name]

    @cached_property
    def simulated(self) -> tuple[np.ndarray, Outcome]:
        """160 patients x 24 columns of ``statistics_r.json``, with many ties."""
        held = self.golden("statistics_r")
        return np.array(held["x"], dtype=float), follow_up(held["time"], held["event"])

    @cached_property
    def lung1(self) -> tuple[pd.DataFrame, Outcome]:
        """LUNG1: 421 patients x 518 standardised features."""
        frame = self.csv("lung1_std_X.csv", index_col=0)
        return frame.iloc[:, 2:], follow_up(frame["time"], frame["event"] == 1)

    @cached_property
    def lung1_clinical(self) -> tuple[pd.DataFrame, Outcome]:
        """LUNG1: 421 patients x 9 clinical columns, and the risk and group of R's Cox model as two more."""
        frame = self.csv("lung1_clin_lp.csv", index_col=0)
        return frame.iloc[:, 2:], follow_up(frame["time"], frame["event"] == 1)

    @cached_property
    def months(self) -> tuple[pd.DataFrame, Outcome]:
        """300 patients with times in whole months and risks ``s`` and ``s2`` of one decimal."""
        frame = self.csv("comparisons/m_te_300.csv")
        frame["s2"] = np.loadtxt(self.shared("reference_statistics/comparisons/s2.txt"))
        return frame, follow_up(frame["t"], frame["e"] == 1)

    @cached_property
    def months_r(self) -> dict[str, Any]:
        """What R says of ``months``."""
        path = self.shared("reference_statistics/comparisons/r_reference.json")
        return dict(json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Difference:
    """Largest difference of all pairs of a row; relative to each entry, or to the largest of its array."""

    absolute: float
    relative: float


@dataclass(frozen=True)
class Agreement:
    """One row of the table.

    Parameters
    ----------
    statistic, function
        What is compared, and which public function gives it.
    reference, data
        Package and call; data sets.
    tested
        Test file that compares the same, from the root of the repository.
    within
        Largest difference that is asked for, of the kind ``judged``.
    judged
        Whether ``within`` bounds the absolute or the relative difference.
    relative_to
        Relative to each entry of the reference, or to the largest of its array.
    pairs
        Gives (ours, reference).
    note
        Where a difference comes from, if it is not rounding.
    needs_shared
        Whether it needs data that are not in the repository.
    """

    statistic: str
    function: str
    reference: str
    data: str
    tested: str
    within: float
    judged: Literal["absolute", "relative"]
    relative_to: Literal["each", "largest"]
    pairs: Callable[[Sources], Pairs]
    note: str
    needs_shared: bool

    @property
    def section(self) -> str:
        """Heading of the rows of its module."""
        return (sys.modules[self.pairs.__module__].__doc__ or "").splitlines()[0].removesuffix(".")

    def measure(self, sources: Sources) -> Difference:
        """Compare."""
        found = [
            _difference(np.asarray(a, float), np.asarray(b, float), self.relative_to) for a, b in self.pairs(sources)
        ]
        if not found:
            raise InputError(f"{self.statistic}: nothing was compared.")
        return Difference(max(d.absolute for d in found), max(d.relative for d in found))


@dataclass(frozen=True)
class Optimality:
    """Largest violation of the optimality conditions, in units of the largest lambda: ours and the reference's."""

    data: str
    ours: float
    reference: float


ROWS: list[Agreement] = []


def agrees(  # noqa: PLR0913 (the columns of the table)
    statistic: str,
    function: str,
    *,
    reference: str,
    data: str,
    tested: str,
    within: float,
    judged: Literal["absolute", "relative"] = "relative",
    relative_to: Literal["each", "largest"] = "each",
    note: str = "",
    needs_shared: bool = True,
) -> Callable[[Callable[[Sources], Pairs]], Callable[[Sources], Pairs]]:
    """Make a function that yields (ours, reference) a row of the table."""

    def listed(pairs: Callable[[Sources], Pairs]) -> Callable[[Sources], Pairs]:
        ROWS.append(
            Agreement(
                statistic, function, reference, data, tested, within, judged, relative_to, pairs, note, needs_shared
            )
        )
        return pairs

    return listed


def bound(value: float) -> float:
    """The power of ten printed for a measured difference: at least ``SLACK`` times as large."""
    return float(10.0 ** math.ceil(math.log10(max(SLACK * value, FLOOR))))


def follow_up(time: ArrayLike, event: ArrayLike) -> Outcome:
    """Follow-up of patients named by the index of a table, or by their position."""
    days = np.asarray(time, dtype=float)
    named = isinstance(time, pd.Series) and not isinstance(time.index, pd.RangeIndex)
    ids = tuple(str(p) for p in time.index) if named else tuple(f"p{n:05d}" for n in range(len(days)))
    return Outcome(ids, days, np.asarray(event, dtype=bool))


def _difference(ours: np.ndarray, reference: np.ndarray, relative_to: str) -> Difference:
    if ours.shape != reference.shape:
        raise InputError(f"Ours has shape {ours.shape}, the reference {reference.shape}.")
    if not np.array_equal(np.isnan(ours), np.isnan(reference)):
        raise InputError("Ours and the reference are not undefined in the same places.")
    known = ~np.isnan(reference)
    gap, size = np.abs(ours - reference)[known], np.abs(reference[known])
    if relative_to == "largest":
        size = np.full_like(size, size.max(initial=0.0))
    relative = gap[size > 0] / size[size > 0]
    return Difference(float(gap.max(initial=0.0)), float(relative.max(initial=0.0)))
