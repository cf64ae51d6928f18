"""Checkpoints that explain themselves: tensors as safetensors, the rest as JSON, nothing pickled.

`RUN/checkpoint/NNN-STAGE-IIIIIIII/` holds `modules.safetensors` (weights, buffers, prototypes),
`optimizers.safetensors` (moments) and `state.json` (stage, iteration, settings, versions, data fingerprint, optimiser
groups, SHA-256 of both tensor files). A folder is written aside, flushed and renamed, so one that has its final name
is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seasa_da.errors import DamagedCheckpoint, UserError
from seasa_da.files import atomic_folder, os_errors_named, read_json, sha256_file, write_json_atomic

FORMAT = "seasa-da checkpoint"
VERSION = 1
_STATE = {"stage": int, "stage_name": str, "iteration": int, "optimizers": dict, "sha256": dict}


@dataclass(frozen=True)
class Position:
    """How far a run has come: `iteration` updates of stage number `stage` are done."""

    stage: int
    stage_name: str
    iteration: int

    @property
    def folder_name(self) -> str:
        """Sorts by progress."""
        return f"{self.stage:03d}-{self.stage_name}-{self.iteration:08d}"


def save(
    parent: Path,
    position: Position,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
    *,
    about: Mapping[str, Any],
    keep: int,
) -> Path:
    """Write a checkpoint under `parent` and drop all but the `keep` newest.

    Args:
        about: what makes the checkpoint explain itself (settings, versions, data); JSON.

    Raises:
        UserError: it cannot be written; the older ones stay.
    """
    target = parent / position.folder_name
    tensors = {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    moments, groups = _flatten_optimizers(optimizers)
    with atomic_folder(target, replace=True) as folder:
        save_tensors(folder / "modules.safetensors", tensors)
        save_tensors(folder / "optimizers.safetensors", moments)
        state = {
            "format": FORMAT,
            "version": VERSION,
            "stage": position.stage,
            "stage_name": position.stage_name,
            "iteration": position.iteration,
            "optimizers": groups,
            "sha256": {name: sha256_file(folder / name) for name in ("modules.safetensors", "optimizers.safetensors")},
            **about,
        }
        write_json_atomic(folder / "state.json", {**state, "seal": _seal(state)})
    for old in list_checkpoints(parent)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def list_checkpoints(parent: Path) -> list[Path]:
    """The whole checkpoints under `parent`, oldest first."""
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))


def load_newest(parent: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint under `parent` that is whole; damaged ones are passed over, with a word.

    Raises:
        UserError: there are checkpoints, and all are damaged; or the newest is of another version.
    """
    found = list_checkpoints(parent)
    for place, path in enumerate(reversed(found), start=1):
        try:
            return load(path)
        except DamagedCheckpoint as error:
            if place == len(found):
                raise
            say(f"{error.what}: going on from the one before")
    return None


def drop_later(parent: Path, position: Position) -> None:
    """Remove the checkpoints after `position`: a run that goes on from there makes them anew."""
    for path in list_checkpoints(parent):
        if path.name > position.folder_name:
            shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint read from disk: its state and, by module and optimiser name, its tensors."""

    path: Path
    state: dict[str, Any]
    modules: dict[str, Tensor]
    optimizers: dict[str, Tensor]

    @property
    def position(self) -> Position:
        """How far the run had come."""
        return Position(self.state["stage"], self.state["stage_name"], self.state["iteration"])

    def restore_modules(self, modules: Mapping[str, nn.Module]) -> None:
        """Load weights and buffers in place. Raises `UserError` when they do not fit."""
        restore(self.modules, modules, self.path)

    def restore_optimizers(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        """Load moments and groups in place. Raises `UserError` when they do not fit."""
        for name, optimizer in optimizers.items():
            saved = self.state["optimizers"].get(name)
            if saved is None:
                raise UserError(f"checkpoint {self.path} has no optimiser {name!r}")
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in self.optimizers.items():
                owner, index, kind = key.split(".", 2)
                if owner == name:
                    moments.setdefault(int(index), {})[kind] = value
            try:
                optimizer.load_state_dict({"state": moments, "param_groups": saved})
            except (ValueError, KeyError) as error:
                raise UserError(f"checkpoint {self.path} does not fit this run's optimiser {name}: {error}") from None
            _order_as_parameters(optimizer)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and check its hashes.

    Raises:
        DamagedCheckpoint: naming the damaged file.
        UserError: it is of another version.
    """
    try:
        state = read_json(path / "state.json")
    except UserError as error:
        raise DamagedCheckpoint(str(error)) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise DamagedCheckpoint(f"{path} is not a seasa-da checkpoint")
    if state.get("version") != VERSION:
        raise UserError(f"checkpoint {path} has version {state.get('version')}; this release reads {VERSION}")
    if lost := [name for name, kind in _STATE.items() if not isinstance(state.get(name), kind)]:
        raise DamagedCheckpoint(f"{path / 'state.json'} is damaged (no {', '.join(lost)})")
    if "seal" in state and state["seal"] != _seal({k: v for k, v in state.items() if k != "seal"}):
        raise DamagedCheckpoint(f"{path / 'state.json'} is damaged (its hash is not the one in it)")
    names = ("modules", "optimizers")
    if lost := [name for name in names if f"{name}.safetensors" not in state["sha256"]]:
        raise DamagedCheckpoint(f"{path / 'state.json'} is damaged (no hash of the {lost[0]})")
    modules, optimizers = (
        load_tensors(path / f"{name}.safetensors", state["sha256"][f"{name}.safetensors"]) for name in names
    )
    return Checkpoint(path, state, modules, optimizers)


def _seal(state: Mapping[str, Any]) -> str:
    """The hash of a state, which checkpoints of earlier releases do not have."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _order_as_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Lay out moments in memory as their parameters are (a file knows one order only), or each step would be slower."""
    for parameter, state in optimizer.state.items():
        for kind, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                state[kind] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def load_tensors(file: Path, sha256: str) -> dict[str, Tensor]:
    """Read a file of tensors. Raises `DamagedCheckpoint` where it is not the one of that hash."""
    try:
        if sha256_file(file) != sha256:
            raise DamagedCheckpoint(f"{file} is damaged (its hash is not the one in state.json)")
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise DamagedCheckpoint(f"cannot read {file}: {error}") from error


def restore(tensors: Mapping[str, Tensor], modules: Mapping[str, nn.Module], path: Path) -> None:
    """Load into `modules` what stands under their names. Raises `UserError` naming `path` when it does not fit."""
    for name, module in modules.items():
        prefix = f"{name}."
        part = {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}
        try:
            module.load_state_dict(part)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"checkpoint {path} does not fit this run's {name}: {reason}") from None


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to a file and flush it to disk. Raises `UserError` when it cannot be written."""
    with os_errors_named(path, "write"):
        try:
            save_file({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, path)
        except SafetensorError as error:
            raise OSError(None, str(error)) from error
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _flatten_optimizers(
    optimizers: Mapping[str, torch.optim.Optimizer],
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    moments: dict[str, Tensor] = {}
    groups: dict[str, Any] = {}
    for name, optimizer in optimizers.items():
        state = optimizer.state_dict()
        groups[name] = state["param_groups"]
        for index, values in state["state"].items():
            for kind, value in values.items():
                # SGD keeps None where momentum has not started
                if value is not None:
                    moments[f"{name}.{index}.{kind}"] = value
    return moments, groups
