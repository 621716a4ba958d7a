"""Validation by any design: refitted in every split, the same folds for all branches, no signal where none is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureTable, InputError, LeakageError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation import Split
from perisurv.study.designs import Patients, deal, permute
from perisurv.study.nested import CHOSEN, fit_split, validate_branches
from perisurv.study.settings import StudySettings, settings_from_dict
from perisurv.study.stages import Branch, branches, refuse_unseen_centres, stream

LADDER = (
    Branch("volume", {"volume": ("tumour__morph__morph_volume",)}, select=False),
    Branch("radiomics", {"radiomics": ("tumour__", "ring_3mm__")}),
)


def study(**validation: object) -> StudySettings:
    return settings_from_dict(
        {
            "workers": 1,
            "deep": {"enabled": False},
            "regions": {"widths_mm": [3.0, 6.0]},
            "fit": {"lasso_lambdas": 15, "lasso_folds": 3, "ring_folds": 2, "ring_repeats": 1, "univariate_p": 0.2},
            "evaluation": {"resamples": 200},
            "validation": {"design": "nested", "folds": 3, "repeats": 2, **validation},
        }
    )


def cohort(n: int = 90, effect: float = 1.0, seed: int = 11) -> tuple[FeatureTable, Patients]:
    """The hazard hangs on the volume and on a feature of the ring of 6 mm."""
    rng = np.random.default_rng(seed)
    names = ["tumour__morph__morph_volume", *(f"tumour__o__cm_{k}" for k in range(4))]
    names += [f"ring_{w}mm__o__cm_{k}" for w in (3, 6) for k in range(4)]
    values = rng.normal(size=(n, len(names)))
    hazard = effect * (0.7 * values[:, 0] + 0.9 * values[:, names.index("ring_6mm__o__cm_0")])
    death, censored = rng.exponential(600 * np.exp(-hazard)), rng.uniform(200, 3000, n)
    ids = tuple(f"p{k:03d}" for k in range(n))
    frame = pd.DataFrame(values, index=list(ids), columns=names)
    frame["clinical__age_decades"] = rng.normal(7, 1, n)
    centres = {"north": ids[: n // 3], "south": ids[n // 3 : 2 * n // 3], "west": ids[2 * n // 3 :]}
    order = {p: 2010.0 + k // 10 for k, p in enumerate(ids)}
    outcome = Outcome(ids, np.minimum(death, censored) + 1, death <= censored)
    return FeatureTable(frame), Patients(outcome, centres, order)


def test_the_ladder_under_nested_cross_validation() -> None:
    table, patients = cohort()
    settings = study()
    found = validate_branches(table, patients, branches(CHOSEN, settings), settings)
    names = ["volume", "clinical", "tumour", "ring_3mm", "ring_6mm", "tumour+ring", "combined"]
    assert list(found.score.c_index) == names
    assert sum(found.ring_votes.values()) == len(found.fits) == 6
    assert found.ring_votes["ring_6mm"] >= 4
    assert found.score.c_index["ring_6mm"] > 0.6
    assert found.score.c_index["tumour+ring"] > found.score.c_index["ring_3mm"]
    assert found.selection["ring_6mm"]["ring_6mm__o__cm_0"] == 1.0
    frame = found.predictions()
    for (_, branch), own in frame.groupby(["repeat", "branch"]):
        assert sorted(own["patient"]) == sorted(patients.outcome.patients), branch
    splits = frame.groupby("branch")[["patient", "repeat", "split"]].apply(lambda part: part.to_numpy().tolist())
    assert all(rows == splits.iloc[0] for rows in splits)  # the same folds for every branch


def test_same_bytes_with_any_number_of_workers_and_any_order_of_rows() -> None:
    table, patients = cohort(60)
    settings = study(repeats=1)
    one = validate_branches(table, patients, LADDER, settings)
    two = validate_branches(table, patients, LADDER, replace(settings, workers=2))
    assert one.predictions().to_json() == two.predictions().to_json()
    shuffled = list(np.random.default_rng(2).permutation(table.patients))
    mixed = replace(patients, outcome=patients.outcome.take(shuffled[::-1]))
    three = validate_branches(table.take(shuffled), mixed, LADDER, settings)
    assert one.predictions().to_json() == three.predictions().to_json()
    assert one.score.interval == three.score.interval


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"design": "leave_one_centre_out"}, ["north", "south", "west"]),
        ({"design": "temporal", "order": "year", "share": 0.6}, ["from 2015.0 on"]),
    ],
)
def test_other_designs(options: dict[str, object], expected: list[str]) -> None:
    table, patients = cohort()
    found = validate_branches(table, patients, LADDER, study(permutations=2, **options))
    assert [fit.split.name for fit in found.fits] == expected
    assert 0.5 < found.score.c_index["volume"] < 1
    assert [len(values) for values in found.permuted.values()] == [2, 2]


def test_risks_come_from_the_training_patients_of_the_split_alone() -> None:
    """Features and follow-up of scored patients may be anything: nobody else's risk and no selection moves."""
    table, patients = cohort(60)
    settings = study()
    split = deal(patients, settings.validation, stream(1, "x"), 1)[0]
    work = {"branches": branches(CHOSEN, settings), "settings": settings, "acquisition": {}}
    one = fit_split((split, patients.outcome), table=table, **work)
    frame = table.frame.copy()
    frame.loc[list(split.scored[1:])] *= -7.0
    outcome = patients.outcome
    held = np.isin(outcome.patients, split.scored)
    other = Outcome(outcome.patients, np.where(held, 1.0, outcome.time_days), outcome.event | held)
    two = fit_split((split, other), table=FeatureTable(frame), **work)
    assert (one.ring, one.selected) == (two.ring, two.selected)
    for branch, risk in one.risk.items():
        assert risk[0] == two.risk[branch][0]


