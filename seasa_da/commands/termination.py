"""The end that a job scheduler puts to a command."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """What SIGTERM or SIGUSR1, of job schedulers, end is cleaned up as after Ctrl-C; a further one does not end that.

    Training listens for itself meanwhile (`seasa_da.training.stopping`).
    """
    if threading.current_thread() is not threading.main_thread():  # only that one may ask for it
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGUSR1)}
    before = {each: handler for each, handler in before.items() if handler is not None}  # not Python's: stays
    for each in before:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
