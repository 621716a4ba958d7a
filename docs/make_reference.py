"""Write docs/reference: features.md from the catalogue, checks.md from the checks, settings.md from the options of a
study, measured.md from the benchmarks.

``make reference``.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from perisurv.cohort.checks import (
    CLINICAL_CHECKS,
    CONTOUR_CHECKS,
    IMAGE_CHECKS,
    MASK_CHECKS,
    OUTCOME_CHECKS,
    REFERENCE_CHECKS,
    SCAN_CHECKS,
    SEG_CHECKS,
    SERIES_CHECKS,
    VALUE_CHECKS,
)
from perisurv.radiomics import FAMILIES, feature_catalogue
from perisurv.radiomics.pyradiomics import ibsi_name, pyradiomics_names
from perisurv.study.settings_text import default, meanings, plain_text, sections

PAGE = Path(__file__).parent / "reference" / "features.md"
CHECKS_PAGE = PAGE.with_name("checks.md")
MEASURED_PAGE = PAGE.with_name("measured.md")
SETTINGS_PAGE = PAGE.with_name("settings.md")
RESULTS = PAGE.parents[2] / "benchmarks" / "results"
MEASURED = ("ingest", "geometry", "lungs", "lasso", "discrimination", "nested", "lung1")
MEASURED_HEAD = """# Measured

Made by `make reference` from `benchmarks/results`: what the command above each table printed when it was last run.
"""
PLAIN_TYPES = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    type(None): "none",
    Any: "value",
}
SETTINGS_HEAD = """# Settings

Made by `make reference` from the options of the code: every key of a study file (TOML), its type, its default and what it means. A key that is
not written has its default; an unknown key is an error. `perisurv init FOLDER` writes a study file to begin with, and the report of a study
holds all of its settings.
"""
CHECKS = (
    ("A structure set and its CT", REFERENCE_CHECKS),
    ("A CT series, at the index and again when it is loaded", SERIES_CHECKS),
    ("The values of a DICOM CT: a few slices at the index, all before it is refused", VALUE_CHECKS),
    ("CT and tumour, each time they are loaded", SCAN_CHECKS),
    ("Contours on a CT", CONTOUR_CHECKS),
    ("A DICOM SEG and its CT", SEG_CHECKS),
    ("An image as a research file", IMAGE_CHECKS),
    ("Segments and research masks on a CT", MASK_CHECKS),
    ("Follow-up, where an outcome is needed", OUTCOME_CHECKS),
    ("Clinical values", CLINICAL_CHECKS),
)
CHECKS_HEAD = """# Checks

Made by `make reference` from `perisurv.cohort.checks`. In each group in this order: behind the first check that fails the others of its group
are not applicable. A patient that fails is left out, and the reason of the exclusion begins with the words of the fourth column. What
was found for every patient stands in `Cohort.findings` and in `checks.parquet` of the run folder, under the id.
"""
HEAD = """# Features

Made by `make reference` from the catalogue (`perisurv.feature_catalogue()`). Formulas stand in the reference manual of the
Image Biomarker Standardisation Initiative (arXiv 1612.07003) in the section named with each family. A feature without a value
for a region is NaN in the table, with its reason in `FeatureTable.undefined`; besides the reasons below, intensities of a
region with fewer than two voxels in the re-segmentation range have none. The last column is the feature
of pyradiomics 3 with the same definition, empty if it has none or defines it in its own way (end of this page).
"""
FOOT = """
## Features of pyradiomics with a definition of their own

