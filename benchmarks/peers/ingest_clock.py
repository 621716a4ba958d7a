"""What the ingest runners share: one core, the clock and the line of JSON they print. Standard library only."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

WIDTHS_MM = (3.0, 6.0, 9.0)
MARGIN_MM = 29.0
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[threads] = "1"
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def measure(patient: Callable[[Path], dict[str, float]]) -> None:
    """Run one patient ``repeats`` times after a warm-up: seconds, peak memory and the volumes found, ml."""
    folder, repeats = Path(sys.argv[1]), int(sys.argv[2])
    patient(folder)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        volumes = patient(folder)
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"times_s": times, "peak_rss_mb": peak, "volumes_ml": volumes}))
