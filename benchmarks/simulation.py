"""``make bench-simulation``: seconds per simulated patient at the default size, one core."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from threadpoolctl import threadpool_limits

from perisurv.simulation import SimulationOptions, plan, simulate_patient
from table import Row, publish

PATIENTS = 9


def main() -> None:
    cohort = plan(SimulationOptions(), 2025)
    numbers = [round(n * 302 / (PATIENTS - 1)) for n in range(PATIENTS)]  # spread over the three centres
    seconds = []
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        simulate_patient(cohort, 1, Path(folder) / "warm")
        for number in numbers:
            start = time.perf_counter()
            simulate_patient(cohort, number, Path(folder) / "timed")
            seconds.append(time.perf_counter() - start)
    median, worst = statistics.median(seconds), max(seconds)
    rows = [
        Row("median patient, one core", median, "s", "<= 2", median <= 2),
        Row("mean patient, one core", statistics.mean(seconds), "s", "<= 2", statistics.mean(seconds) <= 2),
        Row("slowest patient, one core", worst, "s"),
    ]
    publish("simulation", rows, "make bench-simulation")


if __name__ == "__main__":
    main()
