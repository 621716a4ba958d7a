"""What a study can do is decided right after the index, in the words of its endpoint, permuted outcomes included."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_study import small_settings

from perisurv.cohort import CLINICAL_COLUMNS
from perisurv.core import Cohort, Outcome, OutcomeError, Patient, PerisurvError, Scan
from perisurv.study.designs import Patients, deal, permuted_runs
from perisurv.study.plan import plan_study
from perisurv.study.settings import ValidationOptions

RECURRENCE = {"name": "recurrence or metastasis", "word": "recurrence"}


class NoScan:
    """A source that a plan never opens."""

    def read(self, patient: str) -> Scan:
        raise AssertionError(patient)

    def describe(self) -> dict[str, str]:
        return {}


def cohort(events: list[int], n: int = 24, south: int = 12, times: np.ndarray | None = None) -> Cohort:
    ids = tuple(f"P{k:02d}" for k in range(n))
    patients = tuple(Patient(p, "north" if k < n - south else "south", NoScan()) for k, p in enumerate(ids))
    clinical = pd.DataFrame(index=pd.Index(ids)).reindex(columns=CLINICAL_COLUMNS)
    time = np.arange(n) * 10.0 + 50 if times is None else times
    return Cohort(patients, clinical, Outcome(ids, time, np.isin(np.arange(n), events)))


REFUSED: dict[str, tuple[Cohort, dict[str, object], str]] = {
    "training": (cohort([0, 1, 20]), {}, "at least 4 recurrences among its training patients and has 2 among 12"),
    "external": (cohort([0, 1, 2, 3, 4]), {}, "at least 1 recurrence among its external patients and has 0"),
    "networks": (
        cohort([0, 1, 2, 3, 20]),
        {"deep": {"enabled": True, "folds": 6}},
        r"at least 6 recurrences among the training patients and there are 4",
    ),
    "a split": (
        cohort([0, 4, 8, 12], south=0),
        {"validation": {"folds": 4}, "fit": {"minimum_events": 3}},
        r"leaves 3 recurrences among 18 training patients.*\(4 recurrences among all 24 patients\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_use_the_word_of_the_endpoint(tmp_path: Path, case: str) -> None:
    patients, tables, told = REFUSED[case]
    with pytest.raises(PerisurvError, match=told):
        plan_study(patients, small_settings(tmp_path, endpoint=RECURRENCE, **tables))
    with pytest.raises(PerisurvError, match=told.replace("recurrence", "death")):
        plan_study(patients, small_settings(tmp_path, **tables))


def test_a_validation_in_which_nobody_can_be_compared_is_refused(tmp_path: Path) -> None:
    """Each fold holds one event, and it comes last."""
    patients = cohort([18, 19, 20, 21, 22, 23], south=0, times=np.r_[np.full(18, 100.0), np.full(6, 200.0)])
    settings = small_settings(tmp_path, validation={"folds": 6})
    with pytest.raises(OutcomeError, match="No two patients that one split of the nested validation scores"):
        plan_study(patients, settings)


def test_every_permuted_outcome_is_looked_at(tmp_path: Path) -> None:
    """Only an event on day 150 and the one patient followed to day 160 can be compared, where one fold holds both."""
    times = np.r_[160.0, np.full(5, 100.0), 150.0, np.full(5, 170.0)]
    patients = cohort([6, 7, 8, 9, 10, 11], n=12, south=0, times=times)
    once = {"validation": {"folds": 6, "permutations": 1, "repeats": 40}}
    fine = [seed for seed in range(30) if _planned(patients, tmp_path, once, seed)]
    tables = {"validation": {**once["validation"], "permutations": 3}}
    refused = [seed for seed in fine if not _planned(patients, tmp_path, tables, seed)]
    assert refused
    with pytest.raises(OutcomeError, match=r"permuted outcome [23] of 3 "):
        plan_study(patients, small_settings(tmp_path, seed=refused[0], **tables))


def _planned(patients: Cohort, root: Path, tables: dict[str, object], seed: int) -> bool:
    try:
        plan_study(patients, small_settings(root, seed=seed, **tables))
    except OutcomeError as error:
        return "permuted outcome" not in str(error)
    return True


def test_permuted_outcomes_leave_every_split_as_many_events_as_the_outcome_itself() -> None:
    rng = np.random.default_rng(0)
    for seed in range(40):
        n, folds = int(rng.integers(12, 40)), int(rng.integers(2, 5))
        ids = tuple(f"P{k:02d}" for k in range(n))
        outcome = Outcome(ids, rng.random(n) * 100 + 1, np.arange(n) % 2 == 0)
        label = rng.integers(0, 3, n)
        centres = {f"c{c}": tuple(p for p, own in zip(ids, label, strict=True) if own == c) for c in set(label)}
        patients = Patients(outcome, centres, {})
        options = ValidationOptions(design="nested", folds=folds, permutations=4)
        splits = deal(patients, options, rng, 1)
        events = sorted(outcome.take(s.training).n_events for s in splits)
        for null, own in permuted_runs(patients, options, splits, seed):
            assert sorted(null.take(s.training).n_events for s in own) == events
