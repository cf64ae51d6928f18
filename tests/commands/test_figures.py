"""`seasa-da figures` as it is typed."""

import pytest
from inspection.runs import write_run

from seasa_da import cli


@pytest.fixture
def typed(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "run")

    def run(*args):
        with pytest.raises(SystemExit) as caught:
            cli.main(["figures", *args])
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    return run


def test_files_are_printed_and_what_is_missing_is_said(typed):
    code, out, err = typed("run", "--out", "pictures/all")
    assert code == 0
    assert out.splitlines() == [
        f"pictures/all/{name}.{kind}" for name in ("methods", "curves", "structures") for kind in ("png", "pdf")
    ]
    assert "not made: uncertainty, reliability, embedding (the data are not at" in err
    assert "not made: calibration" in err
    options = ("--only", "methods", "--palette", "colour-blind", "--case", "1002", "--slice", "1", "--method", "ours")
    assert typed("run", "--out", "one", *options)[1] == "one/methods.png\none/methods.pdf\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nowhere", "--out", "o"), "nowhere is neither a run's folder"),
        (("--out", "o"), "Missing argument 'RUN...'"),
        (("run",), "Missing option '--out'"),
        (("run", "--out", "run"), "run exists and is not empty"),
        (("run", "--out", "o", "--only", "curve"), "did you mean 'curves'"),
        (("run", "--out", "o", "--palette", "grey"), "'grey' is not one of 'paper', 'colour-blind'"),
        (("run", "--out", "o", "--cases", "0"), "--cases 0"),
        (("run", "--out", "o", "--slice", "99"), "--slice 99: 1001 has slices 0 to 5"),
        (("run", "--out", "o", "--seed", "1"), "--seed and --direction"),
    ],
)
def test_mistakes_are_one_line(typed, tmp_path, args, said):
    code, out, err = typed(*args)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "o").exists()
