"""A segmenter's file and its description, written aside and put in their place once they are checked."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from seasa_da.errors import UserError
from seasa_da.exporting.agreement import BATCHES, TOLERANCE, Agreement, agreement
from seasa_da.exporting.formats import INPUT, OUTPUT, Format, find_format
from seasa_da.files import os_errors_named, sha256_file, write_json_atomic


class ExportError(UserError):
    """The network cannot be exported, or what was exported says something else; nothing is left of it."""

    exit_code = 1


@dataclass(frozen=True)
class Exported:
    """What an export left: the network's file, its description beside it, and how well both networks agree."""

    file: Path
    description: Path
    agreement: Agreement


def description_of(file: Path) -> Path:
    """Where the description of an exported network lies: `net.onnx.json` beside `net.onnx`."""
    return file.with_name(f"{file.name}.json")


def export_network(net: nn.Module, slices: Tensor, out: Path, kind: str, about: Mapping[str, Any]) -> Exported:
    """Write a network and its description, if the file then says what the network says.

    Args:
        net: images `(N, C, H, W)` to logits `(N, K, H, W)`, in evaluation mode on the CPU.
        slices: `(3, C, H, W)` real ones in [-1, 1], on which both are compared.
        out: the file; a description of the same name with `.json` behind it lies beside.
        kind: a name of `FORMATS`.
        about: what else a user of the file must know.

    Raises:
        ExportError: the network has a part that the format does not know, or the file disagrees with the network.
        UserError: an unknown format, a package that is missing, files that exist or cannot be written.
    """
    chosen = find_format(kind)
    refuse_used_file(out)
    with os_errors_named(out, "write"), _aside(out) as folder:
        aside = folder / out.name
        found = _written(chosen, net, slices, aside, kind)
        if not found.holds:
            raise ExportError(
                f"the exported network does not agree with the run's to {TOLERANCE:g} ({found}); no file was "
                f"written: try another --format than {kind}"
            )
        write_json_atomic(description_of(aside), _described(aside, kind, slices, net, found, about))
        # The network last: where it is, its description is.
        description_of(aside).replace(description_of(out))
        aside.replace(out)
    return Exported(out, description_of(out), found)


def refuse_used_file(out: Path) -> None:
    """Raise `UserError` unless the file and its description can be new ones in a folder that is there."""
    with os_errors_named(out, "write to"):
        for path in (out, description_of(out)):
            if path.exists():
                raise UserError(f"{path} exists; choose another file, or remove it")
        if not out.parent.is_dir():
            raise UserError(f"the folder {out.parent} does not exist; make it, or choose another --out")


def _written(chosen: Format, net: nn.Module, slices: Tensor, aside: Path, kind: str) -> Agreement:
    try:
        # Two slices: one would be taken for a fixed number.
        chosen.write(net, slices[:2], aside)
        return agreement(net, chosen.load(aside), slices)
    except OSError:
        raise
    except Exception as error:  # exporters and runtimes raise their own classes
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ExportError(f"the network cannot be exported as {kind}: {reason}") from error


def _described(
    file: Path, kind: str, slices: Tensor, net: nn.Module, found: Agreement, about: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "format": kind,
        "sha256": sha256_file(file),
        "input": {"name": INPUT, "shape": ["batch", *slices.shape[1:]], "dtype": "float32", "range": [-1.0, 1.0]},
        "output": {"name": OUTPUT, "shape": ["batch", len(about["classes"]), *slices.shape[2:]], "dtype": "float32"},
        **about,
        "agreement": {
            "batches": list(BATCHES),
            "logits_relative": found.logits,
            "probabilities": found.probs,
            "tolerance": TOLERANCE,
        },
    }


@contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """A folder beside `out`, removed with what is left in it."""
    folder = out.parent / f".{out.name}.{uuid.uuid4().hex[:8]}.partial"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
