"""The script of the QC page in a browser: what it says of the rows, sorting, finding. Passed over without Chromium."""

import re
import shutil
import subprocess

import pytest

from perisurv.core import Finding
from perisurv.report import PatientRow, render_cohort

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")


def _said(tmp_path, count, act=""):
    """What stands beside the search field after ``act``, and the patients that are laid out."""
    bad = (Finding("a", "first", "a CT", False, "gone"),)
    rows = [PatientRow(f"P-{n}", "north", findings=bad if n % 10 == 0 else ()) for n in range(count)]
    page = render_cohort(rows, ())
    page = re.sub(r"script-src '[^']+'", "script-src 'unsafe-inline'", page)
    page = page.replace("</body>", f"<script>{act}</script></body>")
    path = tmp_path / "index.html"
    path.write_text(page, encoding="utf-8")
    shown = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    table = shown[shown.index('id="cohort"') :]
    first = table[table.index("<tbody") : table.index("</tbody>")]
    return re.search(r'id="rows">([^<]*)<', shown).group(1), re.findall(r">(P-\d+)<", first)


FIND = "search.value = '{}'; search.dispatchEvent(new Event('input'));"


@pytest.mark.parametrize(
    ("count", "act", "said", "laid_out"),
    [
        (1, "", "1 patient", 1),
        (250, "", "250 patients, the first 100 shown", 100),
        (150, "all.click();", "150 patients", 150),
        (250, "only.click();", "25 of 250 patients found", 25),
        (250, FIND.format("P-1"), "111 of 250 patients found, the first 100 shown", 100),
        (250, FIND.format("nobody"), "0 of 250 patients found", 0),
    ],
)
def test_how_many_are_shown_is_said_in_words(tmp_path, count, act, said, laid_out):
    told, rows = _said(tmp_path, count, act)
    assert told == said
    assert len(rows) == laid_out


def test_numbers_sort_as_numbers_both_ways(tmp_path):
    sort = "document.querySelector('#cohort th button').click();"
    assert _said(tmp_path, 120, sort * 2)[1][:2] == ["P-119", "P-118"]
