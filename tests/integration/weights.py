"""Comparing the weights of runs."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from seasa_da.training import checkpoint


def final_tensors(run: Path) -> dict[str, torch.Tensor]:
    """All module and optimiser tensors of a run's newest checkpoint."""
    newest = checkpoint.list_checkpoints(run / "checkpoint")[-1]
    tensors: dict[str, torch.Tensor] = {}
    for name in ("modules", "optimizers"):
        part = load_file(newest / f"{name}.safetensors")
        tensors.update({f"{name}/{key}": value for key, value in part.items()})
    return tensors


def assert_bit_identical(one: Path, other: Path) -> None:
    """Every tensor of both runs is the same, bit for bit."""
    a, b = final_tensors(one), final_tensors(other)
    assert a.keys() == b.keys()
    assert len(a) > 50
    different = [key for key in a if not torch.equal(a[key], b[key])]
    assert different == []
