"""`seasa-da compare` from the command line to the tables: whole, interrupted, failing, in shards."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seasa_da import compare
from seasa_da.cli import main
from seasa_da.comparison import ComparisonResult
from seasa_da.comparison.observer import ComparisonObserver
from seasa_da.comparison.parent_run import modules_for
from seasa_da.comparison.rows import all_rows
from seasa_da.comparison.server import start_server
from seasa_da.registry import METHODS

from .weights import assert_bit_identical

ROOT = Path(__file__).parents[2]
KINDS = (".md", ".tex", ".csv", ".json", "-per-case.csv", "-calibration.md", "-calibration.csv")
SHORT = ["train.iterations=2", "train.batch_size=2"]
Compare = Callable[..., ComparisonResult]


@pytest.fixture(autouse=True, scope="module")
def server(own_cache: Path) -> None:
    """Started with MLflow's imports, which every child of the whole table would do again otherwise."""
    start_server(*modules_for("sqlite:///any.db"))


@pytest.fixture
def small(store: Path, tmp_path: Path) -> Compare:
    """Two quick rows of one direction and seed, without tracking."""

    def run(**options: Any) -> ComparisonResult:
        defaults = {"methods": ["source-only", "adaoutput"], "data": store, "preset": "smoke", "overrides": SHORT}
        return compare(**{**defaults, "out": tmp_path / "comparison", "tracking_uri": "none", **options})

    return run


def tables(folder: Path, direction: str = "ct-to-mri") -> list[bytes]:
    return [*((folder / f"{direction}{kind}").read_bytes() for kind in KINDS), (folder / "comparison.png").read_bytes()]


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in (folder / "runs").rglob(".*")]


def test_the_whole_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The benchmark as it is typed, with all rows filled, tracked under one parent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    command = ["compare", "--all", "--both", "--preset", "smoke", "--reference", "paper"]
    with pytest.raises(SystemExit) as end:
        main(command)
    out = capsys.readouterr().out
    assert end.value.code == 0, out
    folder = tmp_path / "runs" / "compare-smoke"
    rows = [row.name for row in all_rows()]
    for direction in ("ct-to-mri", "mri-to-ct"):
        content = json.loads((folder / f"{direction}.json").read_text())
        assert [row["name"] for row in content["rows"]] == rows
        assert all(row["dice"]["structures"]["mean"]["mean"] is not None for row in content["rows"])
        assert [row["name"] for row in content["rows"] if row["oracle"]] == ["supervised"]
        assert content["failed"] == content["missing"] == []
    assert leftovers(folder) == []
    assert all(f"{direction}, seed 0, {row}: Dice" in out for direction in ("ct to mri", "mri to ct") for row in rows)

    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    parent = json.loads((folder / "mlflow.json").read_text())["run_id"]
    assert client.get_run(parent).info.status == "FINISHED"
    assert client.get_run(parent).data.tags["directions"] == "ct to mri, mri to ct"
    assert {f"dice/ct to mri/{row}" for row in rows} <= client.get_run(parent).data.metrics.keys()
    artifacts = {entry.path for entry in client.list_artifacts(parent)}
    assert artifacts == {"comparison.png", *(f"{d}{kind}" for d in ("ct-to-mri", "mri-to-ct") for kind in KINDS)}
    runs = client.search_runs([found.experiment_id for found in client.search_experiments()])
    assert len(runs) == 1 + 2 * len(rows)
    assert {run.data.tags.get("mlflow.parentRunId", parent) for run in runs} == {parent}
    assert {run.info.status for run in runs} == {"FINISHED"}

    before = tables(folder)
    with pytest.raises(SystemExit) as end:
        main(command)
    again = capsys.readouterr().out
    assert end.value.code == 0 and again.count(", kept\n") == 2 * len(rows)
    assert tables(folder) == before
    assert json.loads((folder / "mlflow.json").read_text())["run_id"] == parent


