"""One engine's LASSO-Cox path and cross-validation: python lasso_clock.py ENGINE FOLDER N P RATIO REPEATS FOLDS.

Runs in the engine's own environment on one thread. Prints seconds of the path, of path and folds, and writes the
coefficients on the original scale and the lambdas to FOLDER/ENGINE.npz.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

LENGTH = 100


def perisurv(x, t, e, fold, ratio, folds, patience=0):
    from perisurv.core import Outcome
    from perisurv.survival import LassoOptions, cv_lasso_cox, lasso_cox_path

    outcome = Outcome(tuple(f"p{k:05d}" for k in range(len(t))), t, e)
    options = LassoOptions(n_lambdas=LENGTH, lambda_min_ratio=ratio, min_gain=1e-300, patience=patience)
    few = x[:, :20]
    cv_lasso_cox(few, outcome, fold, options)  # compiles
    start = time.perf_counter()
    path = lasso_cox_path(x, outcome, options)
    alone = time.perf_counter() - start
    start = time.perf_counter()
    cv_lasso_cox(x, outcome, np.where(fold < folds, fold, -1) if folds < 10 else fold, options)
    return alone, time.perf_counter() - start, path.lambdas, path.coef


def patient(x, t, e, fold, ratio, folds):
    """The folds end where the deviance has risen for good, as by default."""
    return perisurv(x, t, e, fold, ratio, folds, patience=10)


def each_fold(path, n, fold, folds):
    start = time.perf_counter()
    lambdas, coef = path(np.ones(n, dtype=bool), None)
    alone = time.perf_counter() - start
    for k in range(folds):
        path(fold != k, lambdas)
    return alone, time.perf_counter() - start, lambdas, coef


def adelie(x, t, e, fold, ratio, folds):
    import adelie as ad

    def path(rows, lambdas):
        part = x[rows]
        sd = part.std(axis=0)
        z = np.asfortranarray((part - part.mean(axis=0)) / sd)
        died = e[rows].astype(float)
        glm = ad.glm.cox(start=np.zeros(rows.sum()), stop=t[rows], status=died, tie_method="breslow")
        state = ad.grpnet(
            X=z, glm=glm, lmda_path_size=LENGTH, min_ratio=ratio, lmda_path=lambdas, early_exit=False,
            progress_bar=False, n_threads=1,
        )  # fmt: skip
        return np.array(state.lmdas), state.betas.toarray() / sd

    return each_fold(path, len(t), fold, folds)


def coxnet(x, t, e, fold, ratio, folds):
    from sksurv.linear_model import CoxnetSurvivalAnalysis

    y = np.array(list(zip(e, t, strict=True)), dtype=[("e", bool), ("t", float)])

    def path(rows, lambdas):
        part = x[rows]
        sd = part.std(axis=0)
        model = CoxnetSurvivalAnalysis(
            l1_ratio=1.0, n_alphas=LENGTH, alpha_min_ratio=ratio, alphas=lambdas, max_iter=1_000_000
        )
        model.fit(np.asfortranarray((part - part.mean(axis=0)) / sd), y[rows])
        return np.array(model.alphas_), model.coef_.T / sd

    return each_fold(path, len(t), fold, folds)


def main() -> None:
    engine, folder = sys.argv[1], Path(sys.argv[2])
    n, p, repeats, folds = int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[6]), int(sys.argv[7])
    x = np.fromfile(folder / "x.bin").reshape(p, n).T
    t, e, fold = np.loadtxt(folder / "y.csv", delimiter=",").T
    warnings.simplefilter("ignore")
    run = {"perisurv": perisurv, "perisurv-patience": patient, "adelie": adelie, "coxnet": coxnet}[engine]
    times = []
    for _ in range(repeats):
        *seconds, lambdas, coef = run(x, t, e > 0, fold.astype(int), float(sys.argv[5]), folds)
        times.append(seconds)
    np.savez(folder / f"{engine}.npz", coef=coef, lambdas=lambdas)
    print(json.dumps({"times": times}))


if __name__ == "__main__":
    main()
