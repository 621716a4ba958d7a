"""One thing is not several."""

import pytest

from perisurv.core.wording import counted


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (0, ("feature",), "0 features"),
        (1, ("feature",), "1 feature"),
        (2, ("death",), "2 deaths"),
        (1, ("batch", "batches"), "1 batch"),
        (3, ("batch", "batches"), "3 batches"),
    ],
)
def test_a_number_has_its_noun(number, words, expected):
    assert counted(number, *words) == expected
