"""The server's imports take seconds, once for all tests of a session."""

import os
import signal
import time
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path

import pytest

from seasa_da.comparison.children import ChildFailed, run_child
from seasa_da.comparison.server import start_server
from seasa_da.errors import NonFiniteLoss, UserError


@pytest.fixture(autouse=True, scope="module")
def server():
    forkserver._forkserver._stop()  # another file's, which may have imported less
    start_server("mlflow", "mlflow.store.tracking.sqlalchemy_store")


@dataclass(frozen=True)
class Look:
    def __call__(self, send):
        import sys
        import threading

        send({"kind": "say", "line": "looking"})
        print("printed")
        torch = sys.modules["torch"]
        return {
            "loaded": [name for name in ("timm", "mlflow", "seasa_da.training.run") if name in sys.modules],
            "threads": threading.active_count(),
            "gpu": torch.cuda.is_initialized(),
            "folder": str(Path.cwd()),
            "variable": os.environ.get("SEASA_DA_TEST"),
        }


@dataclass(frozen=True)
class Fail:
    error: Exception

    def __call__(self, send):
        raise self.error


@dataclass(frozen=True)
class Die:
    how: int

    def __call__(self, send):
        if self.how:
            os.kill(os.getpid(), self.how)
            time.sleep(60)
        os._exit(3)


@dataclass(frozen=True)
class Linger:
    def __call__(self, send):
        send({"kind": "pid", "pid": os.getpid()})
        time.sleep(60)
        return {}


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_has_the_imports_done_and_the_parents_surroundings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEASA_DA_TEST", "yes")
    heard, log = [], tmp_path / "log"
    run_child(Look(), log, heard.append)
    before = time.monotonic()
    result = run_child(Look(), log, heard.append)
    assert time.monotonic() - before < 5  # where a fresh process takes many
    assert heard == [{"kind": "say", "line": "looking"}] * 2
    assert result == {
        "loaded": ["timm", "mlflow", "seasa_da.training.run"],
        "threads": 2,  # its own, and the one that waits for the parent's death
        "gpu": False,
        "folder": str(tmp_path),
        "variable": "yes",
    }
    assert log.read_text() == "printed\n" * 2


@pytest.mark.parametrize(
    ("error", "reason", "mistake"),
    [
        (UserError("a store\nis broken"), "a store is broken", True),
        (NonFiniteLoss("nan"), "nan", True),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero", False),
    ],
)
def test_what_is_raised_comes_back_as_a_line(tmp_path, error, reason, mistake):
    log = tmp_path / "log"
    with pytest.raises(ChildFailed) as caught:
        run_child(Fail(error), log, print)
    assert (str(caught.value), caught.value.mistake) == (reason, mistake)
    assert ("Traceback" in log.read_text()) is not mistake


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (signal.SIGKILL, "died with signal 9 (SIGKILL); out of memory?"),
        (signal.SIGABRT, "died with signal 6 (SIGABRT)"),
        (0, "ended with code 3 and no word"),
    ],
)
def test_a_death_is_told(tmp_path, how, reason):
    with pytest.raises(ChildFailed) as caught:
        run_child(Die(how), tmp_path / "log", print)
    assert str(caught.value) == reason


def test_ctrl_c_in_the_parent_stops_the_child(tmp_path):
    pids = []

    def hear(message):
        pids.append(message["pid"])
        raise KeyboardInterrupt

    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_child(Linger(), tmp_path / "log", hear)
    assert time.monotonic() - before < 10
    assert not alive(pids[0])
