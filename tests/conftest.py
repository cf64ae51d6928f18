"""Shared by all tests: one thread, no network, and a segmenter small enough for milliseconds."""

import os
import sys
from pathlib import Path

# Before torch is imported; processes that tests start inherit them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def pytest_addoption(parser):
    group = parser.getgroup("reliability", "the thorough runs that docs/reliability.md reports")
    group.addoption("--every-method", action="store_true", help="two processes against one for every method")
    group.addoption("--kills", type=int, default=0, metavar="N", help="kill each verb N times instead of once")


@pytest.fixture
def generator():
    import torch

    return torch.Generator().manual_seed(0)


@pytest.fixture
def segmenter():
    """`G`, `C` and `C_aux` of 3 classes on timm's test_resnet, for one-channel slices of 32x32."""
    from toys import small_segmenter

    return small_segmenter()


@pytest.fixture
def batch():
    """4 random images a domain, 32x32, with labels, seeds and Fourier sources."""
    from toys import random_batch

    return random_batch()


@pytest.fixture
def scripts(monkeypatch):
    """The folder of the benchmarks, on the path for a test: they import each other as they lie there.

    Some are called by common words, so they are forgotten after it.
    """
    names = {file.stem for file in BENCHMARKS.glob("*.py")}
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = {name: sys.modules.pop(name) for name in names & sys.modules.keys()}
    yield BENCHMARKS
    for name in names & sys.modules.keys():
        del sys.modules[name]
    sys.modules.update(before)
