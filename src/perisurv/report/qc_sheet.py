"""The QC sheet of one patient: one HTML file that opens offline and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from perisurv.core import Finding, Geometry, RegionSet
from perisurv.core.reasons import reason_kind
from perisurv.report.qc_charts import HU_BIN, Tissues, hu_histogram
from perisurv.report.qc_views import LUNG, SOFT_TISSUE, Views, montage, planes
from perisurv.report.qc_words import (
    audit_table,
    figure,
    grid_facts,
    names_of_patients,
    outcome,
    region_label,
    scan_facts,
)

__all__ = ["Sheet", "qc_environment", "render_sheet"]

HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """What the QC sheet of one patient shows.

    Parameters
    ----------
    patient
        Study pseudonym.
    regions
        Tumour and rings; of a patient who left the study the tumour alone on the grid of the CT, or no region where no
        contour can be drawn; None: nothing to draw.
    native
        Grid of the CT as it came, where known.
    findings
        Of every check, in their order.
    reasons
        Why the patient, or a series of the patient, was excluded.
    excluded
        Whether the patient left the study.
    tissues
        Tissue and upper limit in HU, ascending, as the audit counts them.
    version
        Of the software.
    identified
        Whether the patient is named as in the files.
    remarks
        What of a patient who left the study is not drawn, and why.
    """

    patient: str
    regions: RegionSet | None = None
    native: Geometry | None = None
    findings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()
    excluded: bool = False
    tissues: Tissues = ()
    version: str = ""
    identified: bool = False
    remarks: tuple[str, ...] = ()


def render_sheet(sheet: Sheet) -> str:
    """The document of one patient: planes, slices, HU, audit, checks, geometry.

    All styles and pictures are inside; text from files is escaped; the same input gives the same text.
    """
    said = [(finding, outcome(finding)) for finding in sheet.findings]
    page: dict[str, Any] = {
        "sheet": sheet,
        "excluded_for": reason_kind(sheet.reasons[0]) if sheet.excluded and sheet.reasons else "",
        "version": sheet.version,
        "names_of_patients": names_of_patients(identified=sheet.identified),
        "findings": said,
        "views": None,
        "key": _key(sheet),
        "notes": _notes(sheet),
    }
    grids = [("CT as it came", sheet.native)] if sheet.native else []
    if sheet.regions is not None:
        page |= _pictures(sheet.regions) | _figures(sheet.regions, sheet.tissues)
        name = "Part that is drawn" if sheet.excluded else "Analysis grid around tumour and rings"
        grids += [(name, sheet.regions.image.geometry)] if len(sheet.regions) else []
    page["grid_names"] = [name for name, _ in grids]
    page["geometry"] = _side_by_side([grid_facts(grid) for _, grid in grids])
    page["scan"] = scan_facts(sheet.regions.acquisition) if sheet.regions else []
    return qc_environment().get_template("qc_sheet.html").render(page)


def qc_environment() -> Environment:
    """Templates of the QC pages: everything is escaped, nothing may be missing."""
    return Environment(
        loader=PackageLoader("perisurv.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _key(sheet: Sheet) -> list[tuple[str, str, str]]:
    """What a reader sees first."""
    counts = {word: sum(outcome(f) == word for f in sheet.findings) for word in ("passed", "failed", "not applicable")}
    note = f"{counts['passed']} passed, {counts['not applicable']} not applicable"
    key = [("Checks failed", str(counts["failed"]), note)] if sheet.findings else []
    if sheet.native:
        k, j, i = sheet.native.spacing_mm
        size = f"{i:.3g} \u00d7 {j:.3g} \u00d7 {k:.3g}"
        key.append(("Voxel of the CT", f"{size} mm", f"{sheet.native.shape[0]} slices"))
    if sheet.regions:
        where = "on the grid of the CT" if sheet.excluded else "on the analysis grid"
        key.append(("Tumour", figure("volume_ml", sheet.regions["tumour"].mask.volume_ml), where))
        shares = [(r.audit["clipped_share"], r.name) for r in sheet.regions if "clipped_share" in r.audit]
        if shares:
            share, name = max(shares)
            key.append(("Most clipped ring", figure("clipped_share", share), region_label(name)))
    return key


def _side_by_side(columns: Sequence[Sequence[tuple[str, str]]]) -> list[tuple[str, list[str]]]:
    """The same facts of several things: name, and the fact of each."""
    return [(facts[0][0], [value for _, value in facts]) for facts in zip(*columns, strict=True)]


def _notes(sheet: Sheet) -> list[str]:
    """What was left out of a patient who stays, and rings that lost more than half."""
    notes = [] if sheet.excluded else [f"Left out of this patient: {reason}" for reason in sheet.reasons]
    for region in sheet.regions or ():
        share = region.audit.get("clipped_share", 0.0)
        if share > HALF:
            notes.append(
                f"{region_label(region.name)}: {figure('clipped_share', share)} were clipped; its features "
                "describe what is left."
            )
    return notes


def _pictures(regions: RegionSet) -> dict[str, Any]:
    views = Views.of(regions)
    return {
        "views": views,
        "names": views.names(),
        "causes": views.causes(),
        "lung": str(LUNG),
        "soft": str(SOFT_TISSUE),
        "planes_lung": _svg(planes(views, LUNG)),
        "planes_soft": _svg(planes(views, SOFT_TISSUE, define=False)),
        "montage_lung": _svg(montage(views, LUNG)),
        "montage_soft": _svg(montage(views, SOFT_TISSUE, define=False)),
    }


def _figures(regions: RegionSet, tissues: Tissues) -> dict[str, Any]:
    rings = [region for region in regions if region.name != "tumour"]
    colors = [color for _, color in Views.of(regions).names()]
    inside = [regions.image.values[region.mask.values] for region in regions]
    drawn = [(region_label(r.name), color, hu) for r, color, hu in zip(regions, colors, inside, strict=True)]
    return {
        "histogram": _svg(hu_histogram(drawn, tissues)) if drawn else None,
        "hu_bin": HU_BIN,
        "hu_rows": [(name, _summary(hu)) for name, _, hu in drawn],
        "ring_names": [region_label(ring.name) for ring in rings],
        "audit": audit_table([{"volume_ml": ring.mask.volume_ml, **ring.audit} for ring in rings]),
    }


def _summary(hu: np.ndarray[Any, np.dtype[np.float32]]) -> list[str]:
    values = np.asarray(hu, dtype=float)
    low, middle, high = np.percentile(values, (5, 50, 95))
    numbers: Sequence[float] = (float(values.mean()), float(values.std()), float(low), float(middle), float(high))
    return [str(values.size), *(f"{number:.0f}".replace("-", "\u2212") for number in numbers)]


def _svg(element: str) -> Markup:
    return Markup(element)  # noqa: S704 (drawn here; its text was escaped by the writer)
