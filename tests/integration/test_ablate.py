"""`seasa-da ablate` from the command line to the tables: runs of several tables are made once, and kept."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

from seasa_da import ablate
from seasa_da.cli import main

SHORT = ["train.iterations=2", "train.batch_size=2"]


def test_tables_share_their_runs_and_keep_them(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ablation"
    settings = [part for text in [*SHORT, "asa.alpha=0.1"] for part in ("--set", text)]
    options = ["--data", str(store), "--preset", "smoke", "--out", str(out), "--tracking-uri", "none", *settings]

    def run(*args: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(["ablate", *args, *options])
        shown = capsys.readouterr().out
        assert end.value.code == 0, shown
        return shown

    shown = run("--tables", "4", "--reference", "paper")
    assert "Table 4, unreliable pixels in semantic alignment: ct → mri" in shown and "66.5" in shown
    assert "Table 3" not in shown and "asa-all: Dice" in shown
    runs = out / "runs" / "ct-to-mri" / "seed0"
    configs = {path.parent.name: yaml.safe_load(path.read_text()) for path in runs.glob("*/config.yaml")}
    assert {name: config["asa"]["remove_unreliable"] for name, config in configs.items()} == {
        "asa-all": False,
        "ours": True,
    }
    assert {config["asa"]["alpha"] for config in configs.values()} == {0.1}
    before = {path.name: path.read_bytes() for path in out.glob("ct-to-mri-table-4.*")}
    weights = (runs / "ours" / "metrics.json").stat().st_mtime_ns

    shown = run("--tables", "3,4", "--reference", "paper")
    assert shown.count(", kept\n") == 2 and "Table 3" in shown and "Table 4" in shown
    assert (runs / "ours" / "metrics.json").stat().st_mtime_ns == weights
    assert {path.name: path.read_bytes() for path in out.glob("ct-to-mri-table-4.*")} == before
    rows = {row["row"]: row for row in csv.DictReader((out / "ct-to-mri-table-3.csv").open())}
    assert [row["state"] for row in rows.values()] == ["done"] * 3 and all(row["dice_mean"] for row in rows.values())
    config = yaml.safe_load((runs / "se-all" / "config.yaml").read_text())
    assert (config["se"]["minimise"], config["se"]["maximise"]) == ("all", "none")
    content = json.loads((out / "ct-to-mri.json").read_text())
    assert [row["name"] for row in content["rows"]] == ["se-all", "se-reliable", "asa-all", "ours"]
    assert list(content["tables"]) == ["3", "4"] and content["missing"] == content["failed"] == []


def test_from_python_with_add_ons(store: Path, tmp_path: Path) -> None:
    result = ablate(
        [2], data=store, preset="smoke", overrides=SHORT, out=tmp_path / "ablation", tracking_uri="none", shard=(1, 1)
    )
    assert [outcome.cell.row.name for outcome in result.outcomes] == [
        "adaoutput",
        "adaoutput+se",
        "adaoutput+asa",
        "ours",
    ]
    assert result.failed == [] and not result.tracked
    text = (result.folder / "ct-to-mri-table-2.md").read_text()
    assert "| adaoutput+se | ✓ | ✓ |  |" in text and "not yet run" not in text
