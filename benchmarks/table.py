"""One table for every benchmark: printed, and written to ``benchmarks/results/NAME.json``."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from perisurv.study.provenance import VERSION, installed


@dataclass(frozen=True)
class Row:
    """One measured figure; ``met`` is None where there is no target."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None


def publish(name: str, rows: list[Row], command: str) -> None:
    """Print the rows and write them with environment and command."""
    width = max(len(row.name) for row in rows)
    for row in rows:
        mark = {True: "met", False: "NOT met", None: ""}[row.met]
        print(f"{row.name:<{width}}  {row.value:10.4g} {row.unit:<12} {row.target:<22} {mark}")
    environment = {
        "perisurv": VERSION,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": installed(),
    }
    path = Path(__file__).parent / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    text = json.dumps({"environment": environment, "command": command, "rows": [asdict(r) for r in rows]}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    print(f"written: {path}", file=sys.stderr)
