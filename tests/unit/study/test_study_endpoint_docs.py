"""The how-to of other endpoints: its study files are read, and each says what the page says."""

import re
import tomllib
from pathlib import Path

from perisurv.study.settings import StudySettings, settings_from_dict

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "endpoint.md").read_text(encoding="utf-8")


def studies() -> list[StudySettings]:
    return [settings_from_dict(tomllib.loads(text)) for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]


def test_the_study_files_are_read() -> None:
    recurrence, texts, codes, column = studies()
    for settings in (recurrence, texts, codes, column):
        assert not settings.endpoint.of_death
        assert not settings.endpoint.columns(settings.cohort).clinical.event_is_death
    assert recurrence.endpoint.noun.events == "recurrences"
    assert recurrence.endpoint.columns(recurrence.cohort).columns.time_last == "days_to_last_visit"
    assert [s.endpoint.columns(s.cohort).competing for s in (recurrence, texts, codes, column)] == [
        False, True, True, True,
    ]  # fmt: skip
    assert column.endpoint.noun.competing == codes.endpoint.noun.competing == "death"
