"""What tests of the cohort share."""

from collections.abc import Iterator

import pytest

from perisurv.cohort.checks import Verdict
from perisurv.cohort.checks.image import HounsfieldValues, TumourValues


@pytest.fixture(scope="module")
def any_values() -> Iterator[None]:
    """Take any values as HU: where positions, frames or bytes are tested, those of the phantoms are arbitrary."""
    with pytest.MonkeyPatch.context() as patch:
        for check in (HounsfieldValues, TumourValues):
            patch.setattr(check, "judge", lambda *_: Verdict(True))
        yield
