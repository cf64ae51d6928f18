"""Whole runs on the `smoke` preset: one phantom and one store for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from seasa_da.training.run import RunResult, train


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of this test session, and one thread, so that subprocesses can compute the same bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("SEASA_DA_CACHE", str(folder))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield folder
    torch.set_num_threads(threads)


@pytest.fixture
def smoke(tmp_path: Path) -> Callable[..., RunResult]:
    """`train` on the smoke preset without tracking and reference, into a folder of this test."""

    def run(method: str, **options: Any) -> RunResult:
        defaults = {"preset": "smoke", "out": tmp_path / "run", "tracking_uri": "none", "reference": False}
        return train(method, **{**defaults, **options})

    return run


@pytest.fixture(scope="session")
def phantom(own_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw smoke phantom."""
    from seasa_da.config import PhantomSettings, load_preset
    from seasa_da.data.phantom import make_phantom

    folder = tmp_path_factory.mktemp("raw") / "phantom"
    make_phantom(folder, PhantomSettings(**load_preset("smoke")["phantom"]))
    return folder


@pytest.fixture(scope="session")
def store(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The slice store of the raw smoke phantom."""
    from seasa_da.config import DataSettings, load_preset
    from seasa_da.data.prepare import prepare

    folder = tmp_path_factory.mktemp("prepared") / "store"
    prepare(phantom, folder, DataSettings(**load_preset("smoke")["data"]))
    return folder
