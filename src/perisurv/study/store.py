"""The run folder: artefacts written whole or not at all, and the ledger that says which are up to date."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from perisurv.cohort.walk import walk_files
from perisurv.core import Exclusion, FeatureTable, Finding, Geometry, InputError, LeakageError, ModelError, ReadError

__all__ = [
    "SET_ASIDE", "RunFolder", "grid_row", "listing", "read_json", "read_table", "safe_name", "write_frame",
    "write_table", "write_text",
]  # fmt: skip

SET_ASIDE = "set_aside"  # among the exclusions: files by which no patient is lost
_OUTCOMES = {True: "passed", False: "failed", None: "not applicable"}
_PASSED = {outcome: passed for passed, outcome in _OUTCOMES.items()}
_CHECK = ["patient", "id", "title", "fault", "requires", "outcome", "text", "value"]
_GRID = [
    "patient", "slices", "rows", "columns", "slice_spacing_mm", "row_spacing_mm", "column_spacing_mm",
    "origin_x_mm", "origin_y_mm", "origin_z_mm", *(f"direction_{p}{a}" for p in "xyz" for a in "kji"),
]  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    _atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a Parquet file whole or not at all."""
    _atomic(path, frame.to_parquet)


def write_table(path: Path, table: FeatureTable) -> None:
    """Write a feature table with the patients that its rows were fitted on and why values are missing.

    Raises
    ------
    LeakageError
        If its rows come from ``fit_transform``: they serve the fit at hand and are not kept.
    """
    if table.fitted_together:
        raise LeakageError("Rows of fit_transform serve one fit only; store the features that went into it.")
    seen = [json.dumps(sorted(table.fitted_on[p])) if p in table.fitted_on else "" for p in table.patients]
    reasons = [json.dumps(table.undefined[p], sort_keys=True) if p in table.undefined else "" for p in table.patients]
    notes = pd.DataFrame({"fitted_on": seen, "undefined": reasons}, index=table.frame.index)
    write_frame(path, pd.concat([table.frame, notes], axis=1))


def read_table(path: Path) -> FeatureTable:
    """Read a feature table."""
    frame = _read_parquet(path)
    seen, reasons = frame.pop("fitted_on"), frame.pop("undefined")
    fitted_on = {str(p): frozenset(json.loads(s)) for p, s in seen.items() if s}
    return FeatureTable(frame, fitted_on, {str(p): json.loads(s) for p, s in reasons.items() if s})


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path} is missing; this is not a complete perisurv folder.") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not readable as JSON: {error}.") from error


def listing(root: Path, tables: Iterable[Path] = ()) -> list[tuple[str, int, int]]:
    """Name, size and time of every file below a folder and of tables elsewhere: whether an index is up to date."""
    found = []
    for path in (*walk_files(root), *tables):
        if path.exists():  # not so for a link to a file that is gone
            stat = path.stat()
            found.append((os.path.relpath(path, root), stat.st_size, stat.st_mtime_ns))
    return sorted(found)


def safe_name(patient: str) -> str:
    """File name of a patient: the pseudonym itself if it is plain, else a hash of it."""
    if _PLAIN.fullmatch(patient):
        return patient
    return "x" + hashlib.sha256(patient.encode()).hexdigest()[:20]


