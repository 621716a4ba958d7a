"""Work per patient in processes: one patient that fails, or whose process dies, never stops the others."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from threadpoolctl import threadpool_limits

from perisurv.core import PerisurvError

__all__ = ["Failure", "Progress", "run_tasks", "split_failures", "tell"]

Progress = Callable[[str, int, int], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one item gave no result."""

    reason: str


def run_tasks(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    *,
    workers: int,
    label: str = "",
    progress: Progress | None = None,
) -> list[Any]:
    """Apply a function to every item; results in the order of the items.

    Parameters
    ----------
    function
        Picklable; gets one item.
    items
        Picklable.
    workers
        Processes; with 1 the work stays in this process.
    label, progress
        ``progress(label, done, total)`` is called after every item.

    Returns
    -------
    list
        The function's value, or a :class:`Failure` for an item that raised or whose process died twice.
    """
    results: dict[int, Any] = {}
    work = _serial(function, items) if workers == 1 or len(items) < 2 else _parallel(function, items, workers)
    with closing(work):
        for number, result in work:
            results[number] = result
            if progress is not None:
                progress(label, len(results), len(items))
    return [results[n] for n in range(len(items))]


def tell(progress: Progress | None, what: str, *told: Any) -> None:
    """Tell who shows the progress that a stage begins, or a detail, if they want to know: a plain function does not."""
    listens = getattr(progress, what, None)
    if listens is not None:
        listens(*told)


def _serial(function: Callable[[Any], Any], items: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
    with threadpool_limits(1):  # as in a worker: the order of a sum depends on the number of threads
        for number, item in enumerate(items):
            yield number, _guarded(function, item)


def _parallel(
    function: Callable[[Any], Any], items: Sequence[Any], workers: int
) -> Generator[tuple[int, Any], None, None]:
    queue = list(range(len(items)))[::-1]
    while queue:
        lost: list[int] = []
        with _pool(workers) as pool:
            yield from _drain(pool, function, items, queue, lost, workers)
        # Which of the few items in flight killed its process is unknown: each gets one more try alone.
        for number in lost:
            yield number, _alone(function, items[number])


def _drain(
    pool: ProcessPoolExecutor,
    function: Callable[[Any], Any],
    items: Sequence[Any],
    queue: list[int],
    lost: list[int],
    workers: int,
) -> Iterator[tuple[int, Any]]:
    flight: dict[Future[Any], int] = {}
    while (queue and not lost) or flight:
        while queue and not lost and len(flight) < 2 * workers:
            number = queue.pop()
            try:
                flight[_submit(pool, function, items[number])] = number
            except BrokenProcessPool:
                lost.append(number)
        done, _ = wait(flight, return_when=FIRST_COMPLETED)
        for future in done:
            number = flight.pop(future)
            try:
                yield number, future.result()
            except BrokenProcessPool:
                lost.append(number)


def _alone(function: Callable[[Any], Any], item: Any) -> Any:
    try:
        with _pool(1) as pool:
            return _submit(pool, function, item).result()
    except BrokenProcessPool:
        return Failure("its process died twice (out of memory, or killed); the other patients went on")


def _guarded(function: Callable[[Any], Any], item: Any) -> Any:
    try:
        return function(item)
    except PerisurvError as error:
        return Failure(str(error))
    except Exception as error:  # noqa: BLE001 (the border: a patient that fails is a row with a reason)
        _log.exception("unexpected error in one item")
        return Failure(f"unexpected {type(error).__name__}: {error}")


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes; where the work is broken off, they end at once instead of after what they are doing."""
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(os.getpid(),))
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, function: Callable[[Any], Any], item: Any) -> Future[Any]:
    """Hand in one item; a process that starts now does not hear Ctrl-C, which is for the process that started it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        return pool.submit(_guarded, function, item)
    resource_tracker.ensure_running()  # which would take the mask away again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_guarded, function, item)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(parent: int) -> None:
    """One thread a worker, deaf to Ctrl-C, and no orphan: it ends when the process that started it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def split_failures(items: Iterable[Any], results: Iterable[Any]) -> tuple[list[Any], list[tuple[Any, str]]]:
    """Items that worked, and (item, reason) of those that did not."""
    pairs = list(zip(items, results, strict=True))
    good = [item for item, result in pairs if not isinstance(result, Failure)]
    return good, [(item, result.reason) for item, result in pairs if isinstance(result, Failure)]
