"""Few tests touch MLflow itself: its import takes seconds."""

import http.server
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from seasa_da import tracking
from seasa_da.errors import UserError
from seasa_da.tracking import Tracker, clean_name, default_uri, flatten, resolve_uri


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(name, "1")


@pytest.fixture
def mlflow_imported():
    """So that a test measures a server's slowness, not the import's."""
    tracking.set_environment("none")
    return pytest.importorskip("mlflow")


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def held(monkeypatch):
    """MLflow delivers nothing before this is set: whoever waited for it would wait for the whole minute."""
    gate, deliver = threading.Event(), Tracker._deliver

    def wait(self, status):
        assert threading.current_thread().name == "mlflow"
        gate.wait(60)
        return deliver(self, status)

    monkeypatch.setattr(Tracker, "_deliver", wait)
    yield gate
    gate.set()


def start(uri, said, **options):
    wait_s = options.pop("wait_s", 60.0)
    tracker = Tracker(said.append, wait_s=wait_s, flush_s=0.05)
    given = {"experiment": "ct to mri", "run_name": "ours", "params": {}, "tags": {}, **options}
    return tracker.start(uri, given.pop("experiment"), given.pop("run_name"), **given)


def test_flatten():
    assert flatten({"a": {"b": {"c": 1}, "d": [1, 2]}, "e": None, "f": "text", "g(x)": True, "h": {}}) == {
        "a.b.c": "1",
        "a.d": "[1, 2]",
        "e": "null",
        "f": "text",
        "g_x_": "true",
        "h": "{}",
    }
    long = flatten({"a": "x" * 10_000})["a"]
    assert len(long) == tracking.VALUE_LENGTH and long.endswith("… (cut, 10000 characters)")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dice/MYO", "dice/MYO"),
        ("dice/MYO (LV)", "dice/MYO _LV_"),
        ("/a//../b", "a/b"),
        ("x" * 300, "x" * 250),
        ("", "_"),
    ],
)
def test_clean_name(name, expected):
    assert clean_name(name) == expected


def test_which_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve_uri(None) == default_uri() == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert resolve_uri("http://host:1") == "http://host:1"
    for folder in ("./mlruns", "file:///somewhere/mlruns"):
        with pytest.raises(UserError, match="sqlite:///mlruns/mlflow"):
            Tracker().start(folder, "e", "r", {}, {})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://other")
    assert resolve_uri(None) == "http://other"
    assert resolve_uri("none") == "none"


def test_tracking_can_be_off(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said, threads = [], threading.active_count()
    tracker = start("none", said)
    tracker.log_metrics(1, {"loss": 1.0})
    tracker.log_artifact(tmp_path / "missing")
    tracker.finish()
    assert (tracker.uri, tracker.run_id, said) == ("none", None, [])
    assert threading.active_count() == threads and not list(tmp_path.iterdir())


def test_a_password_is_not_shown():
    tracker = Tracker()
    tracker._uri = "https://me:secret@host/path"
    assert tracker.uri == "https://***@host/path"


def test_a_run_in_sqlite_and_its_continuation(tmp_path, monkeypatch, capfd, held):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "table.csv"
    file.write_text("a,b\n")
    params = {"train": {f"p{i}": i for i in range(130)}, "long": "x" * 9000}
    said, ids = [], []

    first = start(None, said, params=params, tags={"oracle": "false"}, on_started=ids.append)
    for step in range(700):
        first.log_metrics(step, {"loss": step / 2, "dice/MYO (LV)": 1.0, "bad": float("nan")})
    first.log_artifact(file, "tables")
    assert not held.is_set() and ids == []  # nothing waited for MLflow
    held.set()
    first.finish()
    assert said == [] and ids == [first.run_id]
    assert first.uri == default_uri()

    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=first.uri)
    run = client.get_run(first.run_id)
    assert run.info.status == "FINISHED" and run.info.run_name == "ours"
    assert run.data.params.keys() == {"long", *(f"train.p{i}" for i in range(130))}
    assert run.data.params["train.p7"] == "7" and "cut" in run.data.params["long"]
    assert run.data.tags["oracle"] == "false"
    history = client.get_metric_history(first.run_id, "loss")
    assert sorted((entry.step, entry.value) for entry in history) == [(step, step / 2) for step in range(700)]
    assert "bad" not in run.data.metrics and run.data.metrics["dice/MYO _LV_"] == 1.0
    saved = tmp_path / "mlruns" / "artifacts" / first.run_id / "artifacts" / "tables" / "table.csv"
    assert saved.read_text() == "a,b\n"

    tags = {"oracle": "true", "rows": "ours, crst"}
    second = start(None, said, params={**params, "long": "other", "more": 1}, tags=tags, run_id=first.run_id)
    second.log_metrics(700, {"loss": 0.0})
    second.finish("FAILED")
    assert second.run_id == first.run_id
    run = client.get_run(first.run_id)
    assert run.info.status == "FAILED" and run.data.params["more"] == "1"
    assert tags.items() <= run.data.tags.items()
    assert len(client.get_metric_history(first.run_id, "loss")) == 701

    third = start(None, said, run_id="0" * 32)
    gone = tmp_path / "gone"
    third.log_artifact(gone)
    third.log_artifact(file)
    third.finish()
    assert third.run_id not in (None, first.run_id)
    assert len(said) == 2 and "cannot send gone" in said[0] and "1 file not delivered" in said[1]
    assert [entry.path for entry in client.list_artifacts(third.run_id)] == ["table.csv"]
    assert client.get_run(third.run_id).info.status == "FINISHED"
    assert capfd.readouterr() == ("", "")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == os.environ["DO_NOT_TRACK"] == "true"
    assert logging.getLogger("alembic").level == logging.ERROR


