"""What `run` says of clinical columns: guesses to whoever wants to hear more, everything else to everybody."""

import pytest

from perisurv.cli_study import _guesses

GUESS = "clinical.csv: column 'gender' read as sex"


@pytest.mark.parametrize(
    "other",
    [
        "clinical.csv: 14 rows (utf-8, comma between cells)",
        "clinical.csv: 3 cells of column 'stage' were not understood",
        "volume: fitted on 8 deaths for 1 feature: fewer than 10 deaths a feature.",
    ],
)
def test_only_guesses_of_columns_are_for_verbose_runs(other):
    assert _guesses((GUESS, other)) == ([GUESS], [other])