def grid_row(patient: str, grid: Geometry) -> dict[str, float | str]:
    """A grid as one row of a table."""
    numbers = (*grid.shape, *grid.spacing_mm, *grid.origin_mm, *(v for row in grid.direction for v in row))
    return dict(zip(_GRID, (patient, *numbers), strict=True))


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of one run and its ledger.

    The ledger holds, for each stage, the key of the inputs and settings that its artefact was made from. A stage
    whose key stands there is not done again; a stage that was cut off is.
    """

    root: Path

    @property
    def cohort(self) -> Path:
        """Table of the included patients."""
        return self.root / "cohort.parquet"

    @property
    def notes(self) -> Path:
        """How the clinical tables were read."""
        return self.root / "notes.json"

    @property
    def checks(self) -> Path:
        """What every check of the index found, a row a patient and check; excluded patients too."""
        return self.root / "checks.parquet"

    @property
    def region_checks(self) -> Path:
        """What the checks of tumour, rings and body found."""
        return self.root / "checks_regions.parquet"

    @property
    def grids(self) -> Path:
        """Grid of every CT as it came."""
        return self.root / "grids.parquet"

    @property
    def qc(self) -> Path:
        """Pages for quality control: ``index.html`` and a sheet a patient."""
        return self.root / "qc"

    @property
    def regions(self) -> Path:
        """One folder of regions a patient."""
        return self.root / "regions"

    @property
    def audit(self) -> Path:
        """Volume, thickness and composition of every region."""
        return self.root / "regions.parquet"

    @property
    def acquisition(self) -> Path:
        """Spacing, kernel and scanner of every scan."""
        return self.root / "acquisition.parquet"

    @property
    def features(self) -> Path:
        """Radiomics of all patients."""
        return self.root / "features.parquet"

    @property
    def perturbed(self) -> Path:
        """Radiomics of redrawn contours."""
        return self.root / "perturbed.parquet"

    @property
    def parts(self) -> Path:
        """Finished work per patient of a stage that is not finished."""
        return self.root / "parts"

    @property
    def model(self) -> Path:
        """The model folder, complete in itself."""
        return self.root / "model"

    @property
    def predictions(self) -> Path:
        """Risks of the external patients by every branch."""
        return self.root / "predictions.parquet"

    @property
    def evaluation(self) -> Path:
        """Everything that the study found."""
        return self.root / "evaluation.json"

    @property
    def validation(self) -> Path:
        """C of the tabular branches under the design of the study file."""
        return self.root / "validation.json"

    @property
    def validation_predictions(self) -> Path:
        """Risks of every split of the validation."""
        return self.root / "validation.parquet"

    @property
    def report(self) -> Path:
        """The document."""
        return self.root / "report.html"

    @property
    def summary(self) -> Path:
        """What the last run ended with."""
        return self.root / "summary.json"

    @property
    def log(self) -> Path:
        """What was done when, and how it ended. It differs from run to run and is no artefact."""
        return self.root / "run.log"

    def done(self, stage: str) -> str:
        """Key that the stage was last finished with; empty if never."""
        path = self.entry(stage)
        return str(read_json(path)["key"]) if path.exists() else ""

    def finish(self, stage: str, key: str, made: Mapping[str, str] | None = None) -> None:
        """Write into the ledger that the stage is finished, and what else is known of its making."""
        write_text(self.entry(stage), json.dumps({"stage": stage, "key": key, **(made or {})}) + "\n")

    def forget(self, stage: str) -> None:
        """Take a stage out of the ledger before its artefact changes."""
        self.entry(stage).unlink(missing_ok=True)

    def require(self, stage: str) -> None:
        """Refuse to go on without an earlier stage.

        Raises
        ------
        InputError
            If the stage was never finished in this folder.
        """
        if not self.done(stage):
            raise InputError(f"{self.root} holds no finished {stage}; run `perisurv {stage}` first.")

    def open_parts(self, stage: str, key: str) -> Path:
        """Folder for finished work per patient; emptied when it was made from other inputs."""
        folder = self.parts / stage
        marker = folder / "key"
        if not (marker.exists() and marker.read_text(encoding="utf-8") == key):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write_text(marker, key)
        return folder

    def write_exclusions(self, stage: str, exclusions: Sequence[Exclusion]) -> None:
        """Write who left the study at this stage."""
        rows = [{"patient": e.patient, "stage": e.stage, "reason": e.reason} for e in exclusions]
        write_text(self.root / "exclusions" / f"{stage}.json", json.dumps(rows, indent=1) + "\n")

    def read_exclusions(self, *stages: str) -> tuple[Exclusion, ...]:
        """Who left the study at these stages."""
        paths = [self.root / "exclusions" / f"{stage}.json" for stage in stages]
        return tuple(Exclusion(**row) for path in paths if path.exists() for row in read_json(path))

    def write_findings(self, findings: Mapping[str, Sequence[Finding]], path: Path | None = None) -> None:
        """Write what the checks of the index, or of another table, found, by patient; the order is kept."""
        rows = [
            (patient, f.id, f.title, f.fault, f.requires, _OUTCOMES[f.passed], f.text, f.value)
            for patient in sorted(findings)
            for f in findings[patient]
        ]
        frame = pd.DataFrame(rows, columns=_CHECK)
        write_frame(path or self.checks, frame.astype(dict.fromkeys(_CHECK[:-1], "string") | {"value": "Float64"}))

    def write_region_checks(self, built: Sequence[Mapping[str, Any]]) -> None:
        """Write what the checks of the regions found; of each patient the grid, which names it, and the findings."""
        found = {row["grid"]["patient"]: tuple(Finding(**f) for f in row["findings"]) for row in built}
        self.write_findings(found, self.region_checks)

    def read_findings(self) -> dict[str, tuple[Finding, ...]]:
        """What the checks of index and regions found, by patient."""
        found: dict[str, list[Finding]] = {}
        rows = _read_parquet(self.checks).to_dict(orient="records")
        if self.region_checks.exists():
            rows += _read_parquet(self.region_checks).to_dict(orient="records")
        for row in rows:
            patient, own, title, fault, requires, outcome, text = (str(row[column]) for column in _CHECK[:-1])
            value = None if pd.isna(row["value"]) else float(row["value"])
            one = Finding(own, title, requires, _PASSED[outcome], text, value, fault)
            found.setdefault(patient, []).append(one)
        return {patient: tuple(findings) for patient, findings in found.items()}

    def read_audits(self) -> dict[str, dict[str, dict[str, float]]]:
        """Figures of every region by patient and region; what a region lacks is left out."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        for row in _read_parquet(self.audit).to_dict(orient="records"):
            known = {str(k): float(v) for k, v in row.items() if k not in ("patient", "region") and pd.notna(v)}
            found.setdefault(str(row["patient"]), {})[str(row["region"])] = known
        return found

    def read_grids(self) -> dict[str, Geometry]:
        """Grid of the CT of every patient."""
        grids = {}
        for patient, k, j, i, *numbers in _read_parquet(self.grids)[_GRID].itertuples(index=False):
            spacing, origin, x, y, z = (tuple(map(float, numbers[n : n + 3])) for n in range(0, 15, 3))
            grids[str(patient)] = Geometry((k, j, i), spacing, origin, (x, y, z))  # type: ignore[arg-type]
        return grids

    def entry(self, stage: str) -> Path:
        """Where the ledger holds a stage; its time of change is when the stage was finished."""
        return self.root / "ledger" / f"{stage}.json"


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise ReadError(f"{path} is missing; run the stage that writes it.") from None
    except (OSError, ValueError) as error:
        raise ReadError(f"{path} is not a readable table: {error}.") from error


def _atomic(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write(temporary)
    temporary.replace(path)
