import json
import threading
import time

import pytest

from seasa_da.comparison import parent_run
from seasa_da.comparison.parent_run import ParentRun, modules_for


class Recorder:
    """Stands for `Tracker`: answers after a while, or never."""

    failed = False

    def __init__(self, answer_s=0.0, run_id="new"):
        self.answer_s, self.run_id, self.begun = answer_s, run_id, []

    def __call__(self, say):
        return self

    def start(self, uri, *, run_id, on_started, **about):
        self.begun.append(run_id)
        self.tags, self.name = about["tags"], about["run_name"]
        if self.answer_s is not None:
            threading.Timer(self.answer_s, on_started, [run_id or self.run_id]).start()

    def finish(self, status):
        self.status = status


@pytest.fixture
def begin(tmp_path, monkeypatch):
    monkeypatch.setattr(parent_run, "WAIT_S", 10.0)

    def begin(recorder, uri="sqlite:///x.db"):
        monkeypatch.setattr(parent_run, "Tracker", recorder)
        return ParentRun(tmp_path, uri, "ct to mri", {}, {"rows": "ours"}, print)

    return begin


def test_runs_name_their_parent_and_a_repeat_goes_on_with_it(begin, tmp_path):
    first = begin(Recorder(0.1))
    assert first.tags("ours", tmp_path)["mlflow.parentRunId"] == "new"
    assert json.loads((tmp_path / "mlflow.json").read_text()) == {"run_id": "new"}
    again = Recorder(None)
    assert begin(again).tags("ours", tmp_path)["mlflow.parentRunId"] == "new"
    assert again.begun == ["new"]
    assert again.tags == {"comparison": tmp_path.name, "rows": "ours"}


def test_it_is_called_by_the_command(begin, tmp_path):
    recorder = Recorder(0.0)
    begin(recorder)
    assert recorder.name == f"compare {tmp_path.name}"
    ParentRun(tmp_path, "none", "ct to mri", {}, {}, print, "ablate")
    assert recorder.name == f"ablate {tmp_path.name}"


def test_a_shard_waits_for_the_one_that_began(begin, tmp_path):
    begin(Recorder(0.4))
    before = time.monotonic()
    second = Recorder(0.0, "other")
    begin(second)
    assert second.begun == ["new"] and 0.2 < time.monotonic() - before < 10


def test_a_dead_store_costs_one_wait(begin, tmp_path, monkeypatch):
    parent = begin(Recorder(None))
    monkeypatch.setattr(parent_run, "WAIT_S", 0.5)
    before = time.monotonic()
    assert parent.tags("ours", tmp_path) == {"comparison.row": "ours", "run_folder": str(tmp_path)}
    assert parent.tags("crst", tmp_path)["comparison.row"] == "crst"
    assert time.monotonic() - before < 5
    assert not (tmp_path / "mlflow.json").exists()


def test_a_store_that_refuses_is_not_waited_for(begin, tmp_path):
    recorder = Recorder(None)
    recorder.failed = True
    before = time.monotonic()
    assert "mlflow.parentRunId" not in begin(recorder).tags("ours", tmp_path)
    assert time.monotonic() - before < 5


def test_no_tracking(begin, tmp_path):
    before = time.monotonic()
    parent = begin(Recorder(None), uri="none")
    assert "mlflow.parentRunId" not in parent.tags("ours", tmp_path)
    assert time.monotonic() - before < 5
    assert modules_for("none") == []


def test_a_damaged_note_is_written_again(begin, tmp_path):
    (tmp_path / "mlflow.json").write_text("{")
    parent = begin(Recorder(0.0))
    assert parent.tags("ours", tmp_path)["mlflow.parentRunId"] == "new"
    assert json.loads((tmp_path / "mlflow.json").read_text()) == {"run_id": "new"}
