"""One task, one child process, forked from a server that has done the slow imports.

A child's memory and GPU are free again when it ends, one that dies takes nothing else with it, and none outlives the
process that asked for it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing import connection
from pathlib import Path
from typing import Any

from seasa_da.comparison.child import Task, carry_out
from seasa_da.comparison.server import without_main

PATIENCE_S = 20.0
"""How long a child may take to stop: it finishes its update and saves."""


class ChildFailed(Exception):
    """A child did not do its task; the message says why in one line. `mistake`: it was the user's."""

    def __init__(self, reason: str, mistake: bool) -> None:
        super().__init__(reason)
        self.mistake = mistake


def run_child(task: Task, log: Path | None, on_message: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Carry out a task in a child and return its result.

    Args:
        task: can be pickled; is given a function that sends JSON content to `on_message`.
        log: file that takes what the child prints; `None` leaves it where it goes.

    Raises:
        ChildFailed: the task raised, or its process died.
        KeyboardInterrupt: the user's; the child has been stopped.
    """
    reader, writer = connection.Pipe(duplex=False)
    process = multiprocessing.get_context("forkserver").Process(
        target=carry_out, args=(writer, task, dict(os.environ), Path.cwd(), log), daemon=False
    )
    try:
        with without_main():
            process.start()
        writer.close()
        outcome = _listen(reader, on_message)
        if outcome is None:
            process.join(PATIENCE_S)
            code = process.exitcode
            raise ChildFailed(_how_it_died(code), mistake=False)
    finally:
        _stop(process)
        reader.close()
    if outcome["kind"] == "failed":
        raise ChildFailed(outcome["reason"], outcome["mistake"])
    return outcome["result"]


def _listen(reader: connection.Connection, on_message: Callable[[dict[str, Any]], None]) -> dict[str, Any] | None:
    """Pass messages on until the last one, which is returned; `None` if there was none."""
    while True:
        try:
            message = json.loads(reader.recv_bytes())
        except (EOFError, ConnectionError):
            return None
        if message["kind"] in ("done", "failed"):
            return message
        on_message(message)


def _stop(process: Any) -> None:
    """End a child that has not ended by itself."""
    if process.pid is None:
        return
    try:
        if sys.exc_info()[0] is not None:
            process.terminate()
        process.join(PATIENCE_S)
    finally:
        if process.is_alive():
            process.kill()
            process.join()


def _how_it_died(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"died with signal {-code} ({name}){'; out of memory?' if name == 'SIGKILL' else ''}"
    return f"ended with code {code} and no word"
