"""The QC page of a cohort: every patient in a table, what was excluded and why, how the figures are distributed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from perisurv.core import Exclusion, Finding, Geometry
from perisurv.core.wording import counted
from perisurv.report.facts import group_exclusions
from perisurv.report.qc_charts import cohort_histogram
from perisurv.report.qc_sheet import qc_environment
from perisurv.report.qc_words import figure, names_of_patients, region_label

__all__ = ["PatientRow", "render_cohort"]

DASH = "\u2013"
# Rows that are laid out when the page opens; the script of the page holds the same number.
FEW = 100
# Exclusions of one kind that are listed without a click.
OPEN = 12
# A clipped share below is printed as 0.0 %.
LEAST_SHARE = 0.0005


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One patient of the page.

    Parameters
    ----------
    patient, centre
        Study pseudonym and centre; the centre is empty where nothing is known.
    link
        Address of the sheet, relative to the page; empty: none.
    native
        Grid of the CT as it came.
    audits
        Figures of each region by name, ``volume_ml`` among them; empty where no regions were built.
    findings
        Of every check.
    reasons
        Why the patient, or a series of the patient, was excluded.
    excluded
        Whether the patient left the study.
    """

    patient: str
    centre: str = ""
    link: str = ""
    native: Geometry | None = None
    audits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()
    excluded: bool = False

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Findings of checks that the patient did not pass."""
        return tuple(finding for finding in self.findings if finding.passed is False)

    @property
    def clipped(self) -> tuple[float, str] | None:
        """Share and name of the ring that lost most to barrier and border."""
        shares = [(audit["clipped_share"], name) for name, audit in self.audits.items() if "clipped_share" in audit]
        return max(shares, default=None)


def render_cohort(
    rows: Sequence[PatientRow],
    exclusions: Sequence[Exclusion],
    *,
    set_aside: Sequence[Exclusion] = (),
    undrawn: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    version: str = "",
    identified: bool = False,
) -> str:
    """The document of a cohort.

    Parameters
    ----------
    rows
        Every patient, excluded ones too, in their order.
    exclusions
        Who left the study, and why.
    set_aside
        Files that are not used although nobody is lost by it.
    undrawn
        Patients without a sheet, and why.
    notes
        How files were read: guesses about clinical tables, masks that were resampled.
    version
        Of the software.
    identified
        Whether patients are named as in the files.

    Returns
    -------
    str
        HTML that opens offline. Its one script sorts and filters the table and is the only one that the page lets run.
        Text from files is escaped; the same input gives the same text.
    """
    rings = list(dict.fromkeys(name for row in rows for name in row.audits if name != "tumour"))
    script = files("perisurv.report").joinpath("templates/qc_index.js").read_text(encoding="utf-8")
    page = {
        "version": version,
        "key": _key(rows, set_aside),
        "rings": [region_label(name) for name in rings],
        "rows": [_cells(row, rings) for row in rows if not row.excluded],
        "few": FEW,
        "exclusions": _excluded(rows, exclusions),
        "set_aside": group_exclusions(set_aside),
        "open": OPEN,
        "names_of_patients": names_of_patients(identified=identified),
        "undrawn": undrawn,
        "notes": notes,
        "checks": _checks(rows),
        "charts": _charts(rows),
        "script": Markup(script),  # noqa: S704 (our own file)
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    }
    return qc_environment().get_template("qc_index.html").render(page)


def _key(rows: Sequence[PatientRow], set_aside: Sequence[Exclusion]) -> list[tuple[str, str, str]]:
    gone = sum(row.excluded for row in rows)
    volumes = sorted(row.audits["tumour"]["volume_ml"] for row in rows if "tumour" in row.audits)
    failed = sum(bool(row.failed) for row in rows)
    key = [
        ("Included", str(len(rows) - gone), f"of {counted(len(rows), 'patient')}"),
        ("Excluded", str(gone), f"and {counted(len(set_aside), 'file')} set aside" if set_aside else ""),
        ("With a failed check", str(failed), f"of {sum(bool(row.findings) for row in rows)} with findings"),
    ]
    if volumes:
        middle = volumes[len(volumes) // 2]
        key.append(("Tumour, median", f"{middle:.1f} ml", f"{volumes[0]:.1f} to {volumes[-1]:.1f} ml"))
    return key


def _cells(row: PatientRow, rings: Sequence[str]) -> dict[str, Any]:
    grid = row.native
    volumes = [row.audits.get(name, {}).get("volume_ml") for name in ("tumour", *rings)]
    clipped = row.clipped
    return {
        "patient": row.patient,
        "centre": row.centre,
        "link": row.link,
        "clean": not row.failed,
        "numbers": [
            str(len(row.failed)) if row.findings else DASH,
            str(grid.shape[0]) if grid else DASH,
            f"{grid.spacing_mm[0]:.3g}" if grid else DASH,
            f"{grid.spacing_mm[2]:.3g}" if grid else DASH,
            *(f"{volume:.2f}" if volume is not None else DASH for volume in volumes),
            f"{100 * clipped[0]:.1f}" if clipped else DASH,
        ],
        "worst": _worst(row),
    }


def _worst(row: PatientRow) -> str:
    """The first check that failed; else the ring that lost most."""
    if row.failed:
        return row.failed[0].reason
    if row.clipped and row.clipped[0] >= LEAST_SHARE:
        share, name = row.clipped
        return f"{region_label(name)}: {figure('clipped_share', share)} clipped"
    return ""


def _excluded(rows: Sequence[PatientRow], exclusions: Sequence[Exclusion]) -> list[dict[str, Any]]:
    """Exclusions of each kind: patient, address of the sheet and reason of each."""
    links = {row.patient: row.link for row in rows}
    groups: dict[tuple[str, str], list[Exclusion]] = {}
    for one in exclusions:
        groups.setdefault((one.stage, one.kind), []).append(one)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        {"stage": stage, "kind": kind, "rows": [(e.patient, links.get(e.patient, ""), e.reason) for e in own]}
        for (stage, kind), own in ordered
    ]


def _checks(rows: Sequence[PatientRow]) -> list[dict[str, str | int]]:
    """How many patients passed and failed each check, in the order of the checks."""
    counts: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        for finding in row.findings:
            count = counts.setdefault((finding.id, finding.title, finding.requires), [0, 0, 0])
            count[2 if finding.passed is None else 1 - int(finding.passed)] += 1
    return [
        {"id": own, "title": title, "requires": requires, "passed": passed, "failed": failed, "skipped": skipped}
        for (own, title, requires), (passed, failed, skipped) in counts.items()
    ]


def _charts(rows: Sequence[PatientRow]) -> list[tuple[str, Markup]]:
    grids = [row.native for row in rows if row.native is not None]
    volumes = [row.audits["tumour"]["volume_ml"] for row in rows if "tumour" in row.audits]
    charts = [
        ("Slice spacing, mm", cohort_histogram([g.spacing_mm[0] for g in grids], "Slice spacing, mm")),
        ("Pixel spacing, mm", cohort_histogram([g.spacing_mm[2] for g in grids], "Pixel spacing, mm")),
        ("Volume of the tumour, ml", cohort_histogram(volumes, "Volume of the tumour, ml", logarithmic=True)),
    ]
    return [(label, Markup(chart)) for label, chart in charts if chart]  # noqa: S704 (drawn here, escaped there)
