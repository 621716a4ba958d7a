"""How the QC pages write figures, checks and grids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from perisurv.core import Finding, Geometry
from perisurv.report.orientation import side
from perisurv.report.words import ring_label

__all__ = ["audit_table", "figure", "grid_facts", "names_of_patients", "outcome", "region_label", "scan_facts"]

DASH = "\u2013"
# Ending of a column: unit, factor and how many decimals.
UNITS = {
    "_share": ("%", 100.0, 1),
    "_mm": ("mm", 1.0, 2),
    "_ml": ("ml", 1.0, 2),
    "_hu": ("HU", 1.0, 0),
}
# What a reader asks first; columns that begin otherwise follow in their order.
ORDER = ("volume", "unclipped", "ball", "thickness", "clipped")
NAMES = {
    "ball_shell_ml": "same ring around a ball of the tumour's volume",
    "unclipped_volume_ml": "volume before barrier",
}
SCAN = {"slice_spacing_mm": "", "pixel_spacing_mm": "", "kernel": "Kernel", "scanner": "Scanner"}


def names_of_patients(*, identified: bool) -> str:
    """What the names on a page are: pseudonyms, or the IDs of the files where the study keeps them."""
    if identified:
        return "Patients are named as in the files (keep_ids = true): this page may identify them."
    return "Pseudonyms of the study only."


def region_label(name: str) -> str:
    """``tumour`` -> ``Tumour``, ``ring_6mm`` -> ``6 mm ring``."""
    return "Tumour" if name == "tumour" else ring_label(name)


def outcome(finding: Finding) -> str:
    """``passed``, ``failed`` or ``not applicable``."""
    return {True: "passed", False: "failed", None: "not applicable"}[finding.passed]


def figure(name: str, value: float) -> str:
    """A number in the unit that ends its name: ``clipped_share`` 0.253 is ``25.3 %``."""
    if not np.isfinite(value):
        return DASH
    for ending, (unit, factor, decimals) in UNITS.items():
        if name.endswith(ending):
            return f"{factor * value:.{decimals}f} {unit}"
    return f"{value:.4g}"


def audit_table(audits: Sequence[Mapping[str, float]]) -> list[tuple[str, list[str]]]:
    """A row for every figure that some region has: its name in words, and its value in each region.

    A figure that a region lacks is a dash.
    """
    keys = list(dict.fromkeys(key for audit in audits for key in audit))
    keys.sort(key=lambda key: next((n for n, start in enumerate(ORDER) if key.startswith(start)), len(ORDER)))
    return [
        (_words(key), [figure(key, float(audit[key])) if key in audit else DASH for audit in audits]) for key in keys
    ]


def grid_facts(grid: Geometry) -> list[tuple[str, str]]:
    """Size, spacing, extent, origin and orientation of a grid, along columns, rows and slices."""
    order = (2, 1, 0)
    extent = [grid.shape[axis] * grid.spacing_mm[axis] for axis in order]
    directions = np.asarray(grid.direction).T
    runs = [f"{side((-directions[axis]).tolist())}\u2192{side(directions[axis].tolist())}" for axis in order]
    cosines = "; ".join(_numbers(directions[axis], 4) for axis in order)
    return [
        ("Columns, rows, slices", _times(str(grid.shape[axis]) for axis in order)),
        ("Spacing", f"{_times(f'{grid.spacing_mm[axis]:.4g}' for axis in order)} mm"),
        ("Extent", f"{_times(f'{value:.1f}' for value in extent)} mm"),
        ("Centre of the first voxel (x, y, z)", f"{_numbers(grid.origin_mm, 2)} mm"),
        ("Columns, rows, slices run", ", ".join(runs)),
        ("Their directions in LPS", cosines),
    ]


def scan_facts(acquisition: Mapping[str, float | str]) -> list[tuple[str, str]]:
    """What is known of the acquisition, spacings left out."""
    found = []
    for key, value in acquisition.items():
        name = SCAN.get(key, key.replace("_", " ").capitalize())
        if name and value != "":
            found.append((name, figure(key, value) if isinstance(value, float) else str(value)))
    return found


def _words(key: str) -> str:
    if key in NAMES:
        return NAMES[key]
    for ending in UNITS:
        key = key.removesuffix(ending)
    return key.replace("_", " ")


def _times(values: Iterable[str]) -> str:
    return " \u00d7 ".join(values)


def _numbers(values: Iterable[float], decimals: int) -> str:
    # + 0.0: no minus before a zero.
    return ", ".join(f"{round(float(value), decimals) + 0.0:g}" for value in values)