def test_a_finished_run_is_as_one_made_alone_and_can_be_evaluated(
    small: Compare, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from seasa_da.training.run import train

    result = small(methods=["adaoutput+se"])
    run = result.folder / "runs" / "ct-to-mri" / "seed0" / "adaoutput+se"
    options = {"data": store, "preset": "smoke", "overrides": SHORT, "addons": ["se"], "tracking_uri": "none"}
    alone = train("adaoutput", out=tmp_path / "alone", reference=False, **options)  # type: ignore[arg-type]
    assert_bit_identical(run, alone.folder)
    with pytest.raises(SystemExit) as end:
        main(["evaluate", str(run)])
    assert end.value.code == 0 and "MYO" in capsys.readouterr().out


def test_methods_that_are_not_in_the_papers_table_are_made_by_name(small: Compare) -> None:
    extras = [name for name, spec in METHODS.items() if spec.row is None]
    assert {"advent", "minent", "mpscl", "fda"} <= set(extras)
    result = small(methods=extras, overrides=["train.iterations=4", "train.batch_size=2"])
    (report,) = result.reports
    assert not result.failed and [row.name for row in report.comparison.rows] == extras
    assert all(row.dice.structures["mean"].mean is not None for row in report.comparison.rows)


def test_shards_share_a_folder_and_the_last_makes_the_whole_table(small: Compare, tmp_path: Path) -> None:
    whole = small(methods=["source-only"], both=True, seeds=[0, 1], out=tmp_path / "whole")
    parts = [small(methods=["source-only"], both=True, seeds=[0, 1], shard=(part, 3)) for part in (1, 2, 3)]
    assert [len(part.outcomes) for part in parts] == [2, 1, 1]
    assert sum(len(report.found.missing) for report in parts[0].reports) == 2
    for direction in ("ct-to-mri", "mri-to-ct"):
        assert tables(parts[-1].folder, direction) == tables(whole.folder, direction)
    more = small(methods=["adaoutput"])  # joins the rows, and is not made for the other seed and direction
    assert [len(report.comparison.rows) for report in more.reports] == [2, 2]
    assert len(more.outcomes) == 1


def test_a_child_that_is_killed_is_a_failed_run_and_the_others_go_on(small: Compare, tmp_path: Path) -> None:
    whole = small(out=tmp_path / "whole")

    def kill(overall: Any) -> None:
        children = multiprocessing.active_children()
        if "source-only" in overall.present and children:
            os.kill(children[0].pid or 0, signal.SIGKILL)

    first = small(observer=ComparisonObserver(progress=kill))
    assert [(outcome.cell.row.name, outcome.failure is None) for outcome in first.outcomes] == [
        ("source-only", False),
        ("adaoutput", True),
    ]
    assert "died with signal 9" in first.outcomes[0].line()
    note = first.folder / "runs" / "ct-to-mri" / "seed0" / ".source-only.failed.json"
    assert "died with signal 9" in json.loads(note.read_text())["reason"]
    assert "source-only failed: seed 0: died with signal 9" in (first.folder / "ct-to-mri.md").read_text()

    second = small()
    assert [outcome.kept for outcome in second.outcomes] == [False, True] and second.failed == []
    assert leftovers(second.folder) == []
    assert tables(second.folder) == tables(whole.folder)


def test_a_loss_that_is_not_finite_leaves_no_folder_and_code_1(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "comparison"
    command = ["compare", "--methods", "source-only", "--data", str(store), "--preset", "smoke", "--out", str(out)]
    command += ["--set", "train.lr=1e25", "--set", "train.log_every=1", "--tracking-uri", "none"]
    with pytest.raises(SystemExit) as end:
        main(command)
    shown = capsys.readouterr().out
    assert end.value.code == 1
    assert "ct to mri, seed 0, source-only: failed: loss 'seg_" in shown
    assert "failed: 1 of 1 run; the same command tries it again" in shown
    assert leftovers(out) == [".source-only.failed.json"]


def test_a_damaged_partial_run_is_started_anew(small: Compare, tmp_path: Path) -> None:
    whole = small(methods=["source-only"], out=tmp_path / "whole")
    out = tmp_path / "comparison"
    small(methods=["adaoutput"])
    partial = out / "runs" / "ct-to-mri" / "seed0" / ".source-only.partial-1" / "source-only-seed0"
    partial.parent.mkdir()
    (whole.folder / "runs" / "ct-to-mri" / "seed0" / "source-only").rename(partial)
    (partial / "metrics.json").unlink()
    newest = sorted((partial / "checkpoint").iterdir())[-1]
    (newest / "modules.safetensors").write_bytes(b"nonsense")
    result = small(methods=["source-only"])
    assert result.failed == [] and leftovers(out) == []
    assert "cannot go on with an earlier try" in (out / "compare.log").read_text()


def test_wrong_domains_and_changed_data_are_refused_before_anything_is_written(
    small: Compare, store: Path, tmp_path: Path
) -> None:
    from seasa_da.errors import UserError

    with pytest.raises(UserError, match="ct, mri"):
        small(tgt="mr")
    with pytest.raises(UserError, match=r"crst: .* self_training\.rounds=9"):
        small(methods=["source-only", "crst"], overrides=[*SHORT, "self_training.rounds=9"])
    assert not (tmp_path / "comparison").exists()
    small(methods=["source-only"])
    manifest = json.loads((tmp_path / "comparison" / "compare.json").read_text())
    manifest["data"]["ct to mri"]["training"] = "other"
    (tmp_path / "comparison" / "compare.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"the data of .* changed"):
        small()


def test_killed_and_interrupted_it_goes_on_to_the_same_tables(
    small: Compare, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["train.iterations=30", "train.batch_size=2", "train.checkpoint_every=5", "train.log_every=5"]
    whole = small(overrides=settings, out=tmp_path / "whole")
    out = tmp_path / "comparison"
    command = ["compare", "--methods", "source-only,adaoutput", "--data", str(store), "--preset", "smoke"]
    command += ["--out", str(out), "--tracking-uri", "none", *(part for text in settings for part in ("--set", text))]

    def checkpoints(row: str) -> int:
        return len(list((out / "runs" / "ct-to-mri" / "seed0").glob(f".{row}.partial-1/*/checkpoint/0*")))

    process = subprocess.Popen([sys.executable, str(ROOT / "cli.py"), *command], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while checkpoints("source-only") < 2:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()

    def interrupt(console: Any, overall: Any) -> None:
        if "adaoutput" in overall.present and checkpoints("adaoutput") == 2:
            os.kill(os.getpid(), signal.SIGINT)

    # A shell that runs tests in the background has them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
            patch.setattr("seasa_da.commands.comparison_console.ComparisonConsole._advance", interrupt)
            main(command)
    finally:
        signal.signal(signal.SIGINT, before)
    assert end.value.code == 130 and not multiprocessing.active_children()
    assert f"stopped; go on with: seasa-da {command[0]} {' '.join(command[1:3])}" in capsys.readouterr().out

    rows = json.loads((out / "ct-to-mri.json").read_text())["rows"]  # of what was finished when it was stopped
    assert [row["seeds"] for row in rows] == [[0], []]

    finished = small(overrides=settings)
    assert [outcome.kept for outcome in finished.outcomes] == [True, False]
    log = (out / "compare.log").read_text()
    assert "source-only: resuming at update" in log and "adaoutput: resuming at update" in log
    assert leftovers(out) == []
    assert tables(out) == tables(whole.folder)
