"""MLflow behind one small interface, which can neither delay nor stop a training run.

Everything that touches MLflow happens in one daemon thread fed by a queue: its import takes seconds, a server may be
slow or dead. What could not be delivered is kept and tried again; `log.jsonl` in the run folder is the truth anyway.
Start a tracker after the other heavy imports, and before any process is forked only if that process does not log.
"""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import queue
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seasa_da.errors import UserError

OFF = "none"
METRICS_A_CALL = 1000  # MLflow's limits of one request
PARAMS_A_CALL = 100
VALUE_LENGTH = 6000
NAME_LENGTH = 250
_LONGEST_PAUSE_S = 60.0
MOST_WAITING = 100_000
"""Metrics kept for a server that is gone, some 30 MB; the oldest go first, and `log.jsonl` has them all."""


def default_uri(folder: Path | None = None) -> str:
    """The SQLite store in `mlruns/` of a folder, by default the current one."""
    return f"sqlite:///{(folder or Path.cwd()).absolute() / 'mlruns' / 'mlflow.db'}"


def resolve_uri(uri: str | None) -> str:
    """The store meant: `uri`, or `$MLFLOW_TRACKING_URI`, or `default_uri`.

    Raises `UserError` for a plain folder, which MLflow 3 does not write to.
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or default_uri()
    plain = "://" not in uri and uri not in (OFF, "databricks", "databricks-uc")
    if (plain or uri.startswith("file:")) and os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() not in (
        "true",
        "1",
    ):
        raise UserError(
            f"MLflow 3 keeps no records in a plain folder ({uri}); give a database, "
            f"such as sqlite:///{Path(uri.removeprefix('file:')).name or 'mlruns'}/mlflow.db, or an http(s) address"
        )
    return uri


def set_environment(uri: str) -> None:
    """What has to be set before MLflow is imported: no telemetry, and no long waits for a server."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # it would print the password of an address, too
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    if uri.startswith(("http://", "https://")):
        # MLflow's own, 120 s and 7 retries, hold a lost server's thread for a quarter of an hour.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")


