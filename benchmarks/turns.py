"""What the benchmarks share: things timed in turns, so that a busy machine slows all of them alike; where it ran."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any


def in_turns(
    things: Mapping[str, Callable[[], Any]], rounds: int, *, wait: Callable[[], Any] = lambda: None, warm_up: int = 1
) -> dict[str, list[float]]:
    """Seconds of each thing in each round, after `warm_up` rounds that do not count.

    Args:
        things: by name; each round calls all of them, in their order.
        wait: called before a clock is read, such as `torch.cuda.synchronize`.
    """
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for number in range(-warm_up, rounds):
        for name, thing in things.items():
            wait()
            start = time.perf_counter()
            thing()
            wait()
            if number >= 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def medians(seconds: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each."""
    return {name: statistics.median(found) for name, found in seconds.items()}


def ratio(seconds: Mapping[str, list[float]], slow: str, fast: str) -> float:
    """How many times as long `slow` takes: the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(seconds[slow], seconds[fast], strict=True))


def in_own_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function(*arguments)` returns in a new process, or `None` where it died, for want of memory, say.

    A process begins with the peak of the one that starts it, so measure memory before anything large is done here.
    """
    context = multiprocessing.get_context("spawn")  # a forked one would have this one's memory, too
    here, there = context.Pipe()
    process = context.Process(target=_send, args=(there, function, arguments))
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        return None
    finally:
        process.join()


def _send(connection: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    connection.send(function(*arguments))


def parser(doc: str | None, *, rounds: int | None = None) -> argparse.ArgumentParser:
    """The options that all of them have; `--rounds` those that take turns."""
    found = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    if rounds is not None:
        found.add_argument("--rounds", type=int, default=rounds, help=f"turns that count [default: {rounds}]")
    found.add_argument("--json", type=Path, metavar="FILE", help="also write what was found here")
    return found


def write(path: Path | None, content: Mapping[str, Any]) -> None:
    """Write what was found with the command, the day and the machine, where a file was asked for."""
    if path is None:
        return
    about = {"command": " ".join(["python", *sys.argv]), "date": f"{datetime.now(timezone.utc):%Y-%m-%d}", **machine()}
    path.write_text(json.dumps({**about, **content}, indent=2) + "\n")


def machine() -> dict[str, str]:
    """Processor, cores, device, and the versions that matter."""
    from importlib.metadata import version

    about = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        "torch": version("torch"),
    }
    torch = sys.modules.get("torch")  # not imported for its own sake: that takes seconds
    if torch is not None:
        about["threads"] = str(torch.get_num_threads())
        about["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return about


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
