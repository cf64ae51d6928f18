"""The next batches, made by a thread while the one before is in use."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")
END = object()


def prefetched(items: Iterator[Item], ahead: int) -> Generator[Item, None, None]:
    """The same items in the same order, up to `ahead` of them (and one in the making) before they are asked for.

    A thread and not a process: reading a memory map, copying and pinning release the interpreter's lock, and nothing
    has to be sent anywhere. What `items` raises is raised where its item would have come. The thread ends when the
    generator is closed, after the item that it is making.

    Raises:
        ValueError: `ahead` is below 1.
    """
    if ahead < 1:
        raise ValueError(f"ahead={ahead} is below 1")
    made: queue.Queue[object] = queue.Queue(ahead)
    stop = threading.Event()
    failures: list[BaseException] = []

    def put(item: object) -> None:
        while not stop.is_set():
            try:
                made.put(item, timeout=0.1)  # looks up now and then, as nobody may ask any more
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(item)
                if stop.is_set():
                    return
        except BaseException as error:
            failures.append(error)
        put(END)

    thread = threading.Thread(target=make, name="seasa-da prefetch", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not END:
            yield item  # type: ignore[misc]  # the queue holds items and END
        if failures:
            raise failures[0]
    finally:
        stop.set()
        thread.join()
