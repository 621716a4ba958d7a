"""The how-to of CT series: its study file is read, and it names every check and what each refuses."""

import re
import tomllib
from pathlib import Path

from perisurv.cohort.checks import SERIES_CHECKS
from perisurv.study.settings import settings_from_dict

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "ct-series.md").read_text(encoding="utf-8")


def test_the_study_file_holds_the_defaults():
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    cohort = settings_from_dict(tomllib.loads(text)).cohort
    assert cohort.stack_rules == type(cohort)().stack_rules
    other = text.replace('"refuse"  ', '"resample"')
    assert settings_from_dict(tomllib.loads(other)).cohort.stack_rules.gantry_tilt == "resample"


def test_every_reason_stands_on_the_page():
    table = re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)
    assert table == list(dict.fromkeys(check.fault for check in SERIES_CHECKS))
