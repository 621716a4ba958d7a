"""Every fitted object of the survival room that can score patients refuses those that it was fitted on."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureTable, LeakageError, Outcome
from perisurv.survival import FitOptions, Signature, fit_cox, fit_signature

Score = Callable[[FeatureTable], object]


def data() -> tuple[FeatureTable, Outcome]:
    rng = np.random.default_rng(0)
    n = 60
    values = rng.normal(size=(n, 4))
    ids = tuple(f"p{k:02d}" for k in range(n))
    death = rng.exponential(500 * np.exp(-values[:, 0])) + 1
    table = FeatureTable(pd.DataFrame(values, index=list(ids), columns=["f0", "f1", "f2", "f3"]))
    return table, Outcome(ids, death, rng.random(n) < 0.8)


TABLE, OUTCOME = data()
TRAINING, NEW = TABLE.patients[:45], TABLE.patients[45:]
BEHIND = "network-patient"


def signature() -> Signature:
    made = FeatureTable(TABLE.take(TRAINING).frame, {TRAINING[0]: frozenset({BEHIND})})
    return fit_signature(made, OUTCOME, groups={"all": ("",)}, options=FitOptions(), rng=np.random.default_rng(0))


def scorers() -> dict[str, Score]:
    fitted = signature()
    read = Signature.from_json(fitted.to_json())
    made = FeatureTable(TABLE.take(TRAINING).frame, {TRAINING[0]: frozenset({BEHIND})})
    return {
        "cox": fit_cox(made, OUTCOME.take(TRAINING)).risk,
        "scaling": fitted.scaling.apply,
        "fusion": fitted.fusion.apply,
        "signature's cox": lambda t: fitted.cox.risk(renamed(t, fitted.cox.names)),
        "domain": fitted.domain.judge,
        "signature risk": fitted.risk,
        "signature predict": fitted.predict,
        "signature read from text": read.predict,
        "domain read from text": read.domain.judge,
    }


def renamed(table: FeatureTable, names: tuple[str, ...]) -> FeatureTable:
    return FeatureTable(table.frame.iloc[:, : len(names)].set_axis(list(names), axis=1), table.fitted_on)


SCORERS = scorers()


@pytest.mark.parametrize("name", list(SCORERS))
def test_new_patients_are_scored(name: str) -> None:
    SCORERS[name](TABLE.take(NEW))


@pytest.mark.parametrize("name", list(SCORERS))
@pytest.mark.parametrize("position", [0, 20, 44])
def test_one_training_patient_among_new_ones_is_refused_by_name(name: str, position: int) -> None:
    mixed = TABLE.take([*NEW[:7], TRAINING[position], *NEW[7:]])
    with pytest.raises(LeakageError, match=TRAINING[position]):
        SCORERS[name](mixed)


@pytest.mark.parametrize("name", list(SCORERS))
def test_a_patient_behind_the_features_is_refused(name: str) -> None:
    frame = TABLE.take(NEW[:1]).frame.set_axis([BEHIND])
    with pytest.raises(LeakageError, match=BEHIND):
        SCORERS[name](FeatureTable(frame))


@pytest.mark.parametrize("name", ["scaling", "fusion"])
def test_transformed_rows_remember_who_shaped_them(name: str) -> None:
    result = SCORERS[name](TABLE.take(NEW))
    assert isinstance(result, FeatureTable)
    assert result.seen == {*TRAINING, BEHIND}
