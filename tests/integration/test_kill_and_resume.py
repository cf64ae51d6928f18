"""A run resumed from anywhere ends with the weights of one that was not stopped, bit for bit.

It is really killed in `tests/reliability/test_kills.py`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from seasa_da.errors import UserError
from seasa_da.training import checkpoint
from seasa_da.training.run import RunResult, resume, train

from .weights import assert_bit_identical


@pytest.mark.parametrize(
    ("method", "stages"),
    [
        *(("ours", 1), ("released-code", 2), ("cyclegan", 3), ("cycada", 5), ("pnp-adanet", 3), ("sifa-v2", 1)),
        *(("crst", 4), ("ebm", 4), ("mpscl", 2)),
    ],
)
def test_resuming_anywhere_ends_the_same(
    smoke: Callable[..., RunResult], store: Path, tmp_path: Path, method: str, stages: int
) -> None:
    """Before the first checkpoint, inside a stage and at a stage's end: the state is put back and gone on from."""
    settings = ["train.checkpoint_every=1", "train.log_every=1", "train.keep=50", "train.batch_size=2"]
    if method == "released-code":
        method, settings = "ours", ["recipe=released-code", *settings]
    whole = smoke(method, data=store, out=tmp_path / "whole", overrides=settings)
    points = checkpoint.list_checkpoints(whole.folder / "checkpoint")
    assert len({path.name.rsplit("-", 1)[0] for path in points}) == stages
    for kept in (0, 3, 9) if len(points) > 9 else (0, 3, 5):
        part = tmp_path / f"part{kept}"
        shutil.copytree(whole.folder, part)
        (part / "metrics.json").unlink()
        for path in checkpoint.list_checkpoints(part / "checkpoint")[kept:]:
            shutil.rmtree(path)
        with (part / "log.jsonl").open("a") as log:
            log.write('{"stage": 0, "iterat')  # what a kill leaves of the last line
        again = resume(part)
        assert_bit_identical(whole.folder, again.folder)
        assert [line["losses"] for line in _log(part)] == [line["losses"] for line in _log(whole.folder)]


def test_a_run_killed_in_its_reference_goes_on_there(store: Path, tmp_path: Path) -> None:
    options = {"data": store, "preset": "smoke", "tracking_uri": "none", "seed": 11}
    whole = train("adaoutput", out=tmp_path / "whole", **options)
    part = tmp_path / "part"
    shutil.copytree(whole.folder, part, ignore=shutil.ignore_patterns("metrics.json", "*-adapt-*"))
    reference = part / "without-adaptation"
    shutil.rmtree(checkpoint.list_checkpoints(reference / "checkpoint")[-1])
    again = resume(part)
    assert_bit_identical(whole.folder, again.folder)
    assert_bit_identical(whole.folder / "without-adaptation", reference)
    assert again.without_adaptation is not None
    assert again.without_adaptation["dice"] == whole.without_adaptation["dice"]  # type: ignore[index]


def test_settings_changed_after_the_fact_are_refused(
    smoke: Callable[..., RunResult], store: Path, tmp_path: Path
) -> None:
    result = smoke("source-only", data=store)
    (result.folder / "metrics.json").unlink()
    config = result.folder / "config.yaml"
    config.write_text(config.read_text().replace("momentum: 0.9", "momentum: 0.5"))
    with pytest.raises(UserError, match="other settings"):
        resume(result.folder)


def _log(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
