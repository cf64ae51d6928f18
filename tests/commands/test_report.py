"""`seasa-da report` as it is typed."""

import pytest
from inspection.runs import write_run

from seasa_da import cli


@pytest.fixture
def typed(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*args):
        with pytest.raises(SystemExit) as caught:
            cli.main(["report", *args])
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    return run


def test_the_file_and_its_size_are_printed(typed, tmp_path):
    write_run(tmp_path / "run")
    code, out, err = typed("run")
    size = (tmp_path / "run" / "report.html").stat().st_size
    assert (code, out, err) == (0, f"run/report.html  ({size / 1e3:.0f} kB)\n", "")
    assert typed("run", "--out", "page.html", "--cases", "1", "--slices", "2", "--methods", "ours")[0] == 0
    assert (tmp_path / "page.html").stat().st_size < size


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nowhere",), "nowhere is neither a run's folder"),
        (("run", "--out", "no/such/page.html"), "cannot write no/such/page.html"),
        (("run", "--slices", "0"), "--slices 0"),
        (("run", "--cases", "x"), "'x' is not a valid integer"),
        (("run", "--methods", "nobody"), "'nobody'"),
    ],
)
def test_mistakes_are_one_line(typed, tmp_path, args, said):
    write_run(tmp_path / "run")
    code, out, err = typed(*args)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "run" / "report.html").exists()
