"""What a child tells the process that asked for it: JSON content with a "kind"."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

Send = Callable[[dict[str, Any]], None]
"""Gives the other side a message."""


def sayer(send: Send) -> Callable[[str], None]:
    """Sends single lines."""
    return lambda line: send({"kind": "say", "line": line})


def counter(send: Send) -> Callable[[str, int], AbstractContextManager[Callable[[], None]]]:
    """Sends how far long steps are; a `seasa_da.data.parallel.Counting`."""

    def begin(what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        send({"kind": "counting", "what": what, "total": total})
        return nullcontext(lambda: send({"kind": "counted"}))

    return begin
