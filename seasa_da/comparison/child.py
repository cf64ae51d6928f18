"""The child's side: carry out a task, tell how it ended, and never outlive the process that asked for it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path
from typing import Any

from seasa_da.comparison.messages import Send
from seasa_da.errors import UserError

Task = Callable[[Send], dict[str, Any]]


def carry_out(
    writer: connection.Connection, task: Task, environment: Mapping[str, str], folder: Path, log: Path | None
) -> None:
    """What the new process does.

    Args:
        writer: takes the task's messages, and at last `{"kind": "done", "result"}` or `{"kind": "failed", "reason"}`.
        environment, folder: of the process that asked; the server has those of its own start.
        log: file that takes what is printed; `None` leaves it where it goes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent decides
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if log is not None:
        with log.open("a") as output:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
    lock = threading.Lock()  # MLflow's thread speaks too

    def send(message: dict[str, Any]) -> None:
        with lock:
            writer.send_bytes(json.dumps(message).encode())

    try:
        send({"kind": "done", "result": task(send)})
    except KeyboardInterrupt:
        pass
    except Exception as error:
        if not isinstance(error, UserError):
            traceback.print_exc()
        text = " ".join(str(error).split())
        reason = text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"
        with suppress(OSError):
            send({"kind": "failed", "reason": reason, "mistake": isinstance(error, UserError)})


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