def test_strata_by_centre_in_every_split() -> None:
    """The hazard of the centres differs and a feature tells the centre: within centres it says nothing."""
    table, patients = cohort(120, seed=5)
    centre = {p: k for k, own in enumerate(patients.centres.values()) for p in own}
    shift = np.array([centre[p] for p in patients.outcome.patients])
    time = np.maximum(patients.outcome.time_days * np.exp(-1.5 * shift), 1.0)
    patients = replace(patients, outcome=Outcome(patients.outcome.patients, time, patients.outcome.event))
    frame = table.frame.copy()
    frame["ring_3mm__o__cm_0"] = shift + 0.2 * frame["ring_3mm__o__cm_0"]
    ladder = (Branch("ring", {"radiomics": (f"{CHOSEN}__",)}),)
    found = {}
    for strata in ("none", "centre"):
        settings = study(repeats=1)
        settings = replace(settings, fit=replace(settings.fit, strata=strata))
        found[strata] = validate_branches(FeatureTable(frame), patients, ladder, settings).ring_votes
    assert found == {"none": {"ring_3mm": 3}, "centre": {"ring_6mm": 3}}


def test_harmonisation_by_centre_in_every_split() -> None:
    """Folds that hold all centres harmonise; a left-out centre is unseen and follows the policy."""
    table, patients = cohort(120, seed=5)
    centre = {p: k for k, own in enumerate(patients.centres.values()) for p in own}
    shift = np.array([centre[p] for p in table.patients])
    frame = table.frame.copy()
    radiomics = [c for c in frame.columns if "__cm_" in c]
    frame[radiomics] = frame[radiomics].add(6.0 * shift, axis=0)
    ladder = (
        Branch("volume", {"volume": ("tumour__morph__morph_volume",)}, select=False),
        Branch("ring", {"radiomics": (f"{CHOSEN}__",)}),
    )
    score = {}
    for harmonise in ("none", "combat", "robust"):
        settings = study(repeats=1)
        fit = replace(settings.fit, harmonise=harmonise, harmonise_by="centre")
        found = validate_branches(FeatureTable(frame), patients, ladder, replace(settings, fit=fit))
        score[harmonise] = found.score.c_index
    assert score["combat"]["ring"] > score["none"]["ring"] + 0.05
    assert score["robust"]["ring"] > score["none"]["ring"] + 0.05
    assert score["combat"]["volume"] == score["none"]["volume"]  # volume alone is not harmonised
    left_out = study(design="leave_one_centre_out")
    refusing = replace(left_out, fit=replace(left_out.fit, harmonise="combat", harmonise_by="centre"))
    with pytest.raises(InputError, match="'north' could not be fitted: Batch 'north' was not among"):
        validate_branches(FeatureTable(frame), patients, ladder, refusing)
    as_it_is = replace(refusing, fit=replace(refusing.fit, unseen="as_is"))
    assert len(validate_branches(FeatureTable(frame), patients, ladder, as_it_is).fits) == 3
    by_scanner = replace(refusing, fit=replace(refusing.fit, harmonise_by="scanner"))
    with pytest.raises(InputError, match="have no scanner, so their batch by scanner is unknown"):
        validate_branches(FeatureTable(frame), patients, ladder, by_scanner)


def test_a_study_that_could_score_no_external_centre_is_refused() -> None:
    settings = study()
    refuse_unseen_centres(settings)
    fit = replace(settings.fit, harmonise="combat", harmonise_by="centre")
    with pytest.raises(SettingsError, match="leaves no external patient to score"):
        refuse_unseen_centres(replace(settings, fit=fit))
    refuse_unseen_centres(replace(settings, fit=replace(fit, unseen="as_is")))
    refuse_unseen_centres(replace(settings, fit=replace(fit, harmonise_by="scanner")))


# --- leaks put in on purpose -------------------------------------------------------------------------------------


def test_a_fold_that_sees_its_own_patients_is_refused() -> None:
    with pytest.raises(LeakageError, match="p001"):
        Split("fold 1", ("p000", "p001"), ("p001", "p002"))


