"""The ten-line face: what a researcher calls from a notebook."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal

from perisurv.core import Cohort, Evaluation, FeatureTable, InputError, RegionSet, Scan
from perisurv.core.wording import counted
from perisurv.radiomics import extract as extract_options
from perisurv.radiomics import preset as radiomics_preset
from perisurv.regions import rings as build_rings
from perisurv.regions.options import RingOptions
from perisurv.simulation import SimulationOptions, patient_folder, simulate_missing, write_tables
from perisurv.simulation import plan as make_plan
from perisurv.study.engine import Failure, Progress, run_tasks, tell
from perisurv.study.private import private_folder
from perisurv.study.run import Run
from perisurv.study.runlog import logged
from perisurv.study.settings import StudySettings, digest, read_settings
from perisurv.study.store import RunFolder, write_text
from perisurv.study.whole import run_study

__all__ = ["Report", "Study", "StudyResult", "extract", "rings", "simulate"]


def rings(
    scan: Scan,
    *,
    widths_mm: Sequence[float] = (3.0, 6.0, 9.0),
    kind: Literal["annulus", "shell", "expansion"] = "annulus",
    barrier: Literal["none", "body", "lung"] = "body",
    exclude: Sequence[Literal["bone", "airway", "vessel"]] = (),
) -> RegionSet:
    """Tumour and peritumoural rings of one scan on the 1 mm analysis grid.

    Parameters
    ----------
    scan
        CT and tumour on one grid.
    widths_mm
        Distances from the tumour surface, mm, ascending.
    kind
        ``annulus``: from the surface to the width; ``shell``: from the width before to this one; ``expansion``:
        tumour and annulus together.
    barrier
        What a ring may not leave: nothing, the body, or the lung of the tumour.
    exclude
        Tissues that are taken out of every ring.

    Raises
    ------
    RegionError
        If the tumour touches the border of the CT or is too small, or a ring is empty.
    """
    widths = tuple(float(w) for w in widths_mm)
    options = RingOptions(widths, kind, barrier, exclude=tuple(exclude))
    return build_rings(scan, options)


def extract(regions: RegionSet, *, preset: str = "ibsi", threads: int = 1) -> FeatureTable:
    """Radiomics of every region of one patient, as one row.

    Parameters
    ----------
    regions
        Tumour and rings with their image.
    preset
        ``ibsi``: everything that the IBSI standardises, on the CT, LoG and wavelet images; ``fast``: fewer families on
        the CT and LoG images; ``pyradiomics``: names and values of pyradiomics 3.
    threads
        Regions worked on at a time. Changes no value.

    Raises
    ------
    SettingsError
        If there is no such preset.
    """
    return extract_options(regions, radiomics_preset(preset), threads=threads)


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Report:
    """The document of a study: one HTML file that opens offline."""

    html: str

    def __repr__(self) -> str:
        return f"Report({len(self.html) / 1e6:.1f} MB of HTML: write it with .write(path))"

    def write(self, path: Path | str) -> Path:
        """Write the document and return its path."""
        write_text(Path(path), self.html)
        return Path(path)


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class StudyResult:
    """What a study found, its document and its folder.

    Parameters
    ----------
    evaluation
        Of the patients of other centres; None where there is one centre, or no follow-up.
    report
        The document; None where there are features only.
    folder
        The run folder.
    validation
        What ``validation.json`` holds; None without a validation by folds, centres or time.
    text
        The result in a few lines, and what was left out and why.
    """

    evaluation: Evaluation | None
    report: Report | None
    folder: Path
    validation: Mapping[str, Any] | None = None
    text: str = ""

    def __repr__(self) -> str:
        return f"StudyResult in {self.folder}\n{self.text}"


@dataclasses.dataclass(frozen=True, slots=True)
class Study:
    """A study as described by a study file."""

    settings: StudySettings

    @classmethod
    def from_toml(cls, path: Path | str) -> Study:
        """Read the study file (raises SettingsError, which names the nearest key for an unknown one)."""
        return cls(read_settings(path))

    def run(
        self, cohort: Cohort | None = None, *, out: Path | str | None = None, progress: Progress | bool | None = None
    ) -> StudyResult:
        """Do every stage that is not done yet and return the result.

        Parameters
        ----------
        cohort
            Patients; None reads the folder named in the study file.
        out
            Folder of the artefacts; None takes the one of the study file.
        progress
            True shows what the command line shows: bars on a terminal; in a notebook, a log or a script without one a
            line when something begins, then one every half minute. A function is called with (stage, done, total).
        """
        folder = RunFolder(Path(out if out is not None else self.settings.out))
        private = private_folder(self.settings, folder.root)
        with (
            _watching(progress) as show,
            logged("Study.run", folder, private, self.settings, show) as log,
        ):
            found = run_study(Run(self.settings, folder, log), cohort)
        report = Report(found.report.read_text(encoding="utf-8")) if found.report else None
        return StudyResult(found.evaluation, report, folder.root, found.validation, str(found))


def _watching(progress: Progress | bool | None) -> AbstractContextManager[Progress | None]:
    """Who shows the progress, for as long as it is shown."""
    if progress is True:
        from perisurv.display import shown  # noqa: PLC0415 (import rich where something is shown)

        return shown()
    return nullcontext(progress or None)


def simulate(
    folder: Path | str,
    options: SimulationOptions | None = None,
    *,
    seed: int = 2025,
    workers: int = 2,
    progress: Progress | None = None,
) -> Path:
    """Write a simulated multicentre cohort; patients that are already there are kept.

    Raises
    ------
    InputError
        If the folder holds a cohort made with other options or another seed.
    """
    folder, options = Path(folder), options or SimulationOptions()
    stamp = json.dumps({"digest": digest("simulation", options, seed), "seed": seed}) + "\n"
    marker = folder / "simulation.json"
    if marker.exists() and marker.read_text(encoding="utf-8") != stamp:
        raise InputError(f"{folder} holds a cohort of other options or another seed; choose another folder.")
    if not marker.exists() and folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty and holds no simulated cohort; choose another folder.")
    write_text(marker, stamp)
    cohort_plan = make_plan(options, seed)
    there = sum(patient_folder(patient, folder).exists() for patient in cohort_plan.patients)
    tell(progress, "detail", f"{counted(options.patients, 'patient')} to simulate, {there} were there before")
    work = partial(simulate_missing, plan=cohort_plan, folder=folder)
    results = run_tasks(work, range(options.patients), workers=workers, label="simulate", progress=progress)
    failures = [r.reason for r in results if isinstance(r, Failure)]
    if failures:
        raise InputError(f"{counted(len(failures), 'patient')} could not be simulated: {failures[0]}")
    write_tables(cohort_plan, folder)
    return folder
