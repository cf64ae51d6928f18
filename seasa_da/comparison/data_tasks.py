"""What is asked about the data before the first run, in a child: it imports torch, the parent does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seasa_da.comparison.common import Common
from seasa_da.comparison.messages import Send, counter, sayer
from seasa_da.comparison.plan import Cell, Direction, compose_cell
from seasa_da.errors import UserError


@dataclass(frozen=True)
class DefaultPreset:
    """Which preset this machine has for real data."""

    data: str

    def __call__(self, send: Send) -> dict[str, Any]:
        """Its name, under "preset"."""
        from seasa_da.training.run import default_preset

        return {"preset": default_preset(self.data)}


@dataclass(frozen=True)
class LocateData:
    """Make or find the store once, so that runs do not have to.

    Attributes:
        cells: one a row; their stages are composed first, as a mistake found there would be one in every run.
    """

    cells: tuple[Cell, ...]
    common: Common
    directions: tuple[Direction, ...]

    def __call__(self, send: Send) -> dict[str, Any]:
        """By direction what the manifest keeps of it; `UserError` for wrong settings or unusable data."""
        from seasa_da.data.datasets import require_same_channels, shared_class_names
        from seasa_da.data.locate import locate_store

        for cell in self.cells:
            _check_stages(cell, self.common)
        settings = compose_cell(self.cells[0], self.common)[1]
        path = Path(self.common.data) if self.common.data else None
        store = locate_store(
            path, settings.data, settings.phantom, settings.raw, say=sayer(send), progress=counter(send)
        )
        found: dict[str, Any] = {}
        for direction in self.directions:
            src, tgt = direction
            names, alone = shared_class_names(store, src, tgt)
            require_same_channels(store, src, tgt)
            training = [(src, "train", "images"), (tgt, "train", "images"), (src, "train", "labels")]
            scoring = [(tgt, "test", "images"), (tgt, "test", "labels")]
            for line in alone:
                send({"kind": "say", "line": line})
            found[str(direction)] = {
                "class_names": list(names),
                "training": store.fingerprint(training),
                "scoring": store.fingerprint(scoring),
            }
        return found


def _check_stages(cell: Cell, common: Common) -> None:
    """Raise `UserError` when a row's settings do not make stages; a plug-in that does not load fails in its own run."""
    spec, settings = compose_cell(cell, common)
    try:
        stages = spec.load_stages()
    except Exception:
        return
    try:
        stages(settings)
    except UserError as error:
        raise UserError(f"{cell.row.name}: {error}") from error
    except Exception:
        return
