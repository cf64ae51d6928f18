"""Files from a stranger: no code in them runs, no name in them leads out of a folder, no words become a page."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from data.conftest import COARSE, SMALL

from seasa_da import cli
from seasa_da.comparison.manifest import read_manifest
from seasa_da.data.phantom import make_phantom
from seasa_da.data.prepare import prepare
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.training import checkpoint
from seasa_da.training.run import train

TRAVERSALS = ["../evil", "../../evil", "/evil", "a/../../evil", "..", "a\0b", "a\nb", "\x1b[2Jevil"]


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.marker),))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("strangers")
    make_phantom(folder / "raw", COARSE)
    prepare(folder / "raw", folder / "store", SMALL.model_copy(update={"size": 32}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEASA_DA_CACHE", str(folder / "cache"))
        options: dict[str, Any] = {"preset": "smoke", "tracking_uri": "none", "reference": False}
        overrides = ["train.iterations=1", "selection.slices=2"]
        train("adaoutput", data=folder / "store", out=folder / "run", overrides=overrides, **options)
        yield folder


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "code ran"


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    return int(end.value.code or 0)


def hostile(path: Path, kind: str, marker: Path) -> None:
    """A file of some kind that holds a pickle."""
    payload = Payload(marker)
    if kind == "pickle":
        path.write_bytes(pickle.dumps(payload))
    elif kind == "torch":
        torch.save({"state_dict": payload}, path)
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.array([payload], dtype=object), allow_pickle=True)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for member in ("names.npy", "updates.npy", "slices.npy", "predicted.npy", "reliable.npy"):
                with archive.open(member, "w") as file:
                    np.lib.format.write_array(file, np.array([payload], dtype=object), allow_pickle=True)


def test_the_payload_would_run(marker: Path) -> None:
    pickle.loads(pickle.dumps(Payload(marker)))
    assert marker.exists()


@pytest.mark.parametrize("kind", ["pickle", "torch", "npy", "npz"])
def test_no_file_of_a_run_is_unpickled(home: Path, tmp_path: Path, marker: Path, kind: str) -> None:
    run_folder = Path(shutil.copytree(home / "run", tmp_path / "run"))
    binary = [path for path in run_folder.rglob("*") if path.suffix in (".safetensors", ".npz")]
    assert len(binary) >= 4
    for path in binary:
        hostile(path, kind, marker)
    volume = next((home / "raw").rglob("*_image.nii.gz"))
    assert run("evaluate", run_folder) == 2
    assert run("predict", run_folder, volume, "--out", tmp_path / "out") == 2
    run("report", run_folder, "--out", tmp_path / "page.html")
    (run_folder / "metrics.json").unlink()
    assert run("train", "--resume", run_folder) == 2
    with pytest.raises(UserError):
        checkpoint.load(checkpoint.list_checkpoints(run_folder / "checkpoint")[-1])
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["pickle", "torch", "npy", "npz"])
def test_no_store_and_no_weights_are_unpickled(home: Path, tmp_path: Path, marker: Path, kind: str) -> None:
    store = Path(shutil.copytree(home / "store", tmp_path / "store"))
    for path in store.rglob("*.npy"):
        hostile(path, kind, marker)
    assert run("data", "verify", store) == 1
    words = ["train", "--preset", "smoke", "--tracking-uri", "none", "--no-reference", "--out", tmp_path / "out"]
    assert run(*words, "--method", "source-only", "--data", store) == 2
    weights = tmp_path / "weights.pth"
    hostile(weights, kind, marker)
    assert run(*words, "--method", "source-only", "--data", home / "store", "--weights", weights) == 2
    assert not marker.exists() and not (tmp_path / "out").exists()


def changed(file: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("name", TRAVERSALS)
def test_no_name_leads_out_of_a_folder(home: Path, tmp_path: Path, name: str) -> None:
    """Predictions are called after a store's cases, its folders after its domains, runs after rows and directions."""
    for what in ("case", "domain"):
        store = Path(shutil.copytree(home / "store", tmp_path / f"store-{what}"))

        def rename(content: Any, what: str = what) -> None:
            if what == "case":
                for case in content["domains"]["mri"]["cases"]:
                    case["id"] = f"{name}{case['start']}" if name != ".." else name
            else:
                content["domains"][name] = content["domains"].pop("mri")

        changed(store / "manifest.json", rename)
        with pytest.raises(UserError) as caught:
            SliceStore.open(store)
        assert "\n" not in str(caught.value)
    for place in ("row", "src"):
        folder = tmp_path / f"comparison-{place}"
        folder.mkdir()
        row = {"name": "ours", "method": "ours", "addons": [], "overrides": []}
        content = {"format": "seasa-da comparison", "version": 1, "common": {}, "seeds": [0], "data": {}}
        content |= {"rows": [row], "directions": [["ct", "mri"]]}
        if place == "row":
            row["name"] = name
        else:
            content["directions"] = [[name, "mri"]]
        (folder / "compare.json").write_text(json.dumps(content))
        with pytest.raises(UserError, match=r"compare\.json") as caught:
            read_manifest(folder)
        assert "no name of" in str(caught.value)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a\0b", ".."])
