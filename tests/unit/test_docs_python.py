"""Every Python block of README and docs runs; what needs a cohort of one's own is named here, with the reason."""

import ast
import re
import sys
from pathlib import Path

import pytest

import perisurv

ROOT = Path(__file__).parents[2]
sys.path.append(str(Path(__file__).parent / "cohort"))

from cohort_files import row, write_patient, write_table  # noqa: E402

# Blocks of these pages are executed by the test named.
ELSEWHERE = {
    "docs/radiomics.md": "tests/e2e/test_e2e_docs.py",
    "docs/how-to/clinical-table.md": "tests/unit/cohort/test_cohort_clinical_docs.py",
    "docs/how-to/nifti-folder.md": "tests/unit/cohort/test_cohort_masks_docs.py",
    "docs/how-to/features-only.md": "tests/unit/study/test_study_how_to.py",
    "docs/how-to/predict.md": "tests/unit/study/test_study_how_to.py",
    "docs/how-to/survival-estimators.md": "tests/unit/survival/test_survival_docs.py",
    "docs/how-to/watch-stop-go-on.md": "tests/unit/study/test_study_verbose.py",
}
# Lines that begin a part which small data cannot run, and why.
NEEDS_DATA = {"README.md": ("result = ps.Study", "a study needs three hundred patients and an hour")}
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if "```python" in path.read_text(encoding="utf-8")
)


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def lung1(tmp_path, monkeypatch):
    """What the pages call ``LUNG1/``: two patients with a CT, a contour and a clinical row."""
    for patient in ("LUNG1-001", "LUNG1-002"):
        write_patient(tmp_path / "LUNG1", patient)
    write_patient(tmp_path, "LUNG1-001")
    write_table(tmp_path / "LUNG1", [row("LUNG1-001"), row("LUNG1-002", 300, 0)])
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ELSEWHERE])
def test_the_blocks_of_a_page_run(page, lung1):
    names = {"__name__": "page"}
    stop, _ = NEEDS_DATA.get(page, (None, ""))
    for block in blocks(page):
        ran = block if stop is None or stop not in block else block[: block.index(stop)]
        assert ran.strip()
        exec(compile(ran, page, "exec"), names)


@pytest.mark.parametrize("page", NEEDS_DATA)
def test_what_cannot_run_here_is_written_with_names_that_exist(page):
    stop, _ = NEEDS_DATA[page]
    (block,) = [block for block in blocks(page) if stop in block]
    used = [
        node.attr
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ps"
    ]
    assert "Study" in used
    assert all(hasattr(perisurv, name) for name in used)


@pytest.mark.parametrize(("page", "test"), ELSEWHERE.items())
def test_the_other_pages_have_their_test(page, test):
    assert page in PAGES
    text = (ROOT / test).read_text(encoding="utf-8")
    assert Path(page).name in text
    assert "exec(" in text
