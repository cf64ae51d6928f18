"""Asked to stop, a run saves its last update and says how to go on; what then goes on ends the same."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seasa_da.cli import main
from seasa_da.errors import UserError
from seasa_da.training import checkpoint
from seasa_da.training.run import Observer, RunResult, resume
from seasa_da.training.trainer import Progress, Trainer

from .weights import assert_bit_identical

ROOT = Path(__file__).parents[2]
SETTINGS = ["train.iterations=20", "train.checkpoint_every=10", "train.log_every=4", "asa.start=0.1", "se.start=0.3"]


@pytest.fixture(scope="module")
def whole(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nobody stops."""
    from seasa_da.training.run import train

    out = tmp_path_factory.mktemp("stopping") / "whole"
    train("ours", data=store, preset="smoke", out=out, overrides=SETTINGS, tracking_uri="none", reference=False)
    return out


@pytest.fixture
def heard() -> Iterator[None]:
    """A shell that runs tests in the background has them ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def command(store: Path, out: Path) -> list[str]:
    words = ["train", "--method", "ours", "--preset", "smoke", "--data", str(store), "--out", str(out)]
    words += ["--tracking-uri", "none", "--no-reference"]
    return [*words, *(word for text in SETTINGS for word in ("--set", text))]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1], ids=lambda each: each.name)
def test_a_signal_saves_the_update_under_way(
    number: signal.Signals,
    whole: Path,
    store: Path,
    tmp_path: Path,
    heard: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, update, done = tmp_path / "a run", Trainer._update, 0

    def interrupted(*args: object, **kwargs: object) -> object:
        nonlocal done
        done += 1
        if done == 7:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)  # as a terminal and a launcher do
        return update(*args, **kwargs)  # type: ignore[arg-type]

    before = signal.getsignal(number)
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr(Trainer, "_update", interrupted)
        main(command(store, out))
    assert end.value.code == 130 and done == 7
    assert signal.getsignal(number) == before
    assert f"stopped; go on with: seasa-da train --resume '{out}'" in capsys.readouterr().out.replace("\n", "")
    [saved] = checkpoint.list_checkpoints(out / "checkpoint")
    assert checkpoint.load(saved).position.iteration == 7
    resume(out)
    assert_bit_identical(whole, out)
    assert log(out) == log(whole)  # update 7 lies between two lines of it


def test_a_second_ctrl_c_does_not_wait(heard: None, store: Path, smoke: Callable[..., RunResult], monkeypatch) -> None:
    from seasa_da.training import stopping

    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(stopping.time, "monotonic", lambda: float(next(clock)))
    with stopping.StopRequests(_OneProcess()) as requests:
        os.kill(os.getpid(), signal.SIGINT)
        assert requests.agreed()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


class _OneProcess:
    num_processes = 1


def test_a_damaged_checkpoint_is_passed_over(whole: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    shutil.copytree(whole, part)
    (part / "metrics.json").unlink()
    newest = checkpoint.list_checkpoints(part / "checkpoint")[-1] / "modules.safetensors"
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    said: list[str] = []
    resume(part, observer=Observer(say=said.append))
    assert any(f"{newest} is damaged" in line and "going on from the one before" in line for line in said)
    assert "resuming at update 10 of stage adapt" in said
    assert_bit_identical(whole, part)


def test_one_folder_is_for_one_process(
    whole: Path, store: Path, tmp_path: Path, smoke: Callable[..., RunResult]
) -> None:
    """While one trains, another neither goes on with its run nor begins there."""
    refused: list[str] = []
    out = tmp_path / "run"

    def intrude(progress: Progress) -> None:
        if not refused:
            for words in (["train", "--resume", str(out)], command(store, out)):
                done = subprocess.run(
                    [sys.executable, str(ROOT / "cli.py"), *words], capture_output=True, text=True, check=False
                )
                assert done.returncode == 2, done.stderr
                refused.append(done.stderr.strip().replace("\n", " "))

    smoke("ours", data=store, out=out, overrides=SETTINGS, observer=Observer(progress=intrude))
    assert f"another process is writing to {out}" in refused[0]
    assert f"output folder {out} is not empty" in refused[1]
    assert_bit_identical(whole, out)
    assert not (out / ".lock").exists()


def test_a_disk_that_fills_up_costs_nothing_that_was_saved(whole: Path, store: Path, tmp_path: Path) -> None:
    """From the second checkpoint on the process may write no file of more than 20 kB."""
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), *command(store, out), "--set", "train.checkpoint_every=2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 240
    while len(checkpoint.list_checkpoints(out / "checkpoint")) < 2:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 2
    assert "cannot write" in errors and "free space" in errors and "Traceback" not in errors
    for path in checkpoint.list_checkpoints(out / "checkpoint"):
        checkpoint.load(path)
    assert not list(out.rglob("*.partial"))
    resume(out)
    assert_bit_identical(whole, out)


def test_a_disk_that_is_full_when_tables_are_written_leaves_the_older_ones(store: Path, tmp_path: Path) -> None:
    from seasa_da.comparison import compare

    out = tmp_path / "comparison"
    overrides = ["train.iterations=2", "selection.slices=2"]
    options: dict[str, Any] = {"data": store, "preset": "smoke", "tracking_uri": "none", "overrides": overrides}
    compare(["source-only"], out=out, **options)
    tables = {path: path.read_bytes() for path in out.glob("ct-to-mri*")}
    assert len(tables) >= 4
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, before[1]))
    try:
        with pytest.raises(UserError, match="cannot write"):
            compare(["source-only"], out=out, **options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path: path.read_bytes() for path in out.glob("ct-to-mri*")} == tables
    assert not list(out.rglob("*.partial"))
    assert not compare(["source-only"], out=out, **options).failed


def test_nothing_is_left_where_every_checkpoint_is_damaged(whole: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    shutil.copytree(whole, part)
    (part / "metrics.json").unlink()
    for path in checkpoint.list_checkpoints(part / "checkpoint"):
        (path / "state.json").write_text("{")
    with pytest.raises(UserError, match=r"not valid JSON.*start it anew"):
        resume(part)


def log(run: Path) -> list[tuple[int, dict[str, float]]]:
    return [(line["iteration"], line["losses"]) for line in map(json.loads, (run / "log.jsonl").open())]