def test_a_step_fitted_before_the_splits_is_refused() -> None:
    """A scaler, a harmonisation or a network that saw all patients, carried in their rows."""
    table, patients = cohort(60)
    everyone = frozenset(table.patients)
    shaped = FeatureTable(table.frame, {p: everyone - {p} for p in table.patients})
    with pytest.raises(LeakageError, match="repeat 1, fold 1.*Fit that step inside each split"):
        validate_branches(shaped, patients, LADDER, study())


def test_a_scaler_that_saw_the_outcome_shows_in_the_permuted_runs() -> None:
    """A leak that hides its patients: columns are turned by the outcome of all patients before the splits.

    With the outcome permuted before the leaking step the honest branch falls to one half, the leaking one does not.
    """
    rng = np.random.default_rng(4)
    table, patients = cohort(60, effect=0.0)
    frame = pd.DataFrame(rng.normal(size=(60, 40)), index=list(table.patients)).add_prefix("tumour__o__cm_")
    honest, leaking = [], []
    ladder = (Branch("radiomics", {"radiomics": ("tumour__",)}, select=False),)
    for number in range(3):
        own = permute(patients, study().validation, (), np.random.default_rng(number))
        rank = np.argsort(np.argsort(own.outcome.time_days))
        gain = frame.to_numpy().T @ (rank - rank.mean())
        turned = FeatureTable(pd.DataFrame(-(frame * gain).sum(axis=1), columns=["tumour__o__cm_sum"]))
        for made, results in ((FeatureTable(frame[["tumour__o__cm_0"]]), honest), (turned, leaking)):
            results.append(validate_branches(made, own, ladder, study(repeats=1)).score.c_index["radiomics"])
    assert np.mean(leaking) > 0.75
    assert abs(np.mean(honest) - 0.5) < 0.12


def test_nothing_is_found_where_there_is_nothing() -> None:
    table, patients = cohort(effect=0.0, seed=3)
    found = validate_branches(table, patients, LADDER, study(permutations=6))
    for branch, (lower, upper) in found.score.interval.items():
        assert lower <= 0.5 <= upper, branch
        assert abs(np.mean(found.permuted[branch]) - 0.5) < 0.08


# --- what cannot be validated ------------------------------------------------------------------------------------


def test_a_centre_without_deaths_is_named() -> None:
    table, patients = cohort(60)
    west = np.isin(patients.outcome.patients, patients.centres["west"])
    outcome = Outcome(patients.outcome.patients, patients.outcome.time_days, patients.outcome.event & ~west)
    with pytest.raises(OutcomeError, match="centre west had an event"):
        validate_branches(table, replace(patients, outcome=outcome), LADDER, study(design="leave_one_centre_out"))


def test_more_folds_than_deaths() -> None:
    table, patients = cohort(12)
    with pytest.raises(OutcomeError, match="50 folds need at least 50 events"):
        validate_branches(table, patients, LADDER, study(folds=50))


def test_a_split_that_cannot_be_fitted_is_named() -> None:
    table, patients = cohort(30)
    settings = study(folds=2)
    settings = replace(settings, fit=replace(settings.fit, minimum_events=29))
    with pytest.raises(InputError, match="'repeat 1, fold 1' could not be fitted: A signature needs at least 29"):
        validate_branches(table, patients, LADDER, settings)


def test_an_empty_group_is_named() -> None:
    table, patients = cohort(30)
    with pytest.raises(InputError, match="no feature starts with 'ring_99mm__'"):
        validate_branches(table, patients, (Branch("ring", {"ring": ("ring_99mm__",)}),), study())


def test_no_column_with_a_value() -> None:
    """p = 0 after constant and undefined columns left: everybody has risk 0 and C is one half."""
    table, patients = cohort(40)
    empty = FeatureTable(pd.DataFrame({"tumour__o__cm_0": 1.0, "tumour__o__cm_1": np.nan}, index=list(table.patients)))
    found = validate_branches(empty, patients, (Branch("tumour", {"radiomics": ("tumour__",)}),), study(repeats=1))
    assert found.score.c_index["tumour"] == 0.5
    assert found.score.interval["tumour"] == (0.5, 0.5)


def test_no_design() -> None:
    table, patients = cohort(30)
    with pytest.raises(SettingsError, match="no validation: set design"):
        validate_branches(table, patients, LADDER, study(design="none"))


def test_permuted_outcomes_stay_in_their_centre() -> None:
    _, patients = cohort(60)
    options = study(design="leave_one_centre_out").validation
    splits = deal(patients, options, stream(0, "x"), 1)
    null = permute(patients, options, splits, np.random.default_rng(0))
    assert null.outcome.patients == patients.outcome.patients
    assert not np.array_equal(null.outcome.time_days, patients.outcome.time_days)
    for own in patients.centres.values():
        before, after = patients.outcome.take(own), null.outcome.take(own)
        assert sorted(zip(before.time_days, before.event, strict=True)) == sorted(
            zip(after.time_days, after.event, strict=True)
        )
