"""``make bench-lung1``: what honest cross-validation finds on public features of LUNG1.

145 patients with the 1 218 features of their GTV-1 and the clinical table. Nested cross-validation, 5 folds, 10
repeats: volume alone, clinical columns, LASSO-Cox on radiomics, radiomics and clinical columns together; the same with
the outcome dealt to other patients. Nothing is tuned here: settings are the defaults.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

import pandas as pd

from perisurv.cohort import CLINICAL_COLUMNS, ClinicalOptions, CohortOptions, clinical_features, read_clinical
from perisurv.core import FeatureTable, Outcome
from perisurv.study.designs import Patients
from perisurv.study.nested import Nested, validate_branches
from perisurv.study.settings import settings_from_dict
from perisurv.study.stages import Branch
from table import Row, publish

DATA = Path(os.environ.get("PERISURV_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "lung1_tables"
CLINICAL = "NSCLC Radiomics Lung1.clinical-version3-Oct 2019.csv"
HONEST = {"volume": (0.59, 0.63), "radiomics": (0.57, 0.62)}  # of public work on these patients
BRANCHES = (
    Branch("volume", {"volume": ("tumour__original_shape_MeshVolume",)}, select=False),
    Branch("clinical", {"clinical": ("clinical__",)}, select=False),
    Branch("radiomics", {"radiomics": ("tumour__",)}),
    Branch("radiomics+clinical", {"radiomics": ("tumour__",), "clinical": ("clinical__",)}, fuse=True),
)


def radiomics() -> pd.DataFrame:
    """One row a patient: GTV-1 of the first CT (three rows repeat patients with another export or another lesion)."""
    frame = pd.read_excel(DATA / "extracted_features.xlsx").sort_values("Patient")
    patient = frame["Patient"].str[:9]
    keep = (frame["ROI"] == "GTV-1_mask") & ~patient.duplicated()
    names = [c for c in frame.columns if c.startswith(("original_", "wavelet-", "log-sigma"))]
    return frame.loc[keep, names].set_axis(patient[keep], axis=0).add_prefix("tumour__")


def tables() -> tuple[FeatureTable, Outcome]:
    """Radiomics and clinical columns side by side, and the follow-up."""
    features = FeatureTable(radiomics())
    options = CohortOptions(clinical=ClinicalOptions(time_unit="days", tnm_edition=6))
    clinical = read_clinical(DATA / CLINICAL, options).to_frame().loc[list(features.patients)]
    table = features.join(clinical_features(clinical[list(CLINICAL_COLUMNS)]))
    return table, Outcome(table.patients, clinical["time_days"].to_numpy(), clinical["event"].to_numpy(dtype=bool))


def rows(found: Nested, confidence: float) -> list[Row]:
    """C with interval, C of the permuted outcomes, and the differences from volume."""
    made = []
    for branch, c_index in found.score.c_index.items():
        lower, upper = found.score.interval[branch]
        low, high = HONEST.get(branch, (0.0, 1.0))
        target = f"{low}-{high}" if branch in HONEST else ""
        met = low <= c_index <= high if branch in HONEST else None
        made.append(Row(f"{branch}: C, nested cross-validation", c_index, "", target, met))
        limits = (("lower", lower), ("upper", upper))
        made += [Row(f"{branch}: {what} limit, {confidence:.0%}", v, "") for what, v in limits]
    for (first, second), (difference, lower, upper) in found.score.differences.items():
        made.append(Row(f"{first} minus {second}: C ({lower:+.3f} to {upper:+.3f})", difference, ""))
    for branch, values in found.permuted.items():
        if len(values) < 2:
            continue
        mean = statistics.mean(values)
        error = statistics.stdev(values) / len(values) ** 0.5
        near = abs(mean - 0.5) <= 3 * error
        what = f"{branch}: C, outcome permuted, mean of {len(values)} ({min(values):.3f} to {max(values):.3f})"
        made.append(Row(what, mean, "", f"0.5 +- {3 * error:.3f}", near))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--permutations", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    table, outcome = tables()
    settings = settings_from_dict(
        {
            "workers": given.workers,
            "deep": {"enabled": False},
            "validation": {
                "design": "nested",
                "folds": 5,
                "repeats": given.repeats,
                "permutations": given.permutations,
            },
        }
    )
    start = time.perf_counter()
    found = validate_branches(table, Patients(outcome, {}, {}), BRANCHES, settings)
    seconds = time.perf_counter() - start
    count = sum(name.startswith("tumour__") for name in table.names)
    about = [
        Row("patients", len(table), ""),
        Row("deaths", outcome.n_events, ""),
        Row("radiomics features", count, ""),
        Row(f"5 folds x {given.repeats} and {given.permutations} permuted runs", seconds, "s"),
    ]
    publish("lung1", about + rows(found, settings.evaluation.confidence), "make bench-lung1")


if __name__ == "__main__":
    main()
