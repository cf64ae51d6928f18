"""The comparison's own run in MLflow, under which its runs stand."""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seasa_da.errors import UserError
from seasa_da.files import read_json
from seasa_da.tracking import OFF, Tracker, set_environment, sqlite_file

WAIT_S = 120.0
"""How long the first run waits for MLflow to begin, unless that fails before: its import and a new database take
seconds, on a busy machine half a minute."""


def modules_for(uri: str) -> list[str]:
    """What a child that records there imports; sets the environment that MLflow is imported in."""
    if uri == OFF:
        return []
    set_environment(uri)
    return ["mlflow", *(["mlflow.store.tracking.sqlalchemy_store"] if sqlite_file(uri) else [])]


class ParentRun:
    """Begins in the background, or goes on with the one of an earlier command.

    Args:
        folder: the comparison's, which keeps the id in `mlflow.json`.
        uri: of MLflow's store.
        experiment: that of the first direction's runs. MLflow's page shows runs under a parent of the same one only;
            those of other directions are found by their tag `mlflow.parentRunId`.
        params: what all runs have in common.
        tags: what is compared; later commands may add to it.
        say: told what could not be recorded.
        verb: the command that it is of.
    """

    def __init__(
        self,
        folder: Path,
        uri: str,
        experiment: str,
        params: Mapping[str, Any],
        tags: Mapping[str, str],
        say: Callable[[str], None],
        verb: str = "compare",
    ) -> None:
        self._file = folder / "mlflow.json"
        self._tracker = Tracker(say)
        self._on = uri != OFF
        self._lock = (folder / ".mlflow.json.lock").open("w")
        known = self._read_or_lock()
        self._id = known
        self._tracker.start(
            uri,
            experiment=experiment,
            run_name=f"{verb} {folder.name}",
            params=params,
            tags={"comparison": folder.name, **tags},
            run_id=known,
            on_started=self._keep,
        )

    def tags(self, row: str, folder: Path) -> dict[str, str]:
        """Tags of a run of the comparison; they name its parent if that has begun by now, or does so in a moment."""
        deadline = time.monotonic() + WAIT_S
        while self._on and self._id is None and not self._tracker.failed and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._id is None:
            self._on = False  # a dead server costs this wait once
            self._lock.close()
        parent = {"mlflow.parentRunId": self._id} if self._id else {}
        return {**parent, "comparison.row": row, "run_folder": str(folder)}

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._tracker.log_metrics(step, metrics)

    def log_file(self, path: Path) -> None:
        self._tracker.log_artifact(path)

    def finish(self, status: str) -> None:
        self._tracker.finish(status)
        self._lock.close()

    def _keep(self, run_id: str) -> None:
        """Keep the id unless another shard did so before; called in MLflow's thread."""
        aside = self._file.with_name(f".{self._file.name}.{uuid.uuid4().hex[:8]}.partial")
        try:
            aside.write_text(f'{{"run_id": "{run_id}"}}\n', encoding="utf-8")
            if self._id is None:
                try:
                    os.link(aside, self._file)  # unlike a rename, this fails where there is one
                except OSError:  # there is one, or a file system without links
                    if self._read() is None:
                        aside.replace(self._file)
            elif self._id != run_id:  # the old one was gone
                aside.replace(self._file)
        finally:
            aside.unlink(missing_ok=True)
            self._lock.close()
        self._id = run_id

    def _read_or_lock(self) -> str | None:
        """The id of an earlier command, or `None`, and the lock is held until this one's is known.

        Shards that start together would else make the tables of a new database at the same time, and break it.
        """
        deadline = time.monotonic() + WAIT_S
        while self._on and (known := self._read()) is None and time.monotonic() < deadline:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self._read()
            except BlockingIOError:
                time.sleep(0.1)
            except OSError:  # a file system without locks
                return self._read()
        return known if self._on else None

    def _read(self) -> str | None:
        try:
            return str(read_json(self._file)["run_id"])
        except (UserError, KeyError, TypeError):
            return None
