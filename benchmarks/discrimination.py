"""``make bench-discrimination``: C, its bootstrap, Uno's C and AUC curves beside R, scikit-survival and lifelines.

Peers are measured in the same run where they are installed: R with survival (and riskRegression), and an environment
``benchmarks/.envs/scikit-survival`` with scikit-survival and lifelines. Each figure is a median of REPEATS. Those of
perisurv include all that a caller waits for (checks, sorting, resampling, interval), but not the first call, which
compiles.
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Outcome
from perisurv.evaluation import auc_curve, c_index_interval, paired_c_difference, uno_c
from perisurv.statistics import concordance, harrell_c
from table import Row, publish

REPEATS = 5
HERE = Path(__file__).parent
PEER = HERE / ".envs" / "scikit-survival" / "bin" / "python"
SIZES = (300, 1000, 10_000, 100_000)
Floats = NDArray[np.float64]


def study(n: int) -> tuple[Outcome, Floats]:
    """Follow-up of n patients, 60 % of them dead, in whole days; risks of two decimals."""
    rng = np.random.default_rng(n)
    risk = np.round(rng.normal(size=n), 2)
    death, censored = rng.exponential(900 * np.exp(-0.5 * risk)), rng.exponential(1500, n)
    time_days = np.ceil(np.minimum(death, censored)) + 1
    return Outcome(tuple(f"P{k:06}" for k in range(n)), time_days, death <= censored), risk


def clock(work: Callable[[], object]) -> float:
    """Median seconds; the first call is not counted."""
    work()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def own() -> dict[str, float]:
    """Seconds of perisurv."""
    cohorts = {n: study(n) for n in SIZES}
    found = {}
    for n in (10_000, 100_000):
        outcome, risk = cohorts[n]
        found[f"C {n}"] = clock(lambda o=outcome, r=risk: harrell_c(o.time_days, o.event, r))
        found[f"C and its error {n}"] = clock(lambda o=outcome, r=risk: concordance(o.time_days, o.event, r))
    outcome, risk = cohorts[300]
    centre = ["abc"[k % 3] for k in range(300)]
    rng = np.random.default_rng(0)
    found["bootstrap"] = clock(lambda: c_index_interval(outcome, risk, rng, 2000))
    found["bootstrap BCa"] = clock(lambda: c_index_interval(outcome, risk, rng, 2000, strata=centre, method="bca"))
    other = risk + rng.normal(size=300)
    found["paired bootstrap"] = clock(lambda: paired_c_difference(outcome, risk, other, rng, resamples=2000))
    outcome_1000, risk_1000 = cohorts[1000]
    grid = np.unique(np.quantile(outcome_1000.time_days, np.linspace(0.1, 0.8, 100))).tolist()
    found["AUC curve"] = clock(lambda: auc_curve(outcome_1000, risk_1000, grid))
    found["Uno 1000"] = clock(lambda: uno_c(outcome_1000, risk_1000, tau_days=grid[-1]))
    return found


def peers() -> dict[str, float]:
    """Seconds of the peers that are installed."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n in SIZES:
            outcome, risk = study(n)
            table = np.stack([outcome.time_days, outcome.event, risk])
            np.save(folder / f"{n}.npy", table)
            np.savetxt(folder / f"{n}.csv", table.T, delimiter=",", fmt="%.17g")
        clocks = HERE / "peers" / "discrimination_clock"
        commands = []
        if PEER.exists():
            commands.append([str(PEER), f"{clocks}.py"])
        if shutil.which("Rscript"):
            commands.append(["Rscript", f"{clocks}.R"])
        for command in commands:
            out = subprocess.run([*command, name, str(REPEATS)], capture_output=True, text=True, check=False)
            if out.returncode == 0:
                found |= json.loads(out.stdout)
            else:
                print(f"left out, {command[0]} failed: {out.stderr.strip()[-300:]}")
    return found


def main() -> None:
    mine = own()
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [
        Row("Harrell's C, 100 000 patients", mine["C 100000"], "s", "< 0.2", mine["C 100000"] < 0.2),
        Row("with standard error", mine["C and its error 100000"], "s"),
        Row("2 000 bootstraps of C, 300 patients", mine["bootstrap"], "s", "< 0.3", mine["bootstrap"] < 0.3),
        Row("by centre, BCa", mine["bootstrap BCa"], "s", "< 0.3", mine["bootstrap BCa"] < 0.3),
        Row("paired difference, 2 000 bootstraps", mine["paired bootstrap"], "s"),
        Row("AUC at 100 times with errors, 1 000 patients", mine["AUC curve"], "s"),
        Row("Uno's C with its error, 1 000 patients", mine["Uno 1000"], "s"),
        Row("largest memory of all these", memory_mb, "MB"),
    ]
    for name, seconds in sorted(peers().items()):
        peer, what = name.split(" ", 1)
        rows.append(Row(f"{peer}: {what}", seconds, "s"))
        rows.append(Row(f"{peer} / perisurv: {what}", seconds / mine[what], "times"))
    publish("discrimination", rows, "make bench-discrimination")


if __name__ == "__main__":
    main()