class Tracker:
    """One MLflow run.

    Args:
        say: told in one line of the first failure, and at the end of what was not delivered; it is called from the
            background thread too.
        wait_s: the longest that `finish` waits, seconds.
        flush_s: how long metrics are gathered before they are sent, seconds.
        hold_s: how long after `start`, at most, MLflow is not yet imported where there is nothing to record, seconds.
    """

    def __init__(
        self, say: Callable[[str], None] = print, *, wait_s: float = 60.0, flush_s: float = 5.0, hold_s: float = 0.0
    ) -> None:
        self._say = say
        self._wait_s = wait_s
        self._flush_s = flush_s
        self._queue: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._metrics: deque[tuple[str, float, int, int]] = deque()  # name, value, milliseconds, step
        self._files: deque[tuple[Path, str]] = deque()
        self._lock = threading.Lock()
        self._undelivered = {"metrics": 0, "files": 0}
        self._ended = False
        self._complained = False
        self._hold_s = hold_s
        self._asked = threading.Event()  # there is something to record
        self._thread: threading.Thread | None = None
        self._client: Any = None
        self._params: dict[str, str] = {}
        self._tags: dict[str, str] = {}  # of a run that is continued
        self._started_ms = 0
        self._uri = OFF
        self._run_id: str | None = None

    def start(
        self,
        uri: str | None,
        experiment: str,
        run_name: str,
        params: Mapping[str, Any],
        tags: Mapping[str, str],
        *,
        run_id: str | None = None,
        on_started: Callable[[str], None] | None = None,
    ) -> Tracker:
        """Begin to record, in the background; returns at once.

        Args:
            uri: of MLflow's store; `None` for `$MLFLOW_TRACKING_URI` or `mlruns/` here, `"none"` for no tracking.
            experiment: made if it does not exist.
            params: may be nested; `{"a": {"b": 1}}` is recorded as `a.b`.
            tags: of an old run that is continued they are set anew, unlike `params`, which MLflow does not change.
            run_id: continue this run; a new one begins if it is gone.
            on_started: given the run's id, in the background thread, when it is known.

        Raises:
            UserError: `uri` is a plain folder.
            RuntimeError: the tracker was started before.
        """
        if self._thread or self._ended:
            raise RuntimeError("a tracker records one run; make another")
        self._uri = resolve_uri(uri)
        if self._uri == OFF:
            self._ended = True
            return self
        self._params = flatten(params)
        self._begin = (experiment, run_name, {clean_name(k): v for k, v in tags.items()}, run_id, on_started)
        self._started_ms = _now_ms()
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()
        return self

    @property
    def uri(self) -> str:
        """Where the records go, without a password; "none" if nowhere."""
        return _without_password(self._uri)

    @property
    def run_id(self) -> str | None:
        """MLflow's id of the run; `None` until the store has answered."""
        return self._run_id

    @property
    def failed(self) -> bool:
        """Whether something could not be recorded; it is tried again, so the run may have begun all the same."""
        return self._complained

    @property
    def waiting(self) -> int:
        """Metrics that are not delivered yet, or never will be."""
        with self._lock:
            return self._undelivered["metrics"]

    def log_metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record finite values; others are skipped, as a store may refuse them and the log file has them."""
        now = _now_ms()
        values = [(clean_name(k), float(v), now, int(step)) for k, v in metrics.items() if math.isfinite(v)]
        self._put("metrics", values, len(values))

    def log_artifact(self, path: Path, folder: str = "") -> None:
        """Record a file, or a folder's content, which must stay as it is until `finish`.

        Args:
            folder: place among the run's artifacts.
        """
        self._put("files", (Path(path).absolute(), folder), 1)

    def finish(self, status: str = "FINISHED") -> None:
        """Deliver what is left, for at most `wait_s` seconds, and say once what was not delivered.

        Args:
            status: of the run: FINISHED, FAILED or KILLED.
        """
        if self._ended or self._thread is None:
            return
        self._ended = True
        self._queue.put(("finish", status))
        self._asked.set()
        self._thread.join(self._wait_s)
        with self._lock:
            left = [f"{n} {kind if n > 1 else kind[:-1]}" for kind, n in self._undelivered.items() if n]
        if left or (self._thread.is_alive() and not self._complained):
            self._say(f"MLflow: {' and '.join(left) or 'the end of the run'} not delivered to {self.uri}")

    def _put(self, kind: str, content: Any, count: int) -> None:
        if self._ended or self._thread is None:
            return
        with self._lock:
            self._undelivered[kind] += count
        self._queue.put((kind, content))
        self._asked.set()

    # From here on everything runs in the background thread.

    def _work(self) -> None:
        self._asked.wait(self._hold_s)
        due, pause = time.monotonic(), self._flush_s
        status: str | None = None
        while status is None:
            try:
                kind, content = self._queue.get(timeout=max(due - time.monotonic(), 0))
            except queue.Empty:
                pass
            else:
                if kind == "metrics":
                    self._metrics.extend(content)
                    while len(self._metrics) > MOST_WAITING:
                        self._metrics.popleft()  # they stay among the undelivered, and are counted at the end
                elif kind == "files":
                    self._files.append(content)
                else:
                    status = content
            if status is not None or time.monotonic() >= due:
                delivered = self._deliver(status)
                pause = self._flush_s if delivered else min(2 * pause, _LONGEST_PAUSE_S)
                due = time.monotonic() + pause

    def _deliver(self, status: str | None) -> bool:
        """Send what has gathered; what fails stays for the next time. Never raises."""
        task = "open"
        try:
            self._open()
            task = "send metrics to"
            self._send_metrics()
            task = "send files to"
            sent = self._send_files()
            task = "end the run in"
            if status is not None:
                self._client.set_terminated(self._run_id, status)
            return sent
        except Exception as error:  # whatever it is, training goes on
            self._complain(task, error)
            return False

    def _open(self) -> None:
        if self._client is None:
            set_environment(self._uri)
            for name in ("alembic", "urllib3.connectionpool"):  # migrations and retries are nobody's business
                logging.getLogger(name).setLevel(logging.ERROR)
            from mlflow import MlflowClient

            database = sqlite_file(self._uri)
            if database:
                database.parent.mkdir(parents=True, exist_ok=True)
            with _one_at_a_time(database):
                self._client = MlflowClient(tracking_uri=self._uri)
        if self._run_id is None:
            self._run_id = self._begin_run()
        if self._tags:
            from mlflow.entities import RunTag

            self._send("tags", tags=[RunTag(name, value) for name, value in self._tags.items()])
            self._tags = {}
        while self._params:
            from mlflow.entities import Param

            names = list(islice(self._params, PARAMS_A_CALL))
            self._send("parameters", params=[Param(name, self._params[name]) for name in names])
            for name in names:
                del self._params[name]

    def _begin_run(self) -> str:
        experiment, run_name, tags, old_id, on_started = self._begin
        known = self._continue(old_id) if old_id else None
        if old_id and known is not None:
            run_id = old_id
            # A parameter cannot be changed; an old run keeps what it began with.
            self._params = {name: value for name, value in self._params.items() if name not in known}
            self._tags = tags
        else:
            made = self._client.create_run(
                self._experiment_id(experiment), start_time=self._started_ms, tags=tags, run_name=run_name
            )
            run_id = made.info.run_id
        if on_started:
            try:
                on_started(run_id)
            except Exception as error:
                self._complain("note the run's id of", error)
        return run_id

    def _continue(self, run_id: str) -> Mapping[str, str] | None:
        """The parameters of an old run, now running again; `None` if it is gone."""
        from mlflow.exceptions import MlflowException

        try:
            run = self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        if run.info.lifecycle_stage != "active":
            return None
        self._client.update_run(run_id, status="RUNNING")
        return run.data.params

    def _experiment_id(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return found.experiment_id
        database = sqlite_file(self._uri)
        # Beside the database; MLflow's own place would be in whatever folder is the current one.
        place = (database.parent / "artifacts").as_uri() if database else None
        try:
            return self._client.create_experiment(name, artifact_location=place)
        except Exception:
            # Another run was quicker by a moment.
            found = self._client.get_experiment_by_name(name)
            if found is None:
                raise
            return found.experiment_id

    def _send_metrics(self) -> None:
        from mlflow.entities import Metric

        while self._metrics:
            batch = list(islice(self._metrics, METRICS_A_CALL))
            taken = self._send("metrics", metrics=[Metric(*entry) for entry in batch])
            for _ in batch:
                self._metrics.popleft()
            if taken:
                self._delivered("metrics", len(batch))

    def _send(self, what: str, **content: Any) -> bool:
        """One request. False if the store refuses its content, which another try would not change."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.log_batch(self._run_id, **content)
        except MlflowException as error:
            if error.error_code not in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
                raise
            self._complain(f"send {what} to", error)
            return False
        return True

    def _send_files(self) -> bool:
        """False if a file has to wait for another try. A file that is gone is given up."""
        for _ in range(len(self._files)):
            path, folder = self._files.popleft()
            try:
                send = self._client.log_artifacts if path.is_dir() else self._client.log_artifact
                send(self._run_id, str(path), folder or None)
            except Exception as error:
                self._complain(f"send {path.name} to", error)
                if path.exists():
                    self._files.appendleft((path, folder))
                    return False
            else:
                self._delivered("files", 1)
        return True

    def _delivered(self, kind: str, count: int) -> None:
        with self._lock:
            self._undelivered[kind] -= count

    def _complain(self, task: str, error: Exception) -> None:
        if self._complained:
            return
        self._complained = True
        root: BaseException = error  # a client wraps "connection refused" four times over
        while inner := root.__cause__ or root.__context__:
            root = inner
        reason = " ".join(str(root).split()) or type(root).__name__
        password = urlsplit(self._uri).password
        reason = reason.replace(password, "***") if password else reason
        reason = reason if len(reason) <= 200 else reason[:199] + "…"
        self._say(f"MLflow: cannot {task} {self.uri}: {reason}; training goes on, log.jsonl has everything")


