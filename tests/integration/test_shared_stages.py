"""Stages that several methods begin with are trained once, and a run with a reused one ends with the same weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from seasa_da.training import checkpoint, stage_cache
from seasa_da.training.run import Observer, RunResult, resume

from .weights import assert_bit_identical

Smoke = Callable[..., RunResult]


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another cache, in which no stage was kept yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SEASA_DA_CACHE", str(folder))
    return folder / "stages"


@pytest.fixture
def taken(smoke: Smoke, store: Path, tmp_path: Path) -> Callable[..., tuple[RunResult, list[str]]]:
    """A run and the names of the stages that it took from the cache."""
    count = iter(range(100))

    def run(method: str, **options: object) -> tuple[RunResult, list[str]]:
        lines: list[str] = []
        result = smoke(
            method, data=store, out=tmp_path / f"{method}{next(count)}", observer=Observer(say=lines.append), **options
        )
        return result, [line.split("'")[1] for line in lines if "taken from an earlier run" in line]

    return run


def test_what_one_method_began_with_the_next_takes_over(
    taken: Callable[..., tuple[RunResult, list[str]]], fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert taken("cyclegan")[1] == []
    assert taken("crst")[1] == []
    reused, names = taken("cycada")
    assert names == ["warm-up", "translate"]
    assert taken("ebm")[1] == ["warm-up"]
    assert len(list(fresh_cache.iterdir())) == 2

    monkeypatch.setenv("SEASA_DA_CACHE", str(fresh_cache.parent / "other"))
    alone, names = taken("cycada")
    assert names == []
    assert_bit_identical(reused.folder, alone.folder)
    assert reused.metrics["dice"] == alone.metrics["dice"]
    logs = [[json.loads(line) for line in (r.folder / "log.jsonl").read_text().splitlines()] for r in (reused, alone)]
    keys = ("stage", "stage_name", "iteration", "lr", "losses")
    assert [[line[key] for key in keys] for line in logs[0]] == [[line[key] for key in keys] for line in logs[1]]
    # The seconds of what was taken over count as if they had been spent here.
    seconds = [line["train_seconds"] for line in logs[0]]
    assert seconds == sorted(seconds) and seconds[0] > 0
    kept = sum(json.loads((folder / "stage.json").read_text())["train_seconds"] for folder in fresh_cache.iterdir())
    assert reused.metrics["train_seconds"] > 0.9 * kept
    assert [(s["name"], s["trains"], s["updates"]) for s in reused.metrics["stages"]] == [
        ("warm-up", "segmenter", 4),
        ("translate", "translators", 2),
        ("translate-semantic", "translators", 2),
        ("segment", "segmenter", 2),
        ("adapt", "segmenter", 2),
    ]
    assert reused.metrics["updates"] == 8


def test_only_what_determines_a_stage_is_in_its_hash(
    taken: Callable[..., tuple[RunResult, list[str]]], fresh_cache: Path
) -> None:
    taken("cycada")
    for options, expected in (
        ({"overrides": ["cycada.weight=0.5"]}, ["warm-up", "translate"]),
        ({"addons": ["se"]}, ["warm-up", "translate"]),
        ({"overrides": ["translation.width=6"]}, ["warm-up"]),
        ({"overrides": ["train.lr=0.02"]}, []),
        ({"seed": 1}, []),
        ({"src": "mri", "tgt": "ct"}, []),
    ):
        assert taken("cycada", **options)[1] == expected, options


@pytest.mark.parametrize("name", ["modules.safetensors", "stage.json", "log.jsonl"])
def test_a_damaged_one_is_trained_again(
    taken: Callable[..., tuple[RunResult, list[str]]], fresh_cache: Path, name: str
) -> None:
    first, _ = taken("crst")
    (kept,) = fresh_cache.iterdir()
    content = bytearray((kept / name).read_bytes())
    content[len(content) // 2] ^= 0x80
    (kept / name).write_bytes(content)
    again, names = taken("crst")
    assert names == []
    assert_bit_identical(first.folder, again.folder)


def test_a_cache_that_cannot_be_written_costs_no_run(
    taken: Callable[..., tuple[RunResult, list[str]]], fresh_cache: Path
) -> None:
    fresh_cache.parent.mkdir()
    fresh_cache.write_text("in the way")
    assert taken("crst")[1] == []


def test_every_shared_stage_starts_from_fresh_weights() -> None:
    """A kept stage's hash knows nothing of the stages before it, so it may not depend on them."""
    from toys import compose_run

    from seasa_da.registry import METHODS

    for method in METHODS:
        _, stages = compose_run(method)
        trained: set[str] = set()
        for stage in stages:
            assert stage.shared is None or stage.trains not in trained, (method, stage.name)
            trained.add(stage.trains)
    assert stage_cache.COMMON_SECTIONS == ("model", "train", "loss", "augment")


@pytest.mark.parametrize("other", [None, "code", "threads"])
def test_a_stage_that_was_half_made_under_other_circumstances_is_not_kept(
    taken: Callable[..., tuple[RunResult, list[str]]], fresh_cache: Path, other: str | None
) -> None:
    result, _ = taken("crst", overrides=["train.checkpoint_every=1", "train.keep=50"])
    shutil.rmtree(fresh_cache)
    (result.folder / "metrics.json").unlink()
    first, *later = checkpoint.list_checkpoints(result.folder / "checkpoint")
    for path in later:
        shutil.rmtree(path)
    state = json.loads((first / "state.json").read_text())
    assert state["stage_name"] == "warm-up"
    if other is not None:
        state[other] = "another"
        del state["seal"]
        (first / "state.json").write_text(json.dumps(state))
    resume(result.folder)
    assert fresh_cache.exists() == (other is None)
