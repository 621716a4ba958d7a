"""``make bench-lasso``: a LASSO-Cox path of 100 lambdas and its 10 folds, beside glmnet, adelie and Coxnet.

Lambdas fall to a tenth of the largest. Every engine runs in its own process and environment on one thread. ``error`` is
the largest difference of a coefficient, per standard deviation of its feature, to glmnet at thresh = 1e-14, ``KKT`` the
largest violation of the optimality conditions as a share of the largest lambda: what tells who is nearer to the
optimum where two engines differ. perisurv walks the whole path, and, as by default, only until the deviance has risen
for good ("patience"). The columns of the real table that copy another are left out: among copies the coefficients are
not unique. At 2000 x 20000 the tight glmnet fits the path and one fold, from which ten folds are reckoned.
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
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from perisurv.core import Outcome
from perisurv.statistics import RiskSets
from perisurv.survival import univariate_cox
from table import Row, publish

HERE = Path(__file__).parent
DATA = Path(os.environ.get("PERISURV_TEST_DATA", HERE.parent.parent / "shared" / "data")) / "reference_statistics"
ONE = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
RATIO, FOLDS, ACCURATE = 0.1, 10, 1e-4
PEERS = {"adelie": "adelie", "coxnet": "scikit-survival"}
OWN = ("perisurv", "perisurv-patience")


@dataclass(frozen=True)
class Found:
    """Seconds of the path and of path and folds; coefficients (path, features) on the original scale; lambdas."""

    path: float
    both: float
    coef: np.ndarray
    lambdas: np.ndarray


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


def clocked(engine: str, folder: str, case: Case) -> Found:
    """Medians of an engine of Python."""
    python = sys.executable if engine in OWN else HERE / ".envs" / PEERS[engine] / "bin" / "python"
    n, p = case.x.shape
    clock = HERE / "peers" / "lasso_clock.py"
    said = json.loads(printed([python, clock, engine, folder, n, p, RATIO, case.repeats, FOLDS]))
    path, both = (statistics.median(column) for column in zip(*said["times"], strict=True))
    with np.load(Path(folder) / f"{engine}.npz") as kept:
        return Found(path, both, kept["coef"], kept["lambdas"])


def glmnet(folder: str, case: Case, thresh: str, folds: int) -> Found:
    """glmnet, once."""
    n, p = case.x.shape
    script = HERE / "peers" / "lasso_glmnet.R"
    path, both, _ = map(float, printed(["Rscript", script, folder, n, p, RATIO, thresh, folds]).split())
    coef = np.fromfile(Path(folder) / f"glmnet_{thresh}.bin").reshape(-1, p)
    lambdas = np.fromfile(Path(folder) / f"glmnet_{thresh}_lambda.bin")
    return Found(path, path + (both - path) * FOLDS / folds, coef, lambdas)


def violation(case: Case, found: Found) -> float:
    """Largest violation of the optimality conditions over the path, as a share of its first lambda."""
    sets = RiskSets.of(case.time, case.event, "breslow")
    sd = case.x.std(axis=0)
    z = ((case.x - case.x.mean(axis=0)) / sd)[sets.order]
    coef = found.coef * sd
    residual = []
    for eta in coef @ z.T:
        weight = np.exp(eta - eta.max())
        one = -weight * sets.up_to(1 / sets.at_risk(weight))
        one[sets.deaths] += 1.0
        residual.append(one)
    gradient = np.stack(residual) @ z / len(z)
    limit = found.lambdas[: len(coef), None]
    off = np.where(coef != 0, np.abs(gradient - limit * np.sign(coef)), np.abs(gradient) - limit)
    return float(off.max() / found.lambdas[0])


def rows(case: Case, *, with_r: bool) -> Iterator[Row]:
    """Every engine on one case."""
    with tempfile.TemporaryDirectory() as folder:
        np.asfortranarray(case.x).T.tofile(Path(folder) / "x.bin")
        fold = np.random.default_rng(0).permutation(len(case.x)) % FOLDS
        table = np.column_stack([case.time, case.event, fold])
        np.savetxt(Path(folder) / "y.csv", table, delimiter=",", fmt="%g")
        found = {engine: clocked(engine, folder, case) for engine in (*OWN, *PEERS)}
        if with_r:
            found["glmnet, default"] = glmnet(folder, case, "1e-7", case.glmnet_folds)
            found["glmnet, tight"] = glmnet(folder, case, "1e-14", case.glmnet_folds)
    small = case.name.startswith("300 ")
    for engine, one in found.items():
        limit = small and engine in OWN
        met = one.both < 0.5 if limit else None
        yield Row(f"{case.name}, {engine}: path", one.path, "s")
        yield Row(f"{case.name}, {engine}: path + 10 folds", one.both, "s", "< 0.5" if limit else "", met)
    for engine, one in found.items():
        if engine == "perisurv-patience":
            continue
        yield Row(f"{case.name}, {engine}: KKT", violation(case, one), "lambda_max")
        if with_r and engine != "glmnet, tight":
            tight = found["glmnet, tight"].coef
            length = min(len(one.coef), len(tight))
            error = float(np.abs((one.coef[:length] - tight[:length]) * case.x.std(axis=0)).max())
            judged = engine == "perisurv"
            target, met = (f"<= {ACCURATE:g}", error <= ACCURATE) if judged else ("", None)
            yield Row(f"{case.name}, {engine}: error", error, "", target, met)
    yield from ratios(case, found)


def ratios(case: Case, found: dict[str, Found]) -> Iterator[Row]:
    """Path and folds of perisurv against its peers."""
    limits = dict.fromkeys(PEERS, ("<= 1", 1.0)) | {"glmnet, tight": ("<= 0.333", 1 / 3)}
    for own in OWN:
        for peer, (target, most) in limits.items():
            if peer in found:
                ratio = found[own].both / found[peer].both
                yield Row(f"{case.name}, {own} / {peer}: path + 10 folds", ratio, "ratio", target, ratio <= most)


def univariate() -> Row:
    """One Cox model a feature, 20 000 features of 2 000 patients, on one core."""
    case = simulated("", 2000, 20000, 5)
    outcome = Outcome(tuple(f"p{k:04d}" for k in range(len(case.x))), case.time, case.event)
    seconds = []
    with threadpool_limits(1):
        univariate_cox(case.x[:, :10], outcome)  # compiles
        for _ in range(case.repeats):
            start = time.perf_counter()
            univariate_cox(case.x, outcome)
            seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    return Row("univariate Cox, 2000 x 20000, one core", median, "s", "< 2", median < 2)


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
    measured = [row for case in cases for row in rows(case, with_r=with_r)]
    publish("lasso", [univariate(), *measured], command)


if __name__ == "__main__":
    main()
