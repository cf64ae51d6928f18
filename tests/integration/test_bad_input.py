"""What a user can get wrong gives one line on stderr, exit code 2, and nothing half-written."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seasa_da.cli import main
from seasa_da.errors import UserError
from seasa_da.training import checkpoint
from seasa_da.training.run import RunResult

Smoke = Callable[..., RunResult]


def refusal(capsys: pytest.CaptureFixture[str], *args: str, at_once: bool = True) -> str:
    """Run the command line; check that it refuses as it should (`at_once`: before any work), and return its line."""
    with pytest.raises(SystemExit) as stop:
        main([str(arg) for arg in args])
    captured = capsys.readouterr()
    assert stop.value.code == 2
    assert captured.out == "" or not at_once
    assert captured.err.startswith("seasa-da: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.fixture
def run(tmp_path: Path) -> list[str]:
    """The command's start; what it would write goes below this test's folder."""
    return ["train", "--preset", "smoke", "--out", str(tmp_path / "run"), "--tracking-uri", "none"]


def test_wrong_names_and_settings(capsys: pytest.CaptureFixture[str], run: list[str], store: Path) -> None:
    data = ["--data", str(store)]
    assert "did you mean 'ours'" in refusal(capsys, *run, *data, "--method", "our")
    assert "did you mean 'train.iterations'" in refusal(
        capsys, *run, *data, "--method", "ours", "--set", "train.iteration=3"
    )
    assert "train.lr" in refusal(capsys, *run, *data, "--method", "ours", "--set", "train.lr=-1")
    assert "ct, mri" in refusal(capsys, *run, *data, "--method", "ours", "--tgt", "mr")
    assert "two domains" in refusal(capsys, *run, *data, "--method", "ours", "--tgt", "ct")
    assert "timm has no model" in refusal(
        capsys, *run, *data, "--method", "source-only", "--no-reference", "--set", "model.backbone=resnet5000"
    )
    assert "no-such-file" in refusal(capsys, *run, *data, "--method", "ours", "--weights", "no-such-file.pth")
    assert "leave out --seed" in refusal(capsys, "train", "--resume", "somewhere", "--seed", "3")
    assert "not a run's folder" in refusal(capsys, "train", "--resume", str(store))
    assert "not a run's folder" in refusal(capsys, "evaluate", str(store))


def test_missing_and_broken_data(
    capsys: pytest.CaptureFixture[str], run: list[str], store: Path, tmp_path: Path
) -> None:
    train = [*run, "--method", "source-only"]
    assert "does not exist" in refusal(capsys, *train, "--data", str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    assert "empty" in refusal(capsys, *train, "--data", str(tmp_path / "empty"))
    broken = tmp_path / "broken"
    shutil.copytree(store, broken)
    images = broken / "ct" / "train_images.npy"
    images.write_bytes(images.read_bytes()[:-100])
    assert "train_images.npy" in refusal(capsys, *train, "--data", str(broken))
    (broken / "manifest.json").write_text("{")
    assert "manifest.json" in refusal(capsys, *train, "--data", str(broken))
    assert not (tmp_path / "run").exists()


def test_a_raw_volume_that_is_cut_off_is_named(
    capsys: pytest.CaptureFixture[str], run: list[str], phantom: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(phantom, raw)
    victim = sorted((raw / "ct_train").glob("*_image.nii.gz"))[1]
    victim.write_bytes(victim.read_bytes()[:2000])
    line = refusal(capsys, *run, "--method", "source-only", "--data", str(raw), at_once=False)
    assert victim.name in line
    assert not (tmp_path / "run").exists()


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Every write beyond `size` bytes of a file fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_line_and_keeps_what_was_finished(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    with files_limited_to(200_000), pytest.raises(UserError, match=r"cannot write .*(candidates|checkpoint)"):
        smoke("source-only", data=store)
    run = tmp_path / "run"
    assert checkpoint.list_checkpoints(run / "checkpoint") == []
    assert not (run / "metrics.json").exists()
    begun = [path for name in ("checkpoint", "candidates") for path in (run / name).glob("*")]
    assert [path.name for path in begun] == []


def test_slices_too_small_for_the_discriminators(
    capsys: pytest.CaptureFixture[str], run: list[str], phantom: Path, tmp_path: Path
) -> None:
    args = [*run, "--method", "adaoutput", "--data", str(phantom), "--set", "data.size=24"]
    assert "too small for the discriminators" in refusal(capsys, *args, at_once=False)
    assert not (tmp_path / "run").exists()
