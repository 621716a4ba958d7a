"""``make bench-nested``: the full nested fit of the tabular branches, and what it costs.

303 simulated patients x 5 000 features: tumour and 4 rings of 1 000 each, in blocks of like features as radiomics are,
a few of them prognostic. 5 folds x 5 repeats; in each of the 25 splits the ring is chosen by inner cross-validation
(5 folds x 2) and every rung of the ladder is fitted again: volume, clinical, tumour, each ring, tumour + ring,
combined.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from perisurv.core import FeatureTable, Outcome
from perisurv.study import stages
from perisurv.study.designs import Patients
from perisurv.study.nested import CHOSEN, validate_branches
from perisurv.study.settings import StudySettings, settings_from_dict
from table import Row, publish

PATIENTS, PER_REGION, WIDTHS_MM = 303, 1000, (3.0, 6.0, 9.0, 12.0)
SECONDS = 180.0


def simulated(seed: int = 2025) -> tuple[FeatureTable, Outcome]:
    """Features that share factors (region, family and a common one), and follow-up that hangs on three of them."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=PATIENTS)
    signal = {"tumour": rng.normal(size=PATIENTS), "ring_6mm": rng.normal(size=PATIENTS)}
    blocks, names = [], []
    for region in ("tumour", *(f"ring_{w:g}mm" for w in WIDTHS_MM)):
        factors = rng.normal(size=(PATIENTS, 60))
        factors[:, 0] = size
        factors[:, 1] = signal.get(region, factors[:, 1])
        mixing = rng.normal(size=(60, PER_REGION)) * (rng.random((60, PER_REGION)) < 0.05)
        values = factors @ mixing + 0.4 * rng.normal(size=(PATIENTS, PER_REGION))
        names += [f"{region}__original__f{n % 10}_{n:04d}" for n in range(PER_REGION)]
        blocks.append(values)
    frame = pd.DataFrame(np.hstack(blocks), columns=names)
    frame = frame.rename(columns={names[0]: "tumour__morph__morph_volume"})
    frame["tumour__morph__morph_volume"] = np.exp(3 + size)
    age = rng.normal(6.8, 1.0, PATIENTS)
    frame["clinical__age_decades"] = age
    frame["clinical__stage"] = rng.integers(1, 5, PATIENTS)
    hazard = 0.35 * size + 0.35 * signal["tumour"] + 0.35 * signal["ring_6mm"] + 0.25 * (frame["clinical__stage"] - 2.5)
    death = rng.exponential(700 * np.exp(-hazard))
    censored = rng.uniform(300, 3000, PATIENTS)
    frame.index = pd.Index([f"p{n:03d}" for n in range(PATIENTS)])
    return FeatureTable(frame), Outcome(tuple(frame.index), np.minimum(death, censored) + 1.0, death <= censored)


def study(workers: int, repeats: int) -> StudySettings:
    """Defaults, four rings, no network."""
    return settings_from_dict(
        {
            "workers": workers,
            "clinical_in_combined": True,
            "deep": {"enabled": False},
            "regions": {"widths_mm": list(WIDTHS_MM)},
            "validation": {"design": "nested", "folds": 5, "repeats": repeats},
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    table, outcome = simulated()
    settings = study(given.workers, given.repeats)
    start = time.perf_counter()
    found = validate_branches(table, Patients(outcome, {}, {}), stages.branches(CHOSEN, settings), settings)
    seconds = time.perf_counter() - start
    what = f"tabular branches, 303 x 5 000, 5 x {given.repeats} folds, 4 rings, {given.workers} workers"
    rows = [Row(what, seconds, "s", f"< {SECONDS:g}", seconds < SECONDS)]
    rows += [Row(f"{branch}: C", value, "") for branch, value in found.score.c_index.items()]
    of = f"of {len(found.fits)}"
    rows += [Row(f"splits that chose {ring}", votes, of) for ring, votes in found.ring_votes.items()]
    publish("nested", rows, "make bench-nested")


if __name__ == "__main__":
    main()
