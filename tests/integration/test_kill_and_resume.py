"""A run killed in the middle and resumed ends with the weights of one that was not, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from seasa_da.training import checkpoint
from seasa_da.training.run import RunResult, resume
from tests.integration.weights import assert_bit_identical

ROOT = Path(__file__).parents[2]
SETTINGS = ["train.iterations=40", "train.checkpoint_every=5", "train.log_every=5", "asa.start=0.1", "se.start=0.3"]


def test_sigkill_in_the_middle_changes_nothing(smoke: Callable[..., RunResult], store: Path, tmp_path: Path) -> None:
    whole = smoke("ours", data=store, out=tmp_path / "whole", overrides=SETTINGS)

    killed = tmp_path / "killed"
    command = [sys.executable, str(ROOT / "cli.py"), "train", "--method", "ours", "--preset", "smoke"]
    command += ["--data", str(store), "--out", str(killed), "--tracking-uri", "none", "--no-reference"]
    command += [part for text in SETTINGS for part in ("--set", text)]
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 240
    while len(checkpoint.list_checkpoints(killed / "checkpoint")) < 2:
        assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
        assert time.monotonic() < deadline, "no second checkpoint in time"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    if process.stderr:
        process.stderr.close()

    reached = checkpoint.load(checkpoint.list_checkpoints(killed / "checkpoint")[-1]).position.iteration
    assert 10 <= reached < 40
    assert not (killed / "metrics.json").exists()
    again = resume(killed)
    assert_bit_identical(whole.folder, again.folder)
    assert again.metrics["dice"] == whole.metrics["dice"]
    without_time = [(line["iteration"], line["losses"]) for line in _log(killed)]
    assert without_time == [(line["iteration"], line["losses"]) for line in _log(whole.folder)]


def _log(run: Path) -> list[dict]:
    import json

    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
