"""The server that children are forked from: a process that does the slow imports once, in the background."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from types import ModuleType
from typing import Any


def start_server(*modules: str) -> None:
    """Begin the slow imports in the background. A server that runs already stays as it is."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["seasa_da.comparison.preload", *modules])
    resource_tracker.ensure_running()  # first: starting it unblocks SIGINT
    # A server that Ctrl-C reaches in the middle of its imports would print a traceback.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        with _changed(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))), without_main():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def without_main() -> Iterator[None]:
    """Children do not need the user's script, and must not run it: it may have no `if __name__ == "__main__"`."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _changed(environment: Any, **values: str) -> Iterator[None]:
    before = {name: environment.get(name) for name in values}
    environment.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del environment[name]
            else:
                environment[name] = value
