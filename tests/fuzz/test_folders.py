"""Raw folders of every layout, stores, checkpoints and runs with a damaged file: a mistake in one line, or a result."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data.conftest import COARSE, SMALL
from data.nnunet import write_domain
from data.sifa import write_release
from hypothesis import given
from hypothesis import strategies as st

from seasa_da import cli
from seasa_da.config import RawSettings
from seasa_da.data.phantom import make_phantom
from seasa_da.data.prepare import prepare
from seasa_da.data.raw_folder import open_raw
from seasa_da.data.store import SliceStore
from seasa_da.data.verify import verify
from seasa_da.data.verify_store import verify_store
from seasa_da.errors import UserError
from seasa_da.training import checkpoint
from seasa_da.training.candidates import list_candidates
from seasa_da.training.run import train

from .damage import damaged, listing, with_damage

SETTINGS = RawSettings(assume_mm=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`mmwhs`, `nnunet`, `sifa`, `npy` are raw folders; `store` a store; `run` a run of a few updates."""
    folder = tmp_path_factory.mktemp("fuzz")
    make_phantom(folder / "mmwhs", COARSE)
    for seed, name in enumerate(("ct", "mri")):
        write_domain(folder / "nnunet" / name, seed=seed)
    write_release(folder / "sifa")
    prepare(folder / "mmwhs", folder / "store", SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEASA_DA_CACHE", str(folder / "cache"))
        prepare(folder / "mmwhs", folder / "wide", SMALL.model_copy(update={"size": 32}))
        overrides = ["train.iterations=2", "train.checkpoint_every=1", "selection.slices=2"]
        options: dict[str, Any] = {"preset": "smoke", "tracking_uri": "none", "reference": False}
        train("adaoutput", data=folder / "wide", out=folder / "run", overrides=overrides, **options)
        yield folder


@pytest.mark.parametrize("layout", ["mmwhs", "nnunet", "sifa"])
@given(data=st.data())
def test_raw_folders(layout: str, home: Path, case: Callable[[], Any], data: st.DataObject) -> None:
    name, content = data.draw(damaged(home / layout))
    raw = with_damage(home / layout, home / "copy" / "raw", name, content)
    before = listing(home / "copy")
    with case():
        try:
            checked = verify(open_raw(raw, SETTINGS), SETTINGS, workers=1)
        except UserError as error:
            one_line(str(error))
        else:
            for fault in checked.faults:
                one_line(str(fault))
            if not checked.faults:
                prepare(raw, home / "copy" / "store", SMALL, SETTINGS, workers=1)
                shutil.rmtree(home / "copy" / "store")
    assert listing(home / "copy") == before


@given(data=st.data())
def test_stores(home: Path, case: Callable[[], Any], data: st.DataObject) -> None:
    """What still opens gives finite images of the shape that the manifest says, or `verify` knows what is wrong."""
    name, content = data.draw(damaged(home / "store"))
    place = with_damage(home / "store", home / "copy" / "store", name, content)
    with case():
        try:
            store = SliceStore.open(place)
            faults = verify_store(store, workers=1)
            for domain in store.domains:
                for split in ("train", "test"):
                    np.asarray(store.images(domain, split)[:1])
        except UserError as error:
            one_line(str(error))
        else:
            same = (home / "store" / name).read_bytes() == content
            assert faults or same or name == "manifest.json"
        run(["data", "verify", str(place)])
        run(["data", "info", str(place)])
    shutil.rmtree(place)


@given(data=st.data())
def test_checkpoints(home: Path, case: Callable[[], Any], data: st.DataObject) -> None:
    """Damage of the newest is found, and the one before is taken; no other error reaches a user."""
    original = home / "run"
    newest = checkpoint.list_checkpoints(original / "checkpoint")[-1]
    name, content = data.draw(damaged(newest))
    place = with_damage(newest, home / "copy" / "checkpoint" / newest.name, name, content)
    older = checkpoint.list_checkpoints(original / "checkpoint")[0]
    shutil.copytree(older, place.parent / older.name, dirs_exist_ok=True)
    with case():
        said: list[str] = []
        try:
            loaded = checkpoint.load_newest(place.parent, said.append)
            assert loaded is not None
            assert loaded.path.name == (older.name if said else newest.name)
            if name != "state.json" and content != (newest / name).read_bytes():
                assert said, f"damage of {name} was not noticed"
        except UserError as error:
            one_line(str(error))
    shutil.rmtree(place.parent)


@given(data=st.data())
def test_runs(home: Path, case: Callable[[], Any], data: st.DataObject) -> None:
    """Every verb that reads a run's folder, on one with a damaged file."""
    suffixes = (".json", ".yaml", ".jsonl", ".csv", ".safetensors", ".npz")
    name, content = data.draw(damaged(home / "run", suffixes))
    verb = data.draw(st.sampled_from(["evaluate", "resume", "predict", "report", "figures", "export"]))
    place = with_damage(home / "run", home / "copy" / "run", name, content)
    outside = listing(home)
    with case():
        try:
            list_candidates(place / "candidates")
        except UserError as error:
            one_line(str(error))
        out = home / "copy" / "out"
        if verb == "evaluate":
            run(["evaluate", str(place)])
        elif verb == "resume":
            run(["train", "--resume", str(place)])
        elif verb == "figures":
            run(["figures", str(place), "--out", str(out), "--only", "curves"])
        elif verb == "export":
            run(["export", str(place), "--format", "torchscript", "--out", str(home / "copy" / "net.pt")])
        elif verb == "report":
            run(["report", str(place), "--out", str(home / "copy" / "page.html")])
        else:
            volume = next((home / "mmwhs").rglob("mr_test*_image.nii.gz"), next((home / "mmwhs").rglob("*.nii.gz")))
            run(["predict", str(place), str(volume), "--out", str(out)])
    added = {path for path in listing(home) - outside if not path.startswith(("copy/", "cache/"))}
    assert added == set()
    shutil.rmtree(home / "copy", ignore_errors=True)


def run(words: list[str]) -> int:
    """The command line in this process; anything but an exit is a traceback."""
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code in (0, 1, 2)
    return int(end.value.code or 0)


def one_line(text: str) -> None:
    assert text.strip() and "\n" not in text and "Traceback" not in text
