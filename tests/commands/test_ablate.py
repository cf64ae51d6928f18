"""What a user can get wrong with `ablate`: one line, exit code 2, nothing written; torch is not even imported."""

import json

import pytest

from seasa_da import cli
from seasa_da.comparison.ablations import ablation_rows
from seasa_da.comparison.common import Common
from seasa_da.comparison.kinds import ABLATION
from seasa_da.comparison.manifest import extend_manifest
from seasa_da.comparison.plan import make_plan
from seasa_da.comparison.rows import parse_rows

from .test_compare import refusal

SMOKE = ["ablate", "--preset", "smoke", "--tracking-uri", "none"]


@pytest.fixture(autouse=True)
def no_child(monkeypatch, tmp_path):
    """All of this is found before a process is started, and leaves nothing."""
    monkeypatch.setattr("seasa_da.comparison.server.start_server", lambda *modules: pytest.fail("too late"))
    monkeypatch.chdir(tmp_path)
    yield
    assert {path.name for path in tmp_path.iterdir()} <= {"used"}


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["--tables", ""], ["--tables is empty", "2, 3, 4"]),
        (["--tables", "1"], ["--tables: 1", "2, 3, 4"]),
        (["--tables", "2,5"], ["--tables: 5"]),
        (["--tables", "4,2,4"], ["4 twice"]),
        (["--tables", "x"], ["--tables: 'x' is not a number"]),
        (["--methods", "ours"], ["--methods"]),
        (["--seeds", ""], ["--seeds is empty"]),
        (["--shard", "3/2"], ["--shard 3/2"]),
        (["--src", "mri"], ["both 'mri'"]),
        (["--preset", "quik"], ["did you mean 'quick'"]),
        (["--set", "asa.alhpa=0.1"], ["did you mean 'asa.alpha'"]),
        (["--set", "translation.pool=3"], ["no row has the section 'translation'"]),
        (["--set", "se.minimise=all"], ["table 2 needs se.minimise=reliable", "'ours'", "here it is all", "--tables"]),
        (
            ["--tables", "3", "--set", "se={maximise: none}"],
            ["table 3 needs se.maximise=unreliable", "here it is none"],
        ),
        (["--set", "se.weight=0"], ["table 2 needs se.weight above 0 in its row 'adaoutput+se'", "here it is 0.0"]),
        (["--set", "recipe=relased-code"], ["unknown recipe 'relased-code' of ours; did you mean 'released-code'"]),
        (["--tables", "9" * 5000], ["--tables: 99999999999999999999… is a number of 5000 digits"]),
        (["--set", "asa.remove_unreliable=false"], ["table 2 needs asa.remove_unreliable=true", "here it is false"]),
        (["--tables", "2", "--set", "recipe=released-code"], ["table 2 needs recipe=paper"]),
        (["--tables", "4", "--set", "recipe=released-code"], ["table 4 needs asa.remove_unreliable=true"]),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(capsys, args, parts):
    err = refusal(capsys, *SMOKE, *args)
    assert all(part in err for part in parts), err


def begin(folder, kind, rows):
    extend_manifest(folder, Common(preset="smoke"), make_plan(rows, "ct", "mri", [0], kind=kind), {})
    return (folder / "compare.json").read_bytes()


def test_folders_of_comparisons_and_ablations_are_not_mixed_up(capsys, tmp_path):
    before = begin(tmp_path / "used", ABLATION, ablation_rows(None))
    assert json.loads(before)["kind"] == "ablation"
    compare = ["compare", "--methods", "ours", *SMOKE[1:], "--out", "used"]
    assert "used holds the runs of `seasa-da ablate`; choose another --out" in refusal(capsys, *compare)
    assert (tmp_path / "used" / "compare.json").read_bytes() == before


@pytest.mark.parametrize("recorded", [True, False])
def test_an_ablation_does_not_go_into_a_comparison(capsys, tmp_path, recorded):
    from seasa_da.comparison.kinds import COMPARISON

    content = json.loads(begin(tmp_path / "used", COMPARISON, parse_rows(["ours"])))
    assert content["kind"] == "comparison"
    if not recorded:  # as the first version wrote it
        del content["kind"]
        (tmp_path / "used" / "compare.json").write_text(json.dumps(content))
    assert "used holds the runs of `seasa-da compare`" in refusal(capsys, *SMOKE, "--out", "used")


def test_how_to_go_on_is_the_command_as_it_was_given(capsys, monkeypatch):
    asked = {}

    def stop(**options):
        asked.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("seasa_da.comparison.ablate", stop)
    with pytest.raises(SystemExit) as end:
        cli.main([*SMOKE, "--tables", "4, 2", "--both", "--seeds", "0,1", "--set", "asa.alpha=0.1", "--shard", "2/2"])
    assert end.value.code == 130
    assert (
        "stopped; go on with: seasa-da ablate --tables '4, 2' --both --seeds 0,1 --shard 2/2 --preset smoke "
        "--set asa.alpha=0.1 --tracking-uri none\n"
    ) in capsys.readouterr().out
    assert (asked["tables"], asked["seeds"], asked["shard"]) == ([4, 2], [0, 1], (2, 2))
    assert asked["both"] is True and asked["overrides"] == ("asa.alpha=0.1",)
