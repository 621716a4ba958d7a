"""Write docs/reference/agreement.md: how far every statistic lies from published software. ``make agreement``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from agreement import ROWS, Agreement, Difference, Optimality, Sources, lasso  # noqa: E402
from agreement.rows import bound  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "agreement.md"
HEAD = """# Agreement with published software

Made by `make agreement` from `benchmarks/agreement`. Every row compares a public function with what another program printed
for the same data. The largest differences over all numbers of the row are rounded up to a power of ten, so that the
table is the same on any processor; `asked` is the limit that a test holds (a: absolute, r: relative). Relative
differences are to each number, or, marked with *, to the largest of its array. References: R 4.2.2; the scripts lie in
`tests/golden` and with the test data. LUNG1 are the 421 patients of the collection NSCLC-Radiomics.
"""
TABLE = """| statistic | function | reference | data | absolute | relative | asked | tested in |
|---|---|---|---|---|---|---|---|"""
OPTIMALITY = """
## Optimality of the LASSO path

Largest violation of the optimality (KKT) conditions over all features and lambdas, in units of the largest lambda, by a gradient
that shares no code with either solver.

| data | perisurv | glmnet 4.1-6, thresh = 1e-14 |
|---|---|---|"""
MISSING = "The page needs the reference data: set PERISURV_TEST_DATA to their folder (README). Nothing was written."


def page(found: dict[str, Difference], optimality: list[Optimality]) -> str:
    """The whole page, of differences that are already rounded up."""
    lines = [HEAD]
    section = ""
    for row in ROWS:
        if row.section != section:
            section = row.section
            lines.append(f"\n## {section}\n\n{TABLE}")
        lines.append(_line(row, found[row.statistic]))
    lines.append(OPTIMALITY)
    lines += [f"| {o.data} | < {o.ours:.0e} | {o.reference:.1e} |" for o in optimality]
    notes = [f"- {row.statistic}: {row.note}." for row in ROWS if row.note]
    return "\n".join([*lines, "\n## Where a difference is more than rounding\n", *notes]) + "\n"


def held(text: str) -> dict[str, Difference]:
    """The differences that a written page states, by statistic."""
    found = {}
    for line in text.splitlines():
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 8 and cells[4].startswith("< "):
            absolute, relative = (float(c.removeprefix("< ").rstrip("*")) for c in cells[4:6])
            found[cells[0]] = Difference(absolute, relative)
    return found


def measured(sources: Sources) -> dict[str, Difference]:
    """Every row, rounded up."""
    found = {row.statistic: row.measure(sources) for row in ROWS}
    return {name: Difference(bound(d.absolute), bound(d.relative)) for name, d in found.items()}


def _line(row: Agreement, found: Difference) -> str:
    mark = "*" if row.relative_to == "largest" else ""
    tested = f"[{Path(row.tested).stem}](../../{row.tested})"
    numbers = f"< {found.absolute:.0e} | < {found.relative:.0e}{mark} | {row.within:.0e} {row.judged[0]}"
    return f"| {row.statistic} | {row.function} | {row.reference} | {row.data} | {numbers} | {tested} |"


def main() -> None:
    """Measure all rows and write the page."""
    sources = Sources()
    if not sources.has_shared:
        raise SystemExit(MISSING)
    optimality = [Optimality(o.data, bound(o.ours), o.reference) for o in lasso.optimality(sources)]
    PAGE.write_text(page(measured(sources), optimality), encoding="utf-8")


if __name__ == "__main__":
    main()
