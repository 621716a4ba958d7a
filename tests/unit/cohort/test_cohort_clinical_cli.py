"""What ``perisurv index`` says about the clinical table, now and when it is asked again."""

import json

from cohort_files import hospital
from typer.testing import CliRunner

from perisurv.cli import app


def test_index_prints_what_was_guessed(tmp_path):
    hospital(tmp_path / "cohort")
    study = tmp_path / "study.toml"
    study.write_text('out = "run"\n[input]\nfolder = "cohort"\n', encoding="utf-8")
    first, again = (CliRunner().invoke(app, ["index", str(study)]).stdout for _ in range(2))
    assert first == again
    assert "  clinical.csv: column 'Survival.time' read as time (days: its name states no unit)\n" in first
    assert "  clinical.csv: column 'deadstatus.event' read as event (1 = dead, 0 = alive)\n" in first
    told = json.loads(CliRunner().invoke(app, ["index", str(study), "--json"]).stdout)
    assert "clinical.csv: column 'gender' read as sex" in told["notes"]
