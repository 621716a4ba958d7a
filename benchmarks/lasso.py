"""``make bench-lasso``: a LASSO-Cox path of 100 lambdas and its 10 folds, beside glmnet, adelie and Coxnet.

Lambdas fall to a tenth of the largest. Every engine runs in its own process and environment on one thread. ``error`` is
the largest difference of a coefficient, per standard deviation of its feature, to glmnet at thresh = 1e-14. The columns
of the real table that copy another are left out: among copies the coefficients are not unique. At 2000 x 20000 the
tight glmnet fits the path and one fold, from which ten folds are reckoned.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from table import Row, publish

HERE = Path(__file__).parent
DATA = Path(os.environ.get("PERISURV_TEST_DATA", HERE.parent.parent / "shared" / "data")) / "reference_statistics"
ONE = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
RATIO, FOLDS, ACCURATE = 0.1, 10, 1e-4
PEERS = {"adelie": "adelie", "coxnet": "scikit-survival"}


@dataclass(frozen=True)
class Case:
    """One size: what to call it, how often to time it, and how many folds the tight glmnet fits."""

    name: str
    x: np.ndarray
    time: np.ndarray
    event: np.ndarray
    repeats: int
    glmnet_folds: int = FOLDS


def simulated(name: str, n: int, p: int, repeats: int, glmnet_folds: int = FOLDS) -> Case:
    """Blocks of 20 correlated features, 20 of which carry a log hazard ratio of 0.3; days, so with ties."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((n, p))
    x = np.sqrt(0.7) * x + np.sqrt(0.3) * np.repeat(rng.standard_normal((n, p // 20)), 20, axis=1)
    death = np.ceil(rng.exponential(1000 * np.exp(-0.3 * x[:, :: p // 20][:, :20].sum(axis=1))))
    censored = np.ceil(rng.uniform(200, 4000, n))
    return Case(name, x, np.minimum(death, censored), death <= censored, repeats, glmnet_folds)


def lung1() -> Case:
    """The real table, without the columns that copy another or its negative."""
    frame = pd.read_csv(DATA / "lung1_std_X.csv", index_col=0)
    x = frame.iloc[:, 2:].to_numpy()
    alike = np.abs(np.corrcoef(x.T)) > 1 - 1e-9
    first = alike.argmax(axis=0) == np.arange(len(alike))
    name = f"421 x {int(first.sum())}, LUNG1 without copies"
    return Case(name, x[:, first], frame["time"].to_numpy(float), frame["event"].to_numpy(bool), 5)


def printed(command: list[object]) -> str:
    """What a process printed last."""
    run = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, env=os.environ | ONE)
    if run.returncode:
        raise SystemExit(f"{command} failed:\n{run.stderr[-2000:]}")
    return run.stdout.splitlines()[-1]


def clocked(engine: str, folder: str, case: Case) -> tuple[float, float, np.ndarray]:
    """Median seconds of the path and of path and folds, and the coefficients."""
    python = sys.executable if engine == "perisurv" else HERE / ".envs" / PEERS[engine] / "bin" / "python"
    n, p = case.x.shape
    clock = HERE / "peers" / "lasso_clock.py"
    said = json.loads(printed([python, clock, engine, folder, n, p, RATIO, case.repeats, FOLDS]))
    path, both = (statistics.median(column) for column in zip(*said["times"], strict=True))
    return path, both, np.load(Path(folder) / f"{engine}.npy")


def glmnet(folder: str, case: Case, thresh: str, folds: int) -> tuple[float, float, np.ndarray]:
    """Seconds of glmnet's path and of path and ten folds, and the coefficients."""
    n, p = case.x.shape
    script = HERE / "peers" / "lasso_glmnet.R"
    path, both, _ = map(float, printed(["Rscript", script, folder, n, p, RATIO, thresh, folds]).split())
    return path, path + (both - path) * FOLDS / folds, np.fromfile(Path(folder) / f"glmnet_{thresh}.bin").reshape(-1, p)


def rows(case: Case, *, with_r: bool) -> Iterator[Row]:
    """Every engine on one case."""
    with tempfile.TemporaryDirectory() as folder:
        np.asfortranarray(case.x).T.tofile(Path(folder) / "x.bin")
        fold = np.random.default_rng(0).permutation(len(case.x)) % FOLDS
        table = np.column_stack([case.time, case.event, fold])
        np.savetxt(Path(folder) / "y.csv", table, delimiter=",", fmt="%g")
        found = {engine: clocked(engine, folder, case) for engine in ("perisurv", *PEERS)}
        if with_r:
            found["glmnet, default"] = glmnet(folder, case, "1e-7", case.glmnet_folds)
            found["glmnet, tight"] = glmnet(folder, case, "1e-14", case.glmnet_folds)
    own = found["perisurv"][1]
    for engine, (path, both, coef) in found.items():
        yield Row(f"{case.name}, {engine}: path", path, "s")
        limit = case.name.startswith("300 ") and engine == "perisurv"
        yield Row(
            f"{case.name}, {engine}: path + 10 folds",
            both,
            "s",
            "< 0.5" if limit else "",
            both < 0.5 if limit else None,
        )
        if with_r and engine != "glmnet, tight":
            tight = found["glmnet, tight"][2]
            length = min(len(coef), len(tight))
            error = float(np.abs((coef[:length] - tight[:length]) * case.x.std(axis=0)).max())
            judged = engine == "perisurv"
            yield Row(
                f"{case.name}, {engine}: error",
                error,
                "",
                f"<= {ACCURATE:g}" if judged else "",
                error <= ACCURATE if judged else None,
            )
    for peer in PEERS:
        ratio = own / found[peer][1]
        yield Row(f"{case.name}, perisurv / {peer}: path + 10 folds", ratio, "ratio", "<= 1", ratio <= 1)
    if with_r:
        ratio = own / found["glmnet, tight"][1]
        yield Row(f"{case.name}, perisurv / glmnet, tight: path + 10 folds", ratio, "ratio", "<= 0.333", ratio <= 1 / 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="leave 2000 x 20000 out")
    task = parser.parse_args()
    with_r = shutil.which("Rscript") is not None
    if not with_r:
        print("There is no Rscript: the rows of glmnet are left out.", file=sys.stderr)
    cases = [simulated("300 x 2000, simulated", 300, 2000, 5), *([lung1()] if DATA.is_dir() else [])]
    if not task.small:
        cases.append(simulated("2000 x 20000, simulated", 2000, 20000, 1, 1))
    command = shlex.join(["python", "benchmarks/lasso.py", *sys.argv[1:]]) if sys.argv[1:] else "make bench-lasso"
    publish("lasso", [row for case in cases for row in rows(case, with_r=with_r)], command)


if __name__ == "__main__":
    main()
