"""Whole runs with `train.compile=true`; torch's own compiler, which takes minutes here, is left out of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seasa_da.training import compiled, stages
from seasa_da.training.run import RunResult

LOGGED = ["train.log_every=1", "train.checkpoint_every=1", "train.keep=2"]


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is compiled, a word a graph, and "left" where compiled networks are left behind."""
    found: list[str] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
        found.append("graph")
        return graph.forward

    def leave(networks: Any) -> None:
        found.append("left")
        compiled.leave_compiled(networks)

    torch._dynamo.reset()
    monkeypatch.setattr(stages, "compile_networks", lambda networks: compiled.compile_networks(networks, backend))
    monkeypatch.setattr(stages, "leave_compiled", leave)
    return found


@pytest.mark.parametrize("method", ["ours", "crst"])
def test_a_run_is_the_same_but_for_rounding(
    smoke: Callable[..., RunResult], store: Path, tmp_path: Path, graphs: list[str], method: str
) -> None:
    options = {"data": store, "overrides": LOGGED}
    usual = smoke(method, out=tmp_path / "usual", **options)
    assert "graph" not in graphs
    graphs.clear()
    fast = smoke(method, out=tmp_path / "fast", **{**options, "overrides": [*LOGGED, "train.compile=true"]})
    # some for each stage, and none for the volumes, whose batches are of any size
    assert graphs.count("graph") >= 3
    assert graphs[-1] == "left"
    for one, other in zip(_log(usual.folder), _log(fast.folder), strict=True):
        assert one["losses"] == pytest.approx(other["losses"], rel=1e-2, abs=1e-4)
    newest = [sorted(run.folder.glob("checkpoint/*/modules.safetensors"))[-1] for run in (usual, fast)]
    assert newest[0].parent.name == newest[1].parent.name
    assert newest[0].stat().st_size == newest[1].stat().st_size  # the same tensors under the same names


def _log(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