def test_processes_that_begin_a_database_together_do_not_break_it(tmp_path):
    script = """
import sys, time
from pathlib import Path
import mlflow.store.tracking.sqlalchemy_store  # before the start, which is to be at the same moment
from seasa_da.tracking import Tracker
here, me = Path(sys.argv[1]), sys.argv[2]
(here / f"ready{me}").touch()
while not (here / "go").exists():
    time.sleep(0.001)
tracker = Tracker(print).start(f"sqlite:///{here}/new/mlflow.db", "e", f"run {me}", {"me": me}, {})
tracker.log_metrics(1, {"loss": 1.0})
tracker.finish()
assert tracker.run_id and not tracker.failed and not tracker.waiting
"""
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "ERROR"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), str(me)], env=environment, stdout=subprocess.PIPE
        )
        for me in range(3)
    ]
    try:
        deadline = time.monotonic() + 120
        while not all((tmp_path / f"ready{me}").exists() for me in range(3)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (tmp_path / "go").touch()
        assert [(process.communicate(timeout=120)[0].decode(), process.returncode) for process in started] == [
            ("", 0)
        ] * 3
    finally:
        for process in started:
            process.kill()


def test_a_dead_server_is_reported_once(mlflow_imported, capfd, held):
    with socket.socket() as listener:  # a port that nobody listens at afterwards
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    said = []
    before = time.monotonic()
    tracker = start(f"http://me:secret@127.0.0.1:{port}", said, wait_s=20)
    tracker.log_metrics(1, {"loss": 1.0, "other": 2.0})
    assert said == []  # nothing waited for the server
    held.set()
    until(lambda: said)
    tracker.finish()
    assert time.monotonic() - before < 20
    assert len(said) == 2 and "secret" not in "".join(said) and "\n" not in "".join(said)
    assert (
        said[0].startswith(f"MLflow: cannot open http://***@127.0.0.1:{port}: ")
        and "refused" in said[0]
        and "log.jsonl" in said[0]
    )
    assert said[1] == f"MLflow: 2 metrics not delivered to http://***@127.0.0.1:{port}"
    assert capfd.readouterr() == ("", "")


def test_a_folder_that_cannot_be_written_is_reported_once(mlflow_imported, tmp_path):
    (tmp_path / "file").write_text("")
    said = []
    tracker = start(f"sqlite:///{tmp_path}/file/mlruns/mlflow.db", said)
    for step in range(5):
        tracker.log_metrics(step, {"loss": 1.0})
        time.sleep(0.1)
    tracker.finish()
    tracker.finish()
    assert len(said) == 2 and "Not a directory" in said[0] and "5 metrics not delivered" in said[1]


def test_a_hung_server_delays_the_end_by_no_more_than_the_limit(mlflow_imported, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts by its backlog, never answers
        said = []
        before = time.monotonic()
        tracker = start(f"http://127.0.0.1:{listener.getsockname()[1]}", said, wait_s=0.5)
        waited, join = [], tracker._thread.join
        monkeypatch.setattr(tracker._thread, "join", lambda limit=None: waited.append(limit) or join(limit))
        tracker.log_metrics(1, {"loss": 1.0})
        tracker.finish()
        assert waited == [0.5]
        assert 0.4 < time.monotonic() - before < 30
        assert len(said) == 1 and "1 metric not delivered" in said[0]


def test_what_failed_is_delivered_later(mlflow_imported, tmp_path):
    blocker = tmp_path / "mlruns"
    blocker.write_text("")
    said = []
    tracker = start(f"sqlite:///{blocker}/mlflow.db", said)
    tracker.log_metrics(1, {"loss": 1.0})
    until(lambda: said)
    blocker.unlink()
    tracker.finish()
    assert len(said) == 1 and tracker.run_id
    client = mlflow_imported.MlflowClient(tracking_uri=tracker.uri)
    assert client.get_run(tracker.run_id).data.metrics == {"loss": 1.0}


class Server:
    """As much of MLflow's REST interface as a run needs, on a real port; `mode` says what is wrong with it."""

    def __init__(self):
        self.mode, self.metrics, self.requests = "ok", [], 0
        self.start()

    def start(self, port=0):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                content = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                outer.requests += 1
                if outer.mode == "slow":
                    time.sleep(2)
                code = int(outer.mode) if outer.mode.isdigit() else 200
                place = self.path.partition("?")[0].rpartition("mlflow/")[2]
                info = {"run_id": "r1", "run_uuid": "r1", "experiment_id": "1", "status": "RUNNING", "start_time": 0}
                info |= {"artifact_uri": "file:///nowhere", "lifecycle_stage": "active"}
                answers = {
                    "experiments/get-by-name": {
                        "experiment": {"experiment_id": "1", "name": "e", "lifecycle_stage": "active"}
                    },
                    "runs/create": {"run": {"info": info, "data": {}}},
                    "runs/update": {"run_info": info},
                }
                body = json.dumps(answers.get(place, {})).encode()
                if outer.mode == "html":
                    body = b"<html>welcome to the hotel's network</html>"
                elif code == 200 and place == "runs/log-batch":
                    outer.metrics += [(each["key"], each["value"]) for each in content.get("metrics", [])]
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = answer

            def log_message(self, *args):
                pass

        class Fast(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, *args):
                pass  # a client that did not wait

        self.http = Fast(("127.0.0.1", port), Handler)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    found = Server()
    yield found
    found.stop()


@pytest.mark.parametrize("mode", ["500", "403", "slow", "html"])
def test_a_server_in_trouble_neither_holds_training_nor_loses_what_can_wait(mlflow_imported, server, mode, capfd, held):
    said = []
    server.mode = mode
    tracker = start(f"http://me:secret@127.0.0.1:{server.port}", said, wait_s=20)
    for step in range(200):
        tracker.log_metrics(step, {"loss": float(step)})
    assert server.requests == 0 and said == []  # no call asked the server for anything
    held.set()
    until(lambda: said)
    assert server.requests > 0 and server.metrics == []
    server.mode = "ok"
    tracker.finish()
    assert len(said) == 1 and "training goes on" in said[0] and "secret" not in said[0] and "\n" not in said[0]
    assert [value for name, value in server.metrics if name == "loss"] == [float(step) for step in range(200)]
    assert tracker.waiting == 0 and capfd.readouterr() == ("", "")


def test_a_server_that_goes_in_the_middle_gets_the_rest_when_it_is_back(mlflow_imported, server):
    said = []
    tracker = start(f"http://127.0.0.1:{server.port}", said, wait_s=20)
    tracker.log_metrics(1, {"loss": 1.0})
    until(lambda: server.metrics)
    server.stop()
    tracker.log_metrics(2, {"loss": 2.0})
    until(lambda: said)
    server.start(server.port)
    tracker.log_metrics(3, {"loss": 3.0})
    tracker.finish()
    assert [value for _, value in server.metrics] == [1.0, 2.0, 3.0]
    assert len(said) == 1 and "cannot send metrics" in said[0]


def test_a_server_that_stays_away_fills_no_memory(mlflow_imported, server, monkeypatch):
    monkeypatch.setattr(tracking, "MOST_WAITING", 50)
    said = []
    server.mode = "500"
    tracker = start(f"http://127.0.0.1:{server.port}", said, wait_s=20)
    for step in range(80):
        tracker.log_metrics(step, {"loss": float(step)})
    until(lambda: said)
    assert tracker.waiting == 80 and len(tracker._metrics) <= 50
    server.mode = "ok"
    tracker.finish()
    assert [value for _, value in server.metrics] == [float(step) for step in range(30, 80)]
    assert said[-1].startswith("MLflow: 30 metrics not delivered")


def test_a_clock_that_goes_back_loses_no_metric(mlflow_imported, tmp_path, monkeypatch):
    hours = iter([0, 0, 3600, -3600, -7200])
    real = time.time_ns
    monkeypatch.setattr(tracking.time, "time_ns", lambda: real() + next(hours, -7200) * 10**9)
    said = []
    tracker = start(f"sqlite:///{tmp_path}/mlflow.db", said)
    for step in range(6):
        tracker.log_metrics(step, {"loss": float(step)})
    tracker.finish()
    assert said == []
    history = mlflow_imported.MlflowClient(tracking_uri=tracker.uri).get_metric_history(tracker.run_id, "loss")
    assert sorted((entry.step, entry.value) for entry in history) == [(step, float(step)) for step in range(6)]


def test_a_held_tracker_begins_with_the_first_metrics_or_when_its_time_is_up(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(Tracker, "_open", lambda self: opened.append(time.monotonic()))
    monkeypatch.setattr(Tracker, "_send_metrics", lambda self: self._metrics.clear())
    monkeypatch.setattr(Tracker, "_client", None, raising=False)

    def started(hold_s):
        opened.clear()
        tracker = Tracker(say=lambda line: None, hold_s=hold_s, flush_s=0.01, wait_s=0.5)
        return tracker.start(f"sqlite:///{tmp_path}/mlflow.db", "experiment", "run", {}, {})

    def begins(within_s):
        deadline = time.monotonic() + within_s
        while not opened and time.monotonic() < deadline:
            time.sleep(0.01)
        return bool(opened)

    held = started(600.0)
    assert not begins(0.3)
    held.log_metrics(1, {"loss": 1.0})
    assert begins(30.0)
    held.finish()
    ended = started(600.0)
    ended.finish()
    assert begins(30.0)
    late = started(0.2)
    assert begins(30.0)
    late.finish()