def flatten(params: Mapping[str, Any]) -> dict[str, str]:
    """Nested settings as MLflow's parameters: dotted names, texts within MLflow's length.

    >>> flatten({"train": {"lr": 0.1, "steps": (1, 2)}, "weights": None})
    {'train.lr': '0.1', 'train.steps': '[1, 2]', 'weights': 'null'}
    """
    return {clean_name(name): _cut(value) for name, value in _leaves(params, "")}


def clean_name(name: str) -> str:
    """A name MLflow takes: letters, digits, `_-. :` and single slashes; anything else becomes `_`."""
    parts = re.sub(r"[^\w.\-/ :]", "_", str(name)).split("/")
    return "/".join(part for part in parts if part not in ("", ".", ".."))[:NAME_LENGTH] or "_"


def _leaves(content: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, default=str)


def _cut(text: str) -> str:
    if len(text) <= VALUE_LENGTH:
        return text
    note = f"… (cut, {len(text)} characters)"
    return text[: VALUE_LENGTH - len(note)] + note


def sqlite_file(uri: str) -> Path | None:
    """The file of an SQLite address; `None` for others and for one in memory."""
    name = uri.partition("?")[0].removeprefix("sqlite:///")
    return Path(name).absolute() if uri.startswith("sqlite:///") and name else None


@contextmanager
def _one_at_a_time(database: Path | None) -> Iterator[None]:
    """Processes that make the tables of a new SQLite file at the same time would break it: MLflow takes no lock."""
    if database is None:
        yield
        return
    with database.with_name(f".{database.name}.lock").open("w") as lock:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)  # the system gives it back if this process is killed
        yield


def _without_password(uri: str) -> str:
    before, at, _ = urlsplit(uri).netloc.rpartition("@")
    return uri.replace(f"{before}@", "***@", 1) if at else uri


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