| name | what differs from the IBSI |
|---|---|
| `shape_MajorAxisLength`, `MinorAxisLength`, `LeastAxisLength` | variances over n instead of n - 1 |
| `shape_Maximum2DDiameterSlice`, `Column`, `Row` | largest distance between vertices of the surface in one plane |
| `shape_MeshVolume`, `SurfaceArea` and what follows from them | triangles of the classic marching cubes table, which is not symmetric under mirrors and turns |
| `firstorder_Kurtosis` | not an excess: 3 for a normal distribution |
| `firstorder_Entropy`, `Uniformity` | of the grey levels |
| `firstorder_StandardDeviation`, `TotalEnergy` | square root of the variance; energy times the volume of a voxel, mm3 |
| `glcm_MCC` | maximal correlation coefficient, which the IBSI lacks |
| `glcm_Correlation`, `Imc1` | 1 and 0 for directions of one level instead of no value |
| `glrlm_*` | directions across a region of one slice (row, column) are left out |
| `ngtdm_*` | voxels without neighbours count, with no difference |
| LoG images | recursive filter of ITK, times the squared scale |
| wavelet images | stationary transform, periodic beyond the faces of the image |
"""


def page() -> str:
    """The whole page."""
    theirs = {ibsi_name(name): name for family in FAMILIES for name in shared(family)}
    lines = [HEAD]
    family = ""
    for spec in feature_catalogue():
        if spec.family != family:
            family = spec.family
            section = spec.reference.split(",")[0]
            lines.append(f"\n## {spec.title}\n\n{section}.\n")
            lines.append(
                "| feature | IBSI | unit | no value when | computed by | pyradiomics |\n|---|---|---|---|---|---|"
            )
        why = "; or ".join(spec.undefined)
        by = spec.function.removeprefix("perisurv.radiomics.")
        lines.append(f"| `{spec.name}` | {spec.ibsi_code} | {spec.unit} | {why} | {by} | {theirs.get(spec.name, '')} |")
    return "\n".join(lines) + "\n" + FOOT


def checks_page() -> str:
    """The page of checks."""
    lines = [CHECKS_HEAD]
    for group, checks in CHECKS:
        lines.append(
            f"\n## {group}\n\n| title | what must hold | looks at | reason begins with | id |\n|---|---|---|---|---|"
        )
        lines += [
            f"| {c.title} | {(type(c).__doc__ or '').strip()} | {c.requires} | {c.fault} | `{c.id}` |" for c in checks
        ]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """The page of settings."""
    lines = [SETTINGS_HEAD]
    for section, kind, keys in sections():
        about = (inspect.getdoc(kind) or "").split("\n\nParameters\n")[0].replace("\n", " ")
        title = f"`[{section}]`" if section else "At the top of the file, before any table"
        lines.append(f"\n## {title}\n\n{plain_text(about)}\n\n| key | type | default | meaning |\n|---|---|---|---|")
        told = meanings(kind)
        for key, value in keys.items():
            cells = (f"`{key}`", type_name(kind, key), f"`{value}`", plain_text(told.get(key, "")))
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def type_name(kind: type, key: str) -> str:
    """The type of a key as a reader of TOML knows it."""
    return type_words(get_type_hints(kind)[key])


def type_words(kind: Any) -> str:
    """A type in words: ``tuple[str, ...]`` is a list of texts."""
    inside, origin = get_args(kind), get_origin(kind)
    if dataclasses.is_dataclass(kind):
        return f"{{ {', '.join(f'{f.name} = ...' for f in dataclasses.fields(kind))} }}"
    if origin is Literal:
        return " or ".join(default(value) for value in inside)
    if origin is tuple:
        return f"list: {type_words(inside[0])}" if Ellipsis in inside else f"[{', '.join(map(type_words, inside))}]"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"table: {type_words(inside[1])}"
    return " or ".join(map(type_words, inside)) if inside else PLAIN_TYPES[kind]


def measured_page() -> str:
    """The page of benchmarks."""
    lines = [MEASURED_HEAD]
    for name in MEASURED:
        result = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        made = result["environment"]
        where = f"perisurv {made['perisurv']}, Python {made['python']}, {made['machine']}, {made['cores']} cores"
        lines.append(f"\n## `{result['command']}`\n\n{where}.\n\n| | | target | |\n|---|---|---|---|")
        for row in result["rows"]:
            met = {True: "met", False: "not met", None: ""}[row["met"]]
            lines.append(f"| {row['name']} | {row['value']:.3g} {row['unit']} | {row['target']} | {met} |")
    return "\n".join(lines) + "\n"


def shared(family: str) -> list[str]:
    """Names of pyradiomics whose definition is that of the IBSI."""
    return [name for name in pyradiomics_names(family) if ibsi_name(name).startswith(f"{family}_") and not own(name)]


def own(name: str) -> bool:
    """Whether the preset computes the feature by a definition of its own."""
    endings = ("AxisLength", "Kurtosis", "StandardDeviation", "TotalEnergy", "firstorder_Entropy", "Uniformity", "MCC")
    return name.endswith(endings) or "2DDiameter" in name


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    CHECKS_PAGE.write_text(checks_page(), encoding="utf-8")
    MEASURED_PAGE.write_text(measured_page(), encoding="utf-8")
    SETTINGS_PAGE.write_text(settings_page(), encoding="utf-8")
