"""The two transcripts of the documentation are what the commands print today."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parents[2] / "docs" / "make_transcripts.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_transcripts", SCRIPT)
    module = sys.modules["make_transcripts"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def printed(script, tmp_path_factory):
    return script.transcripts(tmp_path_factory.mktemp("hour"))


@pytest.mark.parametrize("name", ["first-hour.md", "cluster-log.md"])
def test_a_transcript_is_what_is_printed(script, printed, name):
    kept = (script.PAGES / name).read_text(encoding="utf-8")
    assert script.comparable(kept) == script.comparable(printed[name])


def test_a_log_without_terminal_is_never_silent_for_long(printed):
    log = printed["cluster-log.md"]
    begins = [
        "stage 1, index",
        *(f"stage {n} of 6, " for n in range(2, 7)),
    ]  # how many there are is known after the index
    assert all(words in log for words in begins), log
    assert "\x1b" not in log
