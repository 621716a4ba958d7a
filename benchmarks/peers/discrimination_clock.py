"""Seconds of scikit-survival and lifelines: ``discrimination_clock.py FOLDER REPEATS``; prints JSON of medians."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def clock(work: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main(folder: Path, repeats: int) -> None:
    from lifelines.utils import concordance_index
    from sksurv.metrics import concordance_index_censored, concordance_index_ipcw, cumulative_dynamic_auc
    from sksurv.util import Surv

    found: dict[str, float] = {}
    times, events, risks = np.load(folder / "10000.npy")
    found["scikit-survival C 10000"] = clock(lambda: concordance_index_censored(events == 1, times, risks), repeats)
    found["lifelines C 10000"] = clock(lambda: concordance_index(times, -risks, events), repeats)
    times, events, risks = np.load(folder / "300.npy")
    rng = np.random.default_rng(0)
    draws = rng.integers(0, 300, (2000, 300))

    def sksurv_bootstrap() -> object:
        return [concordance_index_censored(events[d] == 1, times[d], risks[d])[0] for d in draws]

    def lifelines_bootstrap() -> object:
        return [concordance_index(times[d], -risks[d], events[d]) for d in draws]

    found["scikit-survival bootstrap"] = clock(sksurv_bootstrap, repeats)
    found["lifelines bootstrap"] = clock(lifelines_bootstrap, repeats)
    times, events, risks = np.load(folder / "1000.npy")
    follow_up = Surv.from_arrays(events == 1, times)
    grid = np.quantile(times, np.linspace(0.1, 0.8, 100))
    found["scikit-survival AUC curve"] = clock(
        lambda: cumulative_dynamic_auc(follow_up, follow_up, risks, grid), repeats
    )
    found["scikit-survival Uno 1000"] = clock(
        lambda: concordance_index_ipcw(follow_up, follow_up, risks, tau=grid[-1]), repeats
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
