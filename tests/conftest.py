"""Where the real data lies; tests that need it skip by name where it is absent."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of the real test data (README: how to get it)."""
    folder = Path(os.environ.get("PERISURV_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real test data absent: set PERISURV_TEST_DATA (looked in {folder})")
    return folder
