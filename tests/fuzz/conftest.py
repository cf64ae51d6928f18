"""Profiles of the fuzz, its clock, and how many cases were tried.

The default profile tries the same few cases a property every time; `--hypothesis-profile=thorough` some hundreds,
other ones each time.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

LONGEST_S = 30
"""A case that takes longer hangs."""
COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
settings.register_profile("few", max_examples=40, derandomize=True, **COMMON)
settings.register_profile("thorough", max_examples=300, **COMMON)
TRIED: Counter[str] = Counter()


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--hypothesis-profile", None):
        settings.load_profile("few")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if TRIED:
        terminalreporter.write_line(f"fuzz: {sum(TRIED.values())} cases")
        for name, number in sorted(TRIED.items()):
            terminalreporter.write_line(f"  {name}: {number}")


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Counts a case, and ends one that hangs: `with case(): …`."""

    @contextmanager
    def guarded() -> Iterator[None]:
        TRIED[request.node.name] += 1

        def hang(number: int, frame: Any) -> None:
            raise AssertionError(f"it hangs: no end after {LONGEST_S} s")

        before = signal.signal(signal.SIGALRM, hang)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    return guarded
