"""What a finished run found, read from its folder, and its words.

Loads nothing heavy: a run that has nothing to do says the same at once.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perisurv.core.wording import counted, ladder_text

__all__ = ["findings_text", "read_findings", "summary_text", "validation_text"]

_GROUPS_SHOWN, _WARNINGS_SHOWN = 12, 6


def read_findings(folder: Path) -> dict[str, Any]:
    """As ``run --json`` prints it: the evaluation where there is one, the validation, the summary, and places.

    Raises
    ------
    OSError, ValueError
        If one of the files is not there, or is no JSON.
    """
    summary = _json(folder / "summary.json")
    values: dict[str, Any] = dict(_json(folder / "evaluation.json")) if "evaluation" in summary["parts"] else {}
    if "validation" in summary["parts"]:
        values["validation"] = _json(folder / "validation.json")
    report = str(folder / summary["places"]["report"]) if "report" in summary["places"] else None
    return values | {"summary": summary, "told": summary["told"], "folder": str(folder), "report": report}


def findings_text(values: Mapping[str, Any]) -> str:
    """The words for what :func:`read_findings` gives: the ladder, and the summary below it."""
    parts = []
    if "ladder" in values:
        rows = ((r["branch"], r["c_index"], r["lower"], r["upper"], r["n"], r["events"]) for r in values["ladder"])
        parts.append(ladder_text(rows))
    parts += [validation_text(values["validation"])] if "validation" in values else []
    return "\n".join([*parts, summary_text(values["summary"], Path(values["folder"]))])


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def summary_text(summary: Mapping[str, Any], folder: Path) -> str:
    """What ``run`` ends with.

    Parameters
    ----------
    summary
        What ``summary.json`` holds, see :func:`perisurv.study.summary.summarise`.
    folder
        The run folder; the places of report, pages and log are told with it.
    """
    lines = [*_patients(summary), *_files(summary)]
    lines += _warnings(summary["warnings"])
    lines += [_result(row) for row in summary["results"]]
    lines += [summary["told"]] if summary["told"] else []
    width = max(len(name) for name in summary["places"]) + 1
    return "\n".join([*lines, *(f"{name + ':':<{width}} {folder / own}" for name, own in summary["places"].items())])


def validation_text(values: Mapping[str, Any]) -> str:
    """The table that the verb prints."""
    splits, patients = counted(len(values["splits"]), "split"), counted(values["patients"], "patient")
    lines = [f"{values['design']}: {splits} of {patients}, all fitted again"]
    lines.append(
        f"{'branch':<18} {'C-index':>8}  {'interval':<15} {'permuted':>8} {'minus ' + values['reference']:>24}"
    )
    for row in values["branches"]:
        null = f"{statistics.mean(row['permuted']):8.3f}" if row["permuted"] else f"{'':>8}"
        gain = row["minus_reference"]
        apart = f"{gain[0]:+.3f} ({gain[1]:+.3f} to {gain[2]:+.3f})" if gain else ""
        interval = f"{row['lower']:.3f}-{row['upper']:.3f}"
        lines.append(f"{row['branch']:<18} {row['c_index']:8.3f}  {interval:<15} {null} {apart:>24}")
    if values["ring_votes"]:
        lines.append("ring chosen: " + ", ".join(f"{ring} {n}" for ring, n in values["ring_votes"].items()))
    return "\n".join(lines)


def _patients(summary: Mapping[str, Any]) -> list[str]:
    centres = ", ".join(f"{name} {n}" for name, n in summary["centres"].items())
    used = f"{summary['used']} used" + (f" ({centres})" if len(summary["centres"]) > 1 else "")
    told = f"{counted(summary['found'], 'patient')} found, {used}, {summary['excluded']} excluded"
    rows = [(group["patients"], f"{group['kind']} ({group['stage']})") for group in summary["exclusions"]]
    return [told + (":" if rows else "."), *_counts(rows)]


def _files(summary: Mapping[str, Any]) -> list[str]:
    rows = [(group["files"], group["kind"]) for group in summary["set_aside"]]
    files = counted(sum(n for n, _ in rows), "file")
    return [f"{files} set aside, by which no patient is lost:", *_counts(rows)] if rows else []


def _warnings(warnings: Sequence[str]) -> list[str]:
    rest = len(warnings) - _WARNINGS_SHOWN
    lines = ["Warnings:"] if warnings else []
    lines += [f"  - {text}" for text in warnings[:_WARNINGS_SHOWN]]
    return [*lines, f"  - and {rest} more: see the report"] if rest > 0 else lines


def _counts(rows: Sequence[tuple[int, str]]) -> list[str]:
    width = max((len(str(n)) for n, _ in rows), default=0)
    lines = [f"  {n:>{width}}  {text}" for n, text in rows[:_GROUPS_SHOWN]]
    rest = rows[_GROUPS_SHOWN:]
    return [*lines, f"  {sum(n for n, _ in rest)}  of {len(rest)} other kinds"] if rest else lines


def _result(row: Mapping[str, Any]) -> str:
    interval = f"{100 * row['confidence']:g} % interval {row['lower']:.3f} to {row['upper']:.3f}"
    who = f"{row['patients']} patients, {row['events']} {row['events_word']}"
    told = f"the model {row['branch']} has a C-index of {row['c_index']:.3f} ({interval})."
    return " ".join([f"Result, {row['scored']} ({who}):", told, *row["cautions"]])
