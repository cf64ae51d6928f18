import json

import pytest

from seasa_da.commands.comparison_console import ComparisonConsole
from seasa_da.commands.console import TrainingConsole
from seasa_da.comparison import ComparisonResult
from seasa_da.comparison.observer import RunOutcome
from seasa_da.comparison.plan import Cell, Direction
from seasa_da.comparison.rows import Row
from seasa_da.training.run import RunResult

CELL = Cell(Direction("ct", "mri"), 0, Row("ours", "ours"))


@pytest.mark.parametrize("tracked", [True, False])
def test_the_end_of_a_comparison(capsys, tmp_path, tracked):
    result = ComparisonResult(tmp_path, [RunOutcome(CELL, failure="died")], [], tracked)
    ComparisonConsole().show(result)
    out = capsys.readouterr().out
    assert "failed: 1 of 1 run; the same command tries it again" in out
    assert ("seasa-da ui" in out) is tracked


@pytest.mark.parametrize(("uri", "tracked"), [("none", False), ("sqlite:///x.db", True)])
def test_the_end_of_a_run(capsys, tmp_path, uri, tracked):
    (tmp_path / "run.json").write_text(json.dumps({"tracking_uri": uri}))
    metrics = {
        "method": "crst",
        "addons": ["se", "asa"],
        "src": "ct",
        "tgt": "mri",
        "seed": 0,
        "oracle": False,
        "class_names": ["AA"],
        "dice": {"AA": 50.0, "mean": 50.0},
        "asd": {"AA": 1.0, "mean": 1.0},
        "asd_undefined": {"AA": 0},
        "units": "mm",
    }
    TrainingConsole().show(RunResult(tmp_path, metrics, None))
    out = capsys.readouterr().out
    assert out.startswith("crst + se + asa: ct to mri, seed 0\n")
    assert ("seasa-da ui" in out) is tracked


def test_the_end_of_a_run_says_how_certain_it_is(capsys, tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"tracking_uri": "none"}))
    scores = {"dice": {"AA": 50.0, "mean": 50.0}, "asd": {"AA": 1.0, "mean": 1.0}, "asd_undefined": {"AA": 0}}

    def calibrated(foreground, of_errors):
        return {"calibration": {"ece": {"foreground": foreground}, "confident_errors": {"of_errors": of_errors}}}

    metrics = {"method": "ours", "addons": [], "src": "ct", "tgt": "mri", "seed": 0, "oracle": False, **scores}
    TrainingConsole().show(
        RunResult(tmp_path, {**metrics, **calibrated(0.051, 0.2)}, {**scores, **calibrated(0.3, None)})
    )
    line = "calibration error of the foreground 5.1 % (without adaptation 30.0 %), confident errors 20.0 %\n"
    assert line in capsys.readouterr().out
