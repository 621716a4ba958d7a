"""The study file that `perisurv init` writes: what was found, what is to decide, and the usual keys."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from perisurv.cohort.clinical_options import ColumnOptions
from perisurv.core import Cohort, InputError
from perisurv.core.wording import counted
from perisurv.report.facts import group_exclusions
from perisurv.report.remarks import clinical_columns
from perisurv.study.first_look import FirstLook, Line
from perisurv.study.settings import settings_from_dict, toml_value
from perisurv.study.settings_text import meanings, plain_text, sections
from perisurv.study.study_file import parse_study_text

__all__ = ["already_there", "draft", "findings", "write_draft"]

_WIDTH = 110
# What most studies change; every other key stands in docs/reference/settings.md.
_KEYS = {
    "": ("keep_ids", "seed", "workers"),
    "input": ("clinical", "follow_up"),
    "endpoint": ("name", "time", "event"),
    "cohort": ("tumour_roi", "several_rois", "several_structure_sets", "references", "irregular_slices"),
    "cohort.columns": (),
    "cohort.clinical": ("time_unit", "date_format"),
    "regions": ("widths_mm", "kind", "barrier", "exclude", "border"),
    "radiomics": ("bin_width_hu", "resegment_hu"),
    "stability": ("patients", "repeats"),
    "deep": ("enabled", "folds"),
    "evaluation": ("horizons_days",),
    "validation": ("design", "folds", "repeats", "permutations"),
}
_HEAD = """\
Study file of perisurv, begun by `perisurv init`. A line that begins with # is a comment or a default: take the # away \
and change it. A key that is not written has its default; all keys stand in docs/reference/settings.md."""
_DECIDE = "DECIDE: "


def write_draft(look: FirstLook, study: Path) -> str:
    """Write the study file, and return its text.

    Raises
    ------
    InputError
        If there is a file of that name; it is left as it is.
    """
    text = draft(look, study)
    study.parent.mkdir(parents=True, exist_ok=True)
    try:
        with study.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise already_there(study) from None
    return text


def already_there(study: Path) -> InputError:
    """The refusal to write over a file."""
    return InputError(
        f"{study} is there already and is left as it is; give another name, such as --study "
        f"{study.with_stem(study.stem + '-2')}, or move it away."
    )


def draft(look: FirstLook, study: Path) -> str:
    """The text of a study file that reads back to what was found.

    Parameters
    ----------
    look
        What was found.
    study
        Where the file will lie; paths in it count from there.

    Raises
    ------
    SettingsError
        Never but by a fault of this module: the text is read again before it is given.
    """
    blocks = [*_comment(_HEAD), "#", *(line for told in findings(look) for line in _comment(told))]
    for name, kind, defaults in sections():
        if name in _KEYS:
            blocks += ["", *([f"[{name}]"] if name else []), *_section(look, study, name, kind, defaults)]
    text = "\n".join(blocks) + "\n"
    settings_from_dict(parse_study_text(text, study.name), study.name, text)
    return text


def findings(look: FirstLook) -> list[str]:
    """What was found, in sentences without names of patients."""
    cohort = look.cohort
    told = [f"Found: {_found(cohort)}."]
    told += [
        f"Left out: {counted(len(group.patients), 'patient')}, {group.kind}."
        for group in group_exclusions([e for e in cohort.exclusions if e.patient])
    ]
    if look.questions:
        told.append(
            f"To decide before the study: {counted(len(look.questions), 'question')}, marked {_DECIDE.strip(': ')}."
        )
    begin = "Plan: " if look.ready else "The study cannot begin yet: "
    return [*told, f"{begin}{look.plan}"]


def _found(cohort: Cohort) -> str:
    sizes = {name: len(ids) for name, ids in cohort.centres.items() if ids}
    shown = ", ".join(f"{name} ({n})" for name, n in sizes.items())
    parts = [f"{counted(len(cohort.patients), 'patient')} with CT and tumour"]
    parts += [f"{counted(len(sizes), 'centre')}: {shown}"] if len(sizes) > 1 else []
    if cohort.patients:
        parts.append(counted(cohort.outcome.n_events, "event") if cohort.outcome else "no follow-up")
    return ", ".join(parts)


def _section(look: FirstLook, study: Path, name: str, kind: type, defaults: dict[str, str]) -> Iterator[str]:
    """Lines of one table: what is set, what is asked, what is offered, then defaults."""
    spoken_of: set[str] = set()
    for line in _fixed(look, study, name):
        yield from _comment(line.why)
        yield line.text
        spoken_of.add(_key(line))
    for question in look.questions:
        if question.table == name:
            yield from _comment(f"{_DECIDE}{question.text}")
            yield from (f"# {_from(study, line)}" for line in question.lines)
            spoken_of.update(map(_key, question.lines))
    for line in look.offers:
        if line.table == name:
            yield from _comment(line.why)
            yield f"# {line.text}"
            spoken_of.add(_key(line))
    if name == "cohort.columns":
        yield from _columns(look.cohort, spoken_of)
    if name == "radiomics":
        yield from _comment(
            'A ready set instead: preset = "fast", with fewer families on fewer images, or preset = "pyradiomics".'
        )
    told = meanings(kind)
    for key in _KEYS[name]:
        if key not in spoken_of:
            yield from _comment(_short(plain_text(told.get(key, ""))))
            yield f"# {key} = {defaults[key]}"


def _from(study: Path, line: Line) -> str:
    """The line, with paths that count from the study file."""
    if _key(line) != "clinical":
        return line.text
    tables = parse_study_text(line.text, study.name)["clinical"]
    return f"clinical = {toml_value([_path(Path(p).resolve(), study.resolve().parent) for p in tables])}"


def _fixed(look: FirstLook, study: Path, name: str) -> list[Line]:
    """Lines that are set, with what they mean."""
    home, folder = study.resolve().parent, look.folder.resolve()
    if name == "":
        return [Line("", f"out = {toml_value(_out(home, folder, study.stem))}", "Folder of all results.")]
    if name == "input":
        return [Line("input", f"folder = {toml_value(_path(folder, home))}", "Folder of the patients.")]
    return [line for line in look.taken if line.table == name]


def _columns(cohort: Cohort, spoken_of: set[str]) -> Iterator[str]:
    """What each column was taken for, as the line that would say so."""
    known = {f.name for f in fields(ColumnOptions)} - {"ignore"}
    reads = {read.meaning: read for read in clinical_columns(cohort.notes) if read.meaning in known - spoken_of}
    if reads:
        yield from _comment(
            "As the columns were understood; to change one, take the # away and write the right column."
        )
    for meaning, read in reads.items():
        how = f"  # {read.how}" if read.how else ""
        yield f"# {meaning} = {toml_value(read.column)}{how}"
    yield from _comment("Columns that nothing is taken from.")
    yield "# ignore = []"


def _out(home: Path, folder: Path, name: str) -> str:
    """Beside the study file, unless that is among the patients: then beside their folder."""
    among = home.is_relative_to(folder)
    return _path(folder.parent / f"{folder.name}-{name}", home) if among else f"runs/{name}"


def _path(place: Path, home: Path) -> str:
    """Relative where it lies below the study file or beside its folder, with / on every system."""
    if place.is_relative_to(home) or place.parent.is_relative_to(home.parent):
        return Path(os.path.relpath(place, home)).as_posix()
    return place.as_posix()


def _key(line: Line) -> str:
    return line.text.partition(" = ")[0]


def _short(text: str) -> str:
    """The whole text if it is short, else its first sentence."""
    first, dot, _ = text.partition(". ")
    return text if len(text) <= 2 * _WIDTH else first + dot.strip()


def _comment(text: str) -> Sequence[Any]:
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, _WIDTH, break_long_words=False)]
    return [f"# {line}" for line in lines]
