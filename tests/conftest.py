"""Where the real data lies; tests that need it skip by name where it is absent."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# A shell starts what runs in its background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("no test asserts a time", deadline=None)
settings.load_profile("no test asserts a time")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of the real test data (README: how to get it)."""
    folder = Path(os.environ.get("PERISURV_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real test data absent: set PERISURV_TEST_DATA (looked in {folder})")
    return folder


@pytest.fixture(scope="module")
def any_values() -> Iterator[None]:
    """Take any values as HU: where positions, frames or bytes are tested, those of the phantoms are arbitrary."""
    from perisurv.cohort.checks import Verdict
    from perisurv.cohort.checks.image import HounsfieldValues, OneRescale, TumourValues

    with pytest.MonkeyPatch.context() as patch:
        for check in (HounsfieldValues, OneRescale, TumourValues):
            patch.setattr(check, "judge", lambda *_: Verdict(True))
        yield
