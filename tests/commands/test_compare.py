"""What a user can get wrong with `compare`: one line, exit code 2, nothing written; torch is not even imported."""

import pytest

from seasa_da import cli

SMOKE = ["compare", "--preset", "smoke", "--tracking-uri", "none"]


def refusal(capsys, *args):
    with pytest.raises(SystemExit) as stop:
        cli.main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    assert stop.value.code == 2 and out == ""
    assert err.startswith("seasa-da: error: ") and err.count("\n") == 1
    return err


@pytest.fixture(autouse=True)
def no_child(monkeypatch, tmp_path):
    """All of this is found before a process is started, and leaves nothing."""
    monkeypatch.setattr("seasa_da.comparison.server.start_server", lambda *modules: pytest.fail("too late"))
    monkeypatch.chdir(tmp_path)
    yield
    assert {path.name for path in tmp_path.iterdir()} <= {"used", "config.yaml"}


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        ([], ["--all", "--methods"]),
        (["--all", "--methods", "ours"], ["either --all or --methods"]),
        (["--methods", "our"], ["unknown method 'our'", "did you mean 'ours'"]),
        (["--methods", "adaoutput+sse"], ["unknown add-on 'sse'", "did you mean 'se'"]),
        (["--methods", "ours+se"], ["ours+se", "part of it already"]),
        (["--methods", ""], ["--methods is empty"]),
        (["--methods", " , "], ["--methods is empty"]),
        (["--methods", "ours,ours"], ["ours twice"]),
        (["--all", "--seeds", ""], ["--seeds is empty"]),
        (["--all", "--seeds", "0,1,0"], ["0 twice"]),
        (["--all", "--seeds", "0,x"], ["--seeds", "'x' is not a number"]),
        (["--all", "--seeds", "-1"], ["--seeds", "'-1' is not a number of 0 or more"]),
        (["--all", "--seeds", "2147483648"], ["--seeds", "2147483648"]),
        (["--all", "--seeds", "0," + "1" * 4301], ["--seeds: 11111111111111111111… is a number of 4301 digits"]),
        (["--all", "--shard", "1/" + "2" * 4301], ["--shard: 22222222222222222222… is a number of 4301 digits"]),
        (["--all", "--shard", "3/2"], ["--shard 3/2"]),
        (["--all", "--shard", "0/2"], ["--shard 0/2"]),
        (["--all", "--shard", "2"], ["--shard '2'", "I/N"]),
        (["--all", "--shard", "a/b"], ["--shard", "'a' is not a number"]),
        (["--all", "--src", "mri"], ["both 'mri'"]),
        (["--all", "--both", "--src", "ct", "--tgt", "ct"], ["both 'ct'"]),
        (["--all", "--preset", "quik"], ["unknown preset 'quik'", "did you mean 'quick'"]),
        (["--all", "--set", "train.iteration=3"], ["did you mean 'train.iterations'"]),
        (["--methods", "source-only", "--set", "se.weight=1"], ["se.weight=1: no row has the section 'se'"]),
        (["--all", "--set", "nosuch.weight=3"], ["unknown setting 'nosuch'"]),
        (["--all", "--set", "views.n=4"], ["views.n=4", "odd"]),
        (["--all", "--set", "seed=4"], ["'seed'", "option"]),
        (["--all", "--config", "nowhere.yaml"], ["nowhere.yaml"]),
        (["--all", "--data", "/nowhere/at/all"], ["--data /nowhere/at/all does not exist"]),
        (["--all", "--weights", "nowhere.pth"], ["--weights nowhere.pth"]),
        (["--all", "--reference", "papre"], ["--reference"]),
        (["--all", "--tracking-uri", "./mlruns"], ["plain folder"]),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(capsys, args, parts):
    err = refusal(capsys, *SMOKE, *args)
    assert all(part in err for part in parts), err


def test_a_used_folder_is_refused(capsys, tmp_path):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "precious.txt").write_text("mine")
    assert "not empty" in refusal(capsys, *SMOKE, "--all", "--out", "used")
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["precious.txt"]


def test_other_settings_in_the_same_folder_are_named(capsys, tmp_path):
    from seasa_da.comparison.common import Common
    from seasa_da.comparison.manifest import extend_manifest
    from seasa_da.comparison.plan import make_plan
    from seasa_da.comparison.rows import all_rows

    common = Common(preset="smoke", overrides=("train.lr=0.5",))
    extend_manifest(tmp_path / "used", common, make_plan(all_rows(), "ct", "mri", [0]), {})
    before = (tmp_path / "used" / "compare.json").read_bytes()
    err = refusal(capsys, *SMOKE, "--all", "--out", "used", "--set", "train.lr=0.25")
    assert "overrides: ['train.lr=0.5'], here ['train.lr=0.25']" in err
    err = refusal(capsys, "compare", "--all", "--preset", "quick", "--out", "used", "--set", "train.lr=0.5")
    assert "preset: 'smoke', here 'quick'" in err
    assert (tmp_path / "used" / "compare.json").read_bytes() == before


def test_how_to_go_on_is_the_command_as_it_was_given(capsys, monkeypatch):
    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("seasa_da.comparison.compare", stop)
    with pytest.raises(SystemExit) as end:
        cli.main([*SMOKE, "--all", "--both", "--seeds", "0,1", "--set", "a=b c", "--set", "d=1", "--shard", "1/2"])
    assert end.value.code == 130
    assert (
        "stopped; go on with: seasa-da compare --all --both --seeds 0,1 --shard 1/2 --preset smoke --set 'a=b c' "
        "--set d=1 --tracking-uri none\n"
    ) in capsys.readouterr().out
