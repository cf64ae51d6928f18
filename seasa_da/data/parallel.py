"""Doing the same to many cases at once.

Threads, not processes: numpy, scipy.ndimage and zlib release the interpreter's lock in the loops that cost the time,
and threads need no second import of anything, work from a notebook and from a script without a main guard.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, as_completed, wait
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Counting(Protocol):
    """Opens a progress display: `progress("making the phantom", 56)` is a context that yields a step callback."""

    def __call__(self, what: str, total: int, /) -> AbstractContextManager[Callable[[], None]]: ...


def no_counting(what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
    """Shows nothing."""
    return nullcontext(lambda: None)


def cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def for_each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    on_done: Callable[[], None] | None = None,
) -> list[Result]:
    """`[function(item) for item in items]`, several at a time.

    Args:
        function: must not depend on the order in which items are done.
        items: what to do.
        workers: how many at a time; all cores by default.
        on_done: called in the calling thread after each item.

    Raises:
        whatever `function` raises; of several failures, the one of the earliest item. Items not begun are dropped.
    """
    pool = ThreadPoolExecutor(max_workers=max(1, min(workers or cores(), len(items) or 1)))
    try:
        futures = [pool.submit(function, item) for item in items]
        for future in as_completed(futures):
            if future.exception() is not None:
                break
            if on_done is not None:
                on_done()
        pool.shutdown(wait=True, cancel_futures=True)
        wait(futures, return_when=FIRST_EXCEPTION)
        return [future.result() for future in _failures_first(futures)]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _failures_first(futures: list) -> list:
    failed = [future for future in futures if not future.cancelled() and future.exception() is not None]
    return failed[:1] or futures
