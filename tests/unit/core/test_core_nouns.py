"""Nouns refuse what cannot be, in words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perisurv.core import (
    Cohort,
    FeatureError,
    FeatureTable,
    Geometry,
    GeometryError,
    InputError,
    LeakageError,
    Mask,
    Outcome,
    OutcomeError,
    Patient,
    Prediction,
    Region,
    RegionError,
    RegionSet,
    Scan,
    Volume,
)

GRID = Geometry((4, 5, 6), (3.0, 1.0, 0.5), (-10.0, 20.0, 5.0))


def _mask(fill: bool = True) -> Mask:
    return Mask(np.full(GRID.shape, fill), GRID)


def _volume() -> Volume:
    return Volume(np.zeros(GRID.shape, np.float32), GRID)


class TestGeometry:
    def test_index_to_point_by_hand(self) -> None:
        """Slice 2, row 3, column 4 of an axial grid: x grows with columns, y with rows, z with slices."""
        np.testing.assert_allclose(GRID.to_mm((2, 3, 4)), (-10 + 4 * 0.5, 20 + 3 * 1.0, 5 + 2 * 3.0))

    @given(st.lists(st.floats(-100, 100), min_size=3, max_size=3))
    def test_points_round_trip(self, index: list[float]) -> None:
        np.testing.assert_allclose(GRID.to_index(GRID.to_mm(index)), index, atol=1e-9)

    @given(
        st.tuples(*[st.integers(1, 40)] * 3),
        st.tuples(*[st.floats(0.3, 5.0)] * 3),
        st.floats(0.5, 3.0),
    )
    def test_resampled_grid_keeps_the_centre_and_covers_the_extent(
        self, shape: tuple[int, int, int], spacing: tuple[float, float, float], new: float
    ) -> None:
        old = Geometry(shape, spacing)
        fine = old.resampled((new, new, new))
        centre = old.to_mm((np.array(shape) - 1) / 2)
        np.testing.assert_allclose(fine.to_mm((np.array(fine.shape) - 1) / 2), centre, atol=1e-6)
        extent = np.array(shape) * spacing
        assert (np.array(fine.shape) * new >= extent - 1e-6).all()
        assert (np.array(fine.shape) * new < extent + new + 1e-6).all()

    def test_crop_moves_the_origin(self) -> None:
        crop = GRID.crop((slice(1, 3), slice(2, 5), slice(0, 6)))
        assert crop.shape == (2, 3, 6)
        np.testing.assert_allclose(crop.to_mm((0, 0, 0)), GRID.to_mm((1, 2, 0)))

    @pytest.mark.parametrize(
        ("kwargs", "word"),
        [
            ({"shape": (0, 1, 1), "spacing_mm": (1, 1, 1)}, "at least one voxel"),
            ({"shape": (1, 1, 1), "spacing_mm": (1, 0, 1)}, "positive"),
            ({"shape": (1, 1, 1), "spacing_mm": (1, 1, 1), "origin_mm": (np.nan, 0, 0)}, "finite"),
            ({"shape": (1, 1, 1), "spacing_mm": (1, 1, 1), "direction": ((1, 0, 0),) * 3}, "orthogonal"),
        ],
    )
    def test_refuses(self, kwargs: dict[str, tuple[float, ...]], word: str) -> None:
        with pytest.raises(GeometryError, match=word):
            Geometry(**kwargs)  # type: ignore[arg-type]


class TestVolumes:
    def test_values_are_read_only_and_the_caller_keeps_his(self) -> None:
        values = np.zeros(GRID.shape, np.float32)
        volume = Volume(values, GRID)
        with pytest.raises(ValueError, match="read-only"):
            volume.values[0, 0, 0] = 1
        values[0, 0, 0] = 1

    def test_refuses_other_shape_nan_and_labels(self) -> None:
        with pytest.raises(GeometryError, match="does not fit"):
            Volume(np.zeros((1, 2, 3), np.float32), GRID)
        with pytest.raises(GeometryError, match="not finite"):
            Volume(np.full(GRID.shape, np.nan, np.float32), GRID)
        with pytest.raises(GeometryError, match="boolean"):
            Mask(np.zeros(GRID.shape, np.int16), GRID)  # type: ignore[arg-type]

    def test_bounding_box_with_margin_in_mm(self) -> None:
        values = np.zeros(GRID.shape, bool)
        values[2, 2, 3] = True
        assert Mask(values, GRID).bounding_box(1.0) == (slice(1, 4), slice(1, 4), slice(1, 6))
        with pytest.raises(RegionError, match="empty"):
            _mask(fill=False).bounding_box()

    def test_volume_ml(self) -> None:
        assert _mask().volume_ml == pytest.approx(4 * 5 * 6 * 1.5 / 1000)

    def test_scan_needs_one_grid_and_a_tumour(self) -> None:
        shifted = Geometry(GRID.shape, GRID.spacing_mm, (0.0, 0.0, 0.0))
        with pytest.raises(GeometryError, match="P1"):
            Scan("P1", _volume(), Mask(np.ones(GRID.shape, bool), shifted))
        with pytest.raises(RegionError, match="empty"):
            Scan("P1", _volume(), _mask(fill=False))


class TestRegionSet:
    def test_lookup_and_refusals(self) -> None:
        regions = RegionSet("P1", _volume(), (Region("tumour", _mask()),))
        assert regions["tumour"].mask.voxel_count == 120
        with pytest.raises(RegionError, match="ring_3mm"):
            regions["ring_3mm"]
        with pytest.raises(RegionError, match="unique"):
            RegionSet("P1", _volume(), (Region("a", _mask()), Region("a", _mask())))
        with pytest.raises(RegionError, match="empty"):
            RegionSet("P1", _volume(), (Region("a", _mask(fill=False)),))


class TestOutcome:
    @pytest.mark.parametrize("time", [0.0, -1.0, np.nan, np.inf])
    def test_refuses_impossible_times(self, time: float) -> None:
        with pytest.raises(OutcomeError, match="positive and finite.*B"):
            Outcome(("A", "B"), np.array([1.0, time]), np.array([True, False]))

    def test_refuses_duplicates_lengths_and_numbers_for_events(self) -> None:
        with pytest.raises(OutcomeError, match="twice"):
            Outcome(("A", "A"), np.ones(2), np.ones(2, bool))
        with pytest.raises(OutcomeError, match="lengths"):
            Outcome(("A", "B"), np.ones(1), np.ones(2, bool))
        with pytest.raises(OutcomeError, match="boolean"):
            Outcome(("A",), np.ones(1), np.ones(1))  # type: ignore[arg-type]

    def test_take_keeps_the_asked_order(self) -> None:
        outcome = Outcome(("A", "B", "C"), np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
        taken = outcome.take(["C", "A"])
        assert taken.patients == ("C", "A")
        assert taken.time_days.tolist() == [3.0, 1.0]
        assert Outcome.from_frame(outcome.to_frame()).n_events == 2
        with pytest.raises(OutcomeError, match="No follow-up for Z"):
            outcome.take(["Z"])


class TestFeatureTable:
    TABLE = FeatureTable(pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=["P1", "P2"]))

    def test_a_row_made_by_a_model_that_saw_the_patient_cannot_exist(self) -> None:
        with pytest.raises(LeakageError, match="P2"):
            FeatureTable(self.TABLE.frame, {"P2": frozenset({"P1", "P2"})})

    def test_joining_keeps_what_was_seen(self) -> None:
        other = FeatureTable(
            pd.DataFrame({"c": [5.0, 6.0]}, index=["P2", "P1"]), {"P1": frozenset({"P9"}), "P2": frozenset({"P8"})}
        )
        joined = self.TABLE.join(other)
        assert joined.frame.loc["P1"].tolist() == [1.0, 3.0, 6.0]
        assert joined.seen == {"P8", "P9"}
        assert joined.take(["P1"]).seen == {"P9"}

    def test_stack_refuses_a_patient_twice(self) -> None:
        with pytest.raises(FeatureError, match="unique"):
            FeatureTable.stack([self.TABLE, self.TABLE])

    def test_refusals(self) -> None:
        with pytest.raises(FeatureError, match="infinite"):
            FeatureTable(pd.DataFrame({"a": [np.inf]}, index=["P1"]))
        with pytest.raises(FeatureError, match="'z'"):
            self.TABLE.select(["z"])
        with pytest.raises(FeatureError, match="P9"):
            self.TABLE.take(["P9"])


class _Nowhere:
    def read(self, patient: str) -> Scan:
        raise AssertionError(patient)

    def describe(self) -> dict[str, str]:
        return {}


def test_cohort_refuses_what_does_not_fit() -> None:
    patients = (Patient("A", "x", _Nowhere()), Patient("B", "y", _Nowhere()))
    clinical = pd.DataFrame(index=["A", "B"])
    cohort = Cohort(patients, clinical)
    assert cohort.centres == {"x": ("A",), "y": ("B",)}
    assert repr(cohort) == "Cohort(2 patients, 0 excluded: see .exclusions)"
    with pytest.raises(InputError, match="No patient 'Z'"):
        cohort["Z"]
    with pytest.raises(InputError, match="clinical"):
        Cohort(patients, clinical.iloc[::-1])
    with pytest.raises(InputError, match="outcome"):
        Cohort(patients, clinical, Outcome(("A",), np.ones(1), np.ones(1, bool)))


def test_prediction_refuses_rows_that_do_not_fit() -> None:
    good = Prediction(("A",), np.zeros(1), (365.25,), np.ones((1, 1)), np.zeros(1, bool))
    assert good.to_frame().loc["A", "group"] == "low"
    with pytest.raises(FeatureError, match="one row a patient"):
        Prediction(("A",), np.zeros(2), (365.25,), np.ones((1, 1)), np.zeros(1, bool))
    with pytest.raises(FeatureError, match="not finite"):
        Prediction(("A",), np.full(1, np.nan), (365.25,), np.ones((1, 1)), np.zeros(1, bool))
