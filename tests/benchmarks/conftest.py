"""The scripts import each other as they lie in their folder."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    """The folder on the path for a test; its modules, some of whose names are common words, are forgotten after it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names = {file.stem for file in BENCHMARKS.glob("*.py")}
    before = {name: sys.modules.pop(name) for name in names & sys.modules.keys()}
    yield BENCHMARKS
    for name in names & sys.modules.keys():
        del sys.modules[name]
    sys.modules.update(before)
