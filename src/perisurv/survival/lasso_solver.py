"""The paths of several LASSO-Cox problems on the same columns, walked together lambda by lambda.

The gradient of all features is one product of the columns with the residuals of every problem, so that the columns are
read once a lambda for all patients and all folds. Residuals of a Cox model sum to zero, hence the centring of a fold
does not matter, and its scale is a factor of the penalty (see ``Problem.unit``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from perisurv.core import ConvergenceError
from perisurv.survival.lasso_options import LassoOptions
from perisurv.survival.lasso_problem import Columns, Problem

__all__ = ["Walk", "walk"]

Floats = NDArray[np.float64]
Each = Callable[[Callable[[int], None], Sequence[int]], None]
Enough = Callable[[Floats, Floats], bool]

STRIP = 4096  # features a product: the same sums whatever the number of threads
ROOM = 32  # features in play that are provided for at first
MAX_ROUNDS = 50  # of solving and of looking for features that violate the optimality conditions
LONGEST_JUMP = 0.7  # from one lambda to the next; more is walked in steps that are not kept


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """What came of every problem along the path.

    Parameters
    ----------
    lambdas
        As far as the path of the first problem went, shape (path,).
    coef
        Coefficients of the first problem on the original scale, shape (path, features).
    eta
        Linear predictors of all patients, left out or not, in the order of the risk sets, centred by the mean of all
        patients, shape (problems, path, n).
    explained
        Share of the null deviance of the first problem that is explained, shape (path,).
    null
        Distance of the null model of the first problem from the saturated log partial likelihood.
    """

    lambdas: Floats
    coef: Floats
    eta: Floats
    explained: Floats
    null: float


class _Walker:
    """One problem on its way along the path.

    ``features`` and ``coef`` are the solution at the last lambda that was reached, ``eta`` its linear predictors (n,)
    and ``explained`` its share of the null deviance. A walker that is ``halted`` stays there.
    """

    def __init__(self, problem: Problem, rows: Floats) -> None:
        from perisurv.survival.kernels import lasso  # noqa: PLC0415  numba loads at first use

        self._kernels = lasso
        self.problem, self.rows = problem, rows
        p, n = rows.shape
        self._kept = (np.empty(n), np.empty(len(problem.sets[5])), np.empty(n))
        self._eta = np.zeros(n)
        self._value = float(lasso.residuals(self._eta, problem.share, problem.sets, *self._kept))
        self.null = problem.saturated - self._value
        self.residual = self._kept[2].copy()
        self.eta, self.explained = self._eta.copy(), 0.0
        self.features, self.coef = np.zeros(0, dtype=np.intp), np.zeros(0)
        self.inside = np.zeros(p, dtype=bool)
        self.failed = self.halted = False
        self._count = self._factored = 0
        self._play, self._order = np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
        self._coef, self._x = np.zeros(0), np.zeros((0, n))
        self._hessian, self._factor = np.zeros((0, 0)), np.zeros((0, 0))
        self._make_room(ROOM)

    def add(self, new: NDArray[np.intp]) -> None:
        """Let features take part."""
        a, needed = self._count, self._count + len(new)
        if needed > len(self._coef):
            self._make_room(max(needed, 2 * len(self._coef)))
        self._kernels.add_features(
            new, self.rows, self._x, self._hessian, a, self._kept, self.problem.share, self.problem.sets
        )
        self._play[a:needed], self._coef[a:needed] = new, 0.0
        self.inside[new] = True
        self._count = needed

    def solve(self, penalty: float, slack: float) -> None:
        """Go to the optimum over the features that take part; ``failed`` tells if it was not reached."""
        if not self._count:
            return
        play, problem = self._play[: self._count], self.problem
        l1, l2, unit = penalty * problem.l1[play], penalty * problem.l2[play], problem.unit[play]
        reached, self._count, self._value, self._factored = self._kernels.solve(
            self._play, self._x, self._hessian, self._coef, l1, l2, unit, self._count, self._eta, problem.share,
            problem.sets, self._kept, self.inside, self.residual, slack,
            self._factor, self._order, self._factored,
        )  # fmt: skip
        self.failed = not reached

    def arrive(self, max_explained: float) -> None:
        """Keep the solution; go no further where no finite maximum is in sight."""
        if self.failed:
            self.halted = True
        if self.halted:
            return
        chosen = np.flatnonzero(self._coef[: self._count])
        self.features, self.coef = self._play[chosen], self._coef[chosen]
        self._eta = self.coef @ self._x[chosen] if len(chosen) else np.zeros_like(self._eta)
        self.eta = self._eta.copy()
        left = self.problem.saturated - self._value
        self.explained = 1 - left / self.null if self.null > 0 else 0.0
        self.halted = self.explained > max_explained

    def violated(self, gradient: Floats, penalty: float, slack: float) -> NDArray[np.intp]:
        """Features that do not take part and should, from the gradient of all (features,)."""
        limit = penalty * self.problem.l1 + slack * self.problem.unit
        return np.flatnonzero((np.abs(gradient) > limit) & ~self.inside)

    def _make_room(self, room: int) -> None:
        self._play, self._coef = _grown(self._play, (room,)), _grown(self._coef, (room,))
        self._order = _grown(self._order, (room,))
        self._x = _grown(self._x, (room, self.rows.shape[1]))
        self._hessian, self._factor = _grown(self._hessian, (room, room)), _grown(self._factor, (room, room))


def _grown(old: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    new = np.zeros(shape, dtype=old.dtype)
    new[tuple(slice(size) for size in old.shape)] = old
    return new


class _Party:
    """Problems on the same columns, and the gradient (problems, features) at where they are and were."""

    def __init__(self, columns: Columns, problems: Sequence[Problem], options: LassoOptions, each: Each) -> None:
        self.rows, self.options, self._each = columns.rows, options, each
        self.walkers = [_Walker(problem, columns.rows) for problem in problems]
        self.gradient = np.zeros((len(problems), len(columns.rows)))
        self._renew_gradient(range(len(problems)))
        self._before = self.gradient
        self.slack = options.tolerance * max(float(np.abs(self.gradient[0]).max(initial=0.0)), 1e-12)
        self._free()

    def largest(self, k: int = 0) -> float:
        """The smallest lambda at which a problem selects nothing that is penalised."""
        l1 = self.walkers[k].problem.l1
        counts = np.isfinite(l1) & (l1 > 0)
        return float((np.abs(self.gradient[k][counts]) / l1[counts]).max(initial=0.0))

    def go(self, penalty: float) -> None:
        """Take every problem to its optimum at a lambda."""
        # Where the gradient may go only says which features to try first.
        guess = 2 * self.gradient - self._before
        self._before = self.gradient.copy()
        moving = [k for k, walker in enumerate(self.walkers) if not walker.halted]

        def start(k: int) -> None:
            walker = self.walkers[k]
            new = walker.violated(np.maximum(np.abs(self.gradient[k]), np.abs(guess[k])), penalty, self.slack)
            if len(new):
                walker.add(new)
            walker.solve(penalty, self.slack)

        def go_on(k: int) -> None:
            self.walkers[k].add(self.walkers[k].violated(self.gradient[k], penalty, self.slack))
            self.walkers[k].solve(penalty, self.slack)

        self._each(start, moving)
        for _ in range(MAX_ROUNDS):
            self._renew_gradient(moving)
            moving = [k for k in moving if self._incomplete(k, penalty)]
            if not moving:
                break
            self._each(go_on, moving)
        for k in moving:
            self.walkers[k].failed = True
        for walker in self.walkers:
            walker.arrive(self.options.max_explained)

    def _incomplete(self, k: int, penalty: float) -> bool:
        walker = self.walkers[k]
        return not walker.failed and len(walker.violated(self.gradient[k], penalty, self.slack)) > 0

    def _free(self) -> None:
        """The optimum over the features without a penalty, where the path starts."""
        for k, walker in enumerate(self.walkers):
            free = np.flatnonzero(walker.problem.l1 == 0)
            if len(free):
                walker.add(free)
                walker.solve(0.0, self.slack)
                if walker.failed:
                    raise ConvergenceError(
                        "LASSO-Cox: the features without a penalty have no finite optimum; penalise them, or drop "
                        "those that are collinear or separate the patients with an event from those at risk."
                    )
                self._renew_gradient([k])
        self._before = self.gradient

    def _renew_gradient(self, moving: Sequence[int]) -> None:
        if not len(moving):
            return
        residual = np.stack([self.walkers[k].residual for k in moving])
        made = np.empty((len(residual), len(self.rows)))

        def strip(first: int) -> None:
            made[:, first : first + STRIP] = residual @ self.rows[first : first + STRIP].T

        self._each(strip, range(0, len(self.rows), STRIP))
        self.gradient[list(moving)] = made


def walk(columns: Columns, problems: Sequence[Problem], options: LassoOptions, enough: Enough | None = None) -> Walk:
    """Walk the paths of problems on the same columns; the first problem decides where the path starts and ends.

    ``enough`` is asked after every lambda, with the nonzero coefficients of the first problem and the linear predictors
    (problems, n), whether the path may end there.

    Raises
    ------
    ConvergenceError
        If the optimum at the first lambda, or of the features without a penalty, was not reached.
    """
    with threadpool_limits(1, user_api="blas"), _threads(options.threads) as each:
        party = _Party(columns, problems, options, each)
        lambdas = _lambdas(party.largest(), columns.rows.shape, options)
        first = party.walkers[0]
        coef: list[Floats] = []
        eta: list[Floats] = []
        explained: list[float] = []
        # A fold may begin to select long before all patients do, and must not jump to where they begin.
        before = max(float(lambdas[0]), *(party.largest(k) for k in range(len(problems))))
        for penalty in lambdas:
            while penalty < LONGEST_JUMP * before:
                before *= LONGEST_JUMP
                party.go(before)
            party.go(float(penalty))
            before = float(penalty)
            _check_start(party.walkers, float(penalty), not coef)
            if first.failed and not options.lambdas:
                break
            row = np.zeros(len(columns.sd))
            row[first.features] = first.coef / columns.sd[first.features]
            coef.append(row)
            eta.append(np.stack([walker.eta for walker in party.walkers]))
            explained.append(first.explained)
            if not options.lambdas and (first.halted or _gains_nothing(explained, options)):
                break
            if enough is not None and enough(first.coef, eta[-1]):
                break
    return Walk(lambdas[: len(coef)], np.stack(coef), np.stack(eta, axis=1), np.asarray(explained), first.null)


def _check_start(walkers: Sequence[_Walker], penalty: float, start: bool) -> None:
    if start and any(walker.failed for walker in walkers):
        raise ConvergenceError(f"LASSO-Cox did not converge at lambda {penalty:.3g}; start at a larger lambda.")


def _lambdas(largest: float, shape: tuple[int, ...], options: LassoOptions) -> Floats:
    """The lambdas asked for, or equal steps in log lambda from the smallest that selects nothing."""
    if options.lambdas:
        return np.asarray(options.lambdas)
    if largest <= 0:
        return np.array([1.0])
    p, n = shape
    ratio = options.lambda_min_ratio or (1e-2 if n < p else 1e-4)
    return np.asarray(largest * np.geomspace(1.0, ratio, options.n_lambdas))


def _gains_nothing(explained: list[float], options: LassoOptions) -> bool:
    # Like glmnet, look at the gain only once the path has had time to leave zero.
    return len(explained) > 5 and 0 < explained[-1] - explained[-2] < options.min_gain * explained[-1]


@contextmanager
def _threads(count: int) -> Iterator[Each]:
    """How a task is done for each of some numbers: one after the other, or by threads."""
    if count == 1:

        def one_by_one(task: Callable[[int], None], items: Sequence[int]) -> None:
            for item in items:
                task(item)

        yield one_by_one
        return
    with ThreadPoolExecutor(count) as pool:

        def together(task: Callable[[int], None], items: Sequence[int]) -> None:
            list(pool.map(task, items))

        yield together