def test_a_runs_class_names_become_no_paths(home: Path, tmp_path: Path, name: str) -> None:
    run_folder = Path(shutil.copytree(home / "run", tmp_path / "run"))

    def rename(content: Any) -> None:
        old = content["class_names"][0]
        content["class_names"][0] = name
        for domain in content["domains"].values():
            domain["label_names"] = [name if each == old else each for each in domain["label_names"]]

    changed(run_folder / "inference.json", rename)
    volume = next((home / "raw").rglob("*_image.nii.gz"))
    before = {path for path in tmp_path.rglob("*") if "out" not in path.parts}
    run("predict", run_folder, volume, "--out", tmp_path / "out", "--probs")
    assert {path for path in tmp_path.rglob("*") if tmp_path / "out" not in (path, *path.parents)} == before
    assert not Path("/evil").exists()


def test_no_backbone_is_fetched(home: Path, tmp_path: Path) -> None:
    words = [
        "train",
        "--method",
        "source-only",
        "--preset",
        "smoke",
        "--data",
        home / "store",
        "--out",
        tmp_path / "out",
    ]
    for name in ("hf-hub:timm/resnet18.a1_in1k", "hf_hub:x/y", "local-dir:/tmp", "../resnet18"):
        assert run(*words, "--tracking-uri", "none", "--set", f"model.backbone={name}") == 2
    assert not (tmp_path / "out").exists()


def test_a_yaml_file_makes_no_objects(marker: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"!!python/object/apply:os.mkdir ['{marker}']\n")
    assert run("train", "--method", "ours", "--config", tmp_path / "config.yaml") == 2
    assert not marker.exists()


def test_hostile_names_are_words_on_a_whole_page(home: Path, tmp_path: Path) -> None:
    run_folder = Path(shutil.copytree(home / "run", tmp_path / "run"))
    evil = "<script>alert(1)<;script>\"'"
    per_case = run_folder / "per_case.csv"
    case = per_case.read_text().splitlines()[1].split(",")[0]
    for path in (per_case, run_folder / "per_case.json"):
        quoted = evil.replace('"', "'")
        path.write_text(path.read_text().replace(case, quoted))
    log = run_folder / "log.jsonl"
    log.write_text(log.read_text().replace('"adapt"', json.dumps(evil)))
    page = tmp_path / "page.html"
    assert run("report", run_folder, "--out", page) == 0
    text = page.read_text()
    assert "alert(1)" in text
    assert "<script>alert" not in text


@pytest.mark.parametrize(("host", "said"), [("127.0.0.1", "only this machine"), ("0.0.0.0", "warning: it listens on")])
def test_ui_says_who_can_reach_it(
    host: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.db").touch()
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, words: started.append(words))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert (
        run(
            "ui", "--tracking-uri", f"sqlite:///{tmp_path / 'm.db'}", *([] if host == "127.0.0.1" else ["--host", host])
        )
        == 0
    )
    [words] = started
    assert words[words.index("--host") + 1] == host
    out, err = capsys.readouterr()
    assert said in out + err and (("warning" in err) == (host != "127.0.0.1"))
