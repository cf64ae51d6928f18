import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seasa_da import cli
from seasa_da.errors import NonFiniteLoss, UserError
from seasa_da.version import __version__

HEAVY = ("torch", "mlflow", "numpy", "timm", "pytorch_adapt", "matplotlib", "pydantic", "accelerate", "scipy", "rich")


def run(capsys, *args):
    """Exit code, stdout and stderr of a command, in this process."""
    with pytest.raises(SystemExit) as caught:
        cli.main(list(args))
    out, err = capsys.readouterr()
    return caught.value.code, out, err


def loaded_after(*args):
    """Which heavy modules a fresh process has loaded once the command is done."""
    code = (
        "import json, sys\nfrom seasa_da import cli\n"
        f"try:\n    cli.main({list(args)!r})\nexcept SystemExit as end:\n    code = end.code\n"
        f"print('\\n' + json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("args", "allowed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        (["trian"], set()),
        (["train", "--help"], set()),
        (["compare", "--help"], set()),
        (["ablate", "--help"], set()),
        (["report", "--help"], set()),
        (["train", "--method", "our"], {"pydantic"}),
        (["train", "--method", "ours", "--preset", "smoke", "--set", "train.iteration=3"], {"pydantic"}),
        (["compare", "--methods", "our"], {"pydantic", "rich"}),
        (["ablate", "--tables", "2", "--set", "train.iteration=3"], {"pydantic", "rich"}),
        (["methods"], {"pydantic", "rich", "numpy"}),
        (["train", "--resume", "no-run"], {"pydantic"}),
        (["train", "--method", "ours", "--out", str(Path(__file__).parent)], {"pydantic"}),
        (["predict", "no-run", "a.nii.gz", "--out", "out"], {"pydantic"}),
        (["evaluate", "no-run"], {"pydantic"}),
        (["export", "no-run", "--out", "out"], {"pydantic"}),
    ],
)
def test_nothing_heavy_is_loaded(args, allowed):
    code, loaded = loaded_after(*args)
    assert code == (2 if {"trian", "our", "--set", "--out", "no-run"} & set(args) else 0)
    assert set(loaded) <= allowed


def test_help_lists_the_verbs(capsys):
    for args in (["--help"], ["-h"], []):
        code, out, err = run(capsys, *args)
        text = out + err
        assert code == 0 or not args  # click 8.1 ends with 0 where 8.2 has 2
        assert "error" not in text
        assert all(verb in text for verb in cli.VERBS)


def test_help_of_train_lists_the_presets(capsys):
    from seasa_da.config import PRESETS

    assert f"--preset {'|'.join(PRESETS)}" in run(capsys, "train", "--help")[1]


def test_version(capsys):
    assert run(capsys, "--version")[:2] == (0, f"seasa-da, version {__version__}\n")


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["trian"], ["unknown command 'trian'", "did you mean 'train'"]),
        (["xyzzy"], ["unknown command 'xyzzy'", "train"]),
        (["train", "--method", "our"], ["unknown method 'our'", "did you mean 'ours'"]),
        (["train", "--method", "ours", "--preset", "quik"], ["unknown preset 'quik'", "did you mean 'quick'"]),
        (["train", "--method", "adaoutput", "--add", "sse"], ["unknown add-on 'sse'", "did you mean 'se'"]),
        (["train", "--method", "ours", "--preset", "smoke", "--set", "train.iteration=3"], ["'train.iterations'?"]),
        (["train", "--method", "ours", "--preset", "smoke", "--set", "views.n=4"], ["views.n=4", "odd"]),
        (["train", "--method", "ours", "--preset", "smoke", "--set", "seed=4"], ["'seed'", "option"]),
        (["train"], ["--method"]),
        (["train", "--method", "ours", "--sed", "1"], ["--sed", "--seed"]),
        (["train", "--method", "ours", "--seed", "-1"], ["--seed", "-1"]),
        (["train", "--method", "ours", "--data", "/nowhere/at/all"], ["--data /nowhere/at/all does not exist"]),
        (["train", "--resume", "somewhere", "--method", "ours", "--seed", "1"], ["--resume", "--method", "--seed"]),
        (["train", "ours"], ["ours"]),
    ],
)
def test_a_mistake_is_one_line_and_code_2(capsys, args, parts):
    code, out, err = run(capsys, *args)
    assert code == 2
    assert out == ""
    assert err.startswith("seasa-da: error: ")
    assert err.count("\n") == 1
    assert all(part in err for part in parts), err


@pytest.mark.parametrize(
    ("fault", "code", "line"),
    [
        (UserError("store is broken"), 2, "seasa-da: error: store is broken\n"),
        (NonFiniteLoss("loss became nan"), 1, "seasa-da: error: loss became nan\n"),
        (KeyboardInterrupt(), 130, "seasa-da: stopped\n"),
    ],
)
def test_how_a_command_ends(capsys, monkeypatch, fault, code, line):
    def fail(*args, **kwargs):
        raise fault

    monkeypatch.setattr(cli.LazyGroup, "get_command", fail)
    assert run(capsys, "methods")[0::2] == (code, ("\n" if code == 130 else "") + line)


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(cli.LazyGroup, "get_command", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["methods"])


def test_methods_are_listed(capsys):
    from seasa_da.registry import ADDONS, METHODS

    code, out, _ = run(capsys, "methods")
    assert code == 0
    first_words = {line.split()[0] for line in out.splitlines() if line.strip() and not line.startswith(" ")}
    assert {*METHODS, *ADDONS} <= first_words


def test_a_message_is_one_line_that_steers_no_terminal():
    assert str(UserError("case a\nb\r\n \u2028c\x1b[2J\x00 is broken")) == "case a b c\\x1b[2J\\x00 is broken"
    assert str(UserError("pätient\ud800  x")) == "pätient\ud800  x"
