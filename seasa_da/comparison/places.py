"""Where the runs of a comparison lie, and who is making one.

    DIR/runs/ct-to-mri/seed0/ours/                   a finished run
    DIR/runs/ct-to-mri/seed0/.ours.partial-1/        one in the making, in a folder of its own inside
    DIR/runs/ct-to-mri/seed0/.ours.partial-1.lock    held by the process that makes it
    DIR/runs/ct-to-mri/seed0/.ours.failed.json       why the last try failed

Processes that share DIR may make the same run; the first to rename its own to the final name wins.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from seasa_da.comparison.plan import Cell
from seasa_da.errors import UserError
from seasa_da.files import os_errors_named, read_json, write_json_atomic
from seasa_da.training.run_folder import RunFolder


@dataclass(frozen=True)
class Place:
    """The place of one run."""

    root: Path
    cell: Cell

    @property
    def parent(self) -> Path:
        return self.root / "runs" / self.cell.direction.folder_name / f"seed{self.cell.seed}"

    @property
    def run(self) -> RunFolder:
        """Where the finished run is."""
        return RunFolder(self.parent / self.cell.row.name)

    @property
    def failure_note(self) -> Path:
        return self.parent / f".{self.cell.row.name}.failed.json"

    def failure(self) -> str | None:
        """Why the last try failed; `None` if there was none, or one went well since."""
        if self.run.finished or not self.failure_note.is_file():
            return None
        try:
            return str(read_json(self.failure_note)["reason"])
        except (UserError, KeyError, TypeError):
            return "its note on the failure is damaged"

    def note_failure(self, reason: str) -> None:
        """Keep why this try failed, for the table."""
        with os_errors_named(self.parent, "write to"):
            self.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomic(self.failure_note, {"reason": reason, "when": time.strftime("%Y-%m-%dT%H:%M:%S%z")})

    def partial(self, number: int) -> Path:
        """The folder of try `number`."""
        return self.parent / f"{self._partial_prefix}{number}"

    def partials(self) -> list[Path]:
        """Those that are there, the first made first."""
        names = (path.name.removeprefix(self._partial_prefix) for path in self.parent.iterdir())
        return [self.partial(number) for number in sorted(int(name) for name in names if name.isdigit())]

    @property
    def _partial_prefix(self) -> str:
        return f".{self.cell.row.name}.partial-"
