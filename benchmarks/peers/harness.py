"""What the runners share: their command line, the clock, the line of JSON they print. Standard library only."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

REGIONS = ("tumour", "ring_3mm", "ring_6mm", "ring_9mm")
WIDTHS_MM = (3.0, 6.0, 9.0)
RANGE_HU = (-1000.0, 400.0)
BIN_WIDTH_HU = 25.0
FILTERED_BINS = 32
SIGMAS_MM = (1.0, 2.0, 3.0, 4.0, 5.0)
WAVELET = "coif1"
SUBBANDS = ("LLL", "LLH", "LHL", "LHH", "HLL", "HLH", "HHL", "HHH")


def parse() -> argparse.Namespace:
    """The task of one runner."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", type=Path, help="folder with image.nii.gz and one mask a region (or mask.nii.gz)")
    parser.add_argument("--images", choices=("original", "filtered"), default="original")
    parser.add_argument("--families", choices=("common", "every"), default="common")
    parser.add_argument("--regions", default=",".join(REGIONS), type=lambda text: tuple(text.split(",")))
    parser.add_argument("--from-scan", action="store_true", help="read, resample and draw the rings in the clock")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-warm-up", action="store_true")
    parser.add_argument("--aggregation", default="3d_merged", help="of the texture matrices, where the engine has more")
    parser.add_argument("--shared", action="store_true", help="filter once for all regions, by hand where needed")
    return parser.parse_args()


def measure(task: argparse.Namespace, work: Callable[[], int], families: Sequence[str], since: float) -> None:
    """Run the work and print the times, the number of features, the families and the peak memory.

    ``since`` is when the runner's file began to run: ``first_s`` counts from there.
    """
    first = None
    if not task.no_warm_up:
        work()
        first = time.perf_counter() - since
    times, features = [], 0
    for _ in range(task.repeats):
        start = time.perf_counter()
        features = work()
        times.append(time.perf_counter() - start)
    engine = Path(sys.argv[0]).stem.removeprefix("run_")
    result: dict[str, Any] = {
        "engine": f"{engine} {importlib.metadata.version(engine)} on Python {sys.version.split()[0]}",
        "times_s": times,
        "first_s": first,
        "features": features,
        "families": list(families),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(result))
