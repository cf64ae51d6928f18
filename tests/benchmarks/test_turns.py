import argparse
import json
from pathlib import Path

import pytest


def test_turns_are_taken_in_order_and_the_first_do_not_count(scripts):
    from turns import in_turns

    called, waited = [], []
    things = {name: lambda name=name: called.append(name) for name in "ab"}
    seconds = in_turns(things, 3, wait=lambda: waited.append(1), warm_up=2)
    assert "".join(called) == "ab" * 5
    assert {name: len(found) for name, found in seconds.items()} == {"a": 3, "b": 3}
    assert len(waited) == 2 * len(called)


def test_ratios_are_of_the_same_round(scripts):
    from turns import medians, ratio

    # a machine that gets four times slower in the last round
    seconds = {"slow": [2.0, 2.0, 12.0], "fast": [1.0, 1.0, 4.0]}
    assert ratio(seconds, "slow", "fast") == 2.0
    assert medians(seconds) == {"slow": 2.0, "fast": 1.0}


def test_what_is_written_says_how_it_was_made(scripts, tmp_path, monkeypatch):
    from turns import parser, write

    monkeypatch.setattr("sys.argv", ["benchmarks/step.py", "--rounds", "2"])
    given = parser("First line.\n\nMore.", rounds=5).parse_args()
    assert isinstance(given, argparse.Namespace)
    assert (given.rounds, given.json) == (2, None)
    write(tmp_path / "found.json", {"ratio": 1.5})
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["ratio"] == 1.5
    assert found["command"] == "python benchmarks/step.py --rounds 2"
    assert found["cores"].isdigit()
    write(None, {})
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]


@pytest.mark.parametrize("file", sorted((Path(__file__).parents[2] / "benchmarks").glob("*.py")), ids=lambda p: p.name)
def test_every_script_says_what_it_does_and_how_it_is_run(file):
    text = file.read_text()
    assert text.startswith('"""')
    if '__name__ == "__main__"' in text:
        assert f"python benchmarks/{file.name}" in text.split('"""')[1]
