"""`examples/seasa-da-plugin`, installed as a stranger would: its method, add-on and reader join without a fork."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from toys import build_adapter, toy_pair

from seasa_da.config import DataSettings
from seasa_da.data.prepare import prepare
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.registry import compose_run, method_plugins
from seasa_da.training.run import RunResult, resume

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package is installed into; built from a copy, so that nothing is left in the repository."""
    folder = tmp_path_factory.mktemp("plugin")
    left = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")  # by an installation of the user's
    shutil.copytree(ROOT / "examples" / "seasa-da-plugin", folder / "source", ignore=left)
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder / "site")]
    subprocess.run([*command, str(folder / "source")], check=True)
    return folder / "site"


@pytest.fixture
def joined(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package can be imported in this process, and its entry points are found."""
    with on_path(site, monkeypatch):
        yield


@contextmanager
def on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`folder` is where packages are looked for first; what is loaded of ours is forgotten afterwards."""
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield
    for name in [name for name in sys.modules if name.split(".")[0] == "seasa_da_plugin"]:
        del sys.modules[name]


def seasa_da(site: Path, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, which finds the package as after an ordinary installation."""
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}
    command = [sys.executable, str(ROOT / "cli.py"), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_the_three_are_listed(site: Path) -> None:
    done = seasa_da(site, "methods")
    assert done.returncode == 0 and done.stderr == ""
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "Deep CORAL" in lines["coral"] and "total variation" in lines["tv"] and "labels.json" in lines["npz"]
    assert "not usable" not in done.stdout


def test_method_and_add_on_train_under_their_names(site: Path, store: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    common = ("--preset", "smoke", "--data", store, "--tracking-uri", "none", "--no-reference")
    done = seasa_da(site, "train", "--method", "coral", "--add", "tv", "--set", "tv.weight=0.5", *common, "--out", run)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["method"], metrics["addons"], metrics["updates"]) == ("coral", ["tv"], 8)
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert all(line["losses"]["coral_loss"] > 0 and line["losses"]["total_variation_loss"] > 0 for line in log)
    config = yaml.safe_load((run / "config.yaml").read_text())
    # the preset's part for it, `--set`, and a default
    assert config["coral"] == {"weight": 10.0} and config["tv"] == {"weight": 0.5, "start": 0.0}


def test_without_its_package_a_run_says_what_is_missing(
    site: Path, store: Path, smoke: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_path(site, monkeypatch):
        folder = smoke("coral", data=store).folder
        assert resume(folder).metrics["method"] == "coral"
    with pytest.raises(UserError, match="unknown method 'coral'"):
        resume(folder)


def test_a_package_that_breaks_is_told_in_the_list(site: Path, tmp_path: Path) -> None:
    done = seasa_da(broken(site, tmp_path), "methods")
    assert done.returncode == 0 and done.stderr == ""
    reason = "ModuleNotFoundError: No module named 'no_such_module' ("
    assert [line.split(reason)[0] for line in done.stdout.splitlines() if "not usable" in line] == [
        "not usable: coral (",
        "not usable: tv (",
    ]
    done = seasa_da(broken(site, tmp_path / "again"), "train", "--method", "coral", "--preset", "smoke")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"'coral' is a plug-in that is not usable: {reason}" in done.stderr


def test_a_package_that_breaks_leaves_the_rest_usable(
    site: Path, store: Path, tmp_path: Path, smoke: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_path(broken(site, tmp_path), monkeypatch):
        assert [plugin.name for plugin in method_plugins()[1]] == ["coral"]
        assert smoke("source-only", data=store).metrics["method"] == "source-only"


def broken(site: Path, folder: Path) -> Path:
    """A copy of the installed package whose methods and add-ons cannot be imported."""
    shutil.copytree(site, folder / "site")
    (folder / "site" / "seasa_da_plugin" / "specs.py").write_text("import no_such_module\n")
    return folder / "site"


@pytest.mark.usefixtures("joined")
def test_its_settings_are_checked_as_the_built_in_ones_are() -> None:
    assert compose_run("coral", preset="smoke")[1].section("coral").weight == 10.0
    assert compose_run("coral", preset="quick")[1].section("coral").weight == 1.0
    assert compose_run("coral", preset="smoke", overrides=["coral.weight=3"])[1].section("coral").weight == 3.0
    with pytest.raises(UserError, match=r"unknown setting 'coral\.wieght'; did you mean 'coral\.weight'"):
        compose_run("coral", overrides=["coral.wieght=3"])
    with pytest.raises(UserError, match=r"setting coral\.weight=-1 does not fit"):
        compose_run("coral", overrides=["coral.weight=-1"])
    with pytest.raises(UserError, match="did you mean 'coral'"):
        compose_run("corral")
    assert compose_run("adaoutput", ["tv", "se"])[1].section("tv").weight == 0.1


# Maths, wiring, adapter


@pytest.mark.usefixtures("joined")
def test_the_distance_of_covariances_by_hand() -> None:
    from seasa_da_plugin.layers import coral_loss, covariance

    # Places (0, 0), (2, 0) and (0, 0), (0, 2), (0, 4), one of them in another image: variances 2 and 4.
    src = torch.tensor([[[[0.0, 2.0]], [[0.0, 0.0]]]])
    target = torch.tensor([[[[0.0]], [[0.0]]], [[[0.0]], [[2.0]]], [[[0.0]], [[4.0]]]])
    assert covariance(src).tolist() == [[2, 0], [0, 0]]
    assert covariance(target).tolist() == [[0, 0], [0, 4]]
    assert coral_loss(covariance(src), covariance(target)).item() == (4 + 16) / (4 * 2 * 2)
    features = torch.randn(3, 5, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = np.cov(features.transpose(0, 1).flatten(1).numpy())
    np.testing.assert_allclose(covariance(features + 100).numpy(), expected)


@pytest.mark.usefixtures("joined")
def test_two_ranks_see_the_covariance_of_all_places() -> None:
    from seasa_da_plugin.layers import covariance

    whole = torch.randn(4, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    slots: list[Any] = [None, None]
    found: list[Any] = [None, None]
    meeting = threading.Barrier(2)

    def rank(number: int) -> None:
        def sum_over_ranks(values: torch.Tensor) -> torch.Tensor:
            slots[number] = values
            meeting.wait(timeout=20)
            total = slots[0] + slots[1]
            meeting.wait(timeout=20)
            return total

        part = (whole[:3], whole[3:])[number]  # unequal parts
        found[number] = covariance(part, sum_over_ranks)

    ranks = [threading.Thread(target=rank, args=(number,)) for number in range(2)]
    for one in ranks:
        one.start()
    for one in ranks:
        one.join()
    weights = torch.arange(9.0, dtype=torch.float64).view(3, 3)
    (expected,) = torch.autograd.grad((covariance(whole) * weights).sum(), whole)
    for result in found:
        torch.testing.assert_close(result, covariance(whole))
        (gradient,) = torch.autograd.grad((result * weights).sum(), whole, retain_graph=True)
        torch.testing.assert_close(gradient, expected)


@pytest.mark.usefixtures("joined")
def test_total_variation_by_hand() -> None:
    from seasa_da_plugin.layers import total_variation

    chequered, plain = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.ones(2, 2)
    sure = 200 * torch.stack([torch.stack([one, 1 - one]) for one in (chequered, plain)])
    # Chequered: 4 pairs of neighbours that differ by 1 in both of 2 classes, 4 pixels.
    assert total_variation(sure).tolist() == [2.0, 0.0]


@pytest.mark.usefixtures("joined")
def test_the_distance_moves_the_trunk_alone_and_falls() -> None:
    adapter = build_adapter("coral", ("tv",), ("coral.weight=1000", "loss.dice_weight=0"))
    batch = toy_pair()
    hook = adapter.adaptation_hooks()[0]
    trunk = adapter.models["G"]
    features = {f"{domain}_imgs_features": trunk(batch[f"{domain}_imgs"]) for domain in ("src", "target")}
    hook(features)[1]["coral_loss"].backward()
    reached = {name for name, module in adapter.models.items() for p in module.parameters() if p.grad is not None}
    assert reached == {"G"}
    trunk.zero_grad(set_to_none=True)
    losses = [adapter.training_step(batch)["g_loss"] for _ in range(12)]
    assert losses[0].keys() >= {"seg_ce_loss", "coral_loss", "total_variation_loss"}
    assert losses[-1]["coral_loss"] < 0.5 * losses[0]["coral_loss"]


@pytest.mark.usefixtures("joined")
def test_the_add_on_waits_for_its_start_and_joins_other_methods() -> None:
    adapter = build_adapter("adaoutput", ("tv",), ("tv.start=0.5", "tv.weight=2"))
    batch = toy_pair()
    assert adapter.training_step(batch, progress=0.4)["g_loss"]["total_variation_loss"] == 0
    assert adapter.training_step(batch, progress=0.5)["g_loss"]["total_variation_loss"] > 0


# Reader


NAMES = ["ball", "core"]


def volume(seed: int) -> dict[str, Any]:
    """A ball with a core in a noisy box, (X, Y, Z) of different lengths and voxel sizes."""
    generator = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (28, 14, 20)), indexing="ij")
    label = (x**2 + y**2 + z**2 < 0.5).astype(np.uint8) + (x**2 + y**2 + z**2 < 0.1)
    image = label + 0.1 * generator.standard_normal(label.shape)
    return {"image": image, "label": label.astype(np.uint8), "spacing_mm": np.array([5.0, 8.0, 6.0])}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """`ct` with labels, `mri` with labels of its test cases alone."""
    raw = tmp_path / "raw"
    for number, (domain, split, case) in enumerate(
        (domain, split, case)
        for domain in ("ct", "mri")
        for split, cases in (("train", "ab"), ("test", "c"))
        for case in cases
    ):
        content = volume(number)
        if domain == "mri" and split == "train":
            del content["label"]
        (raw / domain / split).mkdir(parents=True, exist_ok=True)
        np.savez(raw / domain / split / f"{case}.npz", **content)
    (raw / "labels.json").write_text(json.dumps(NAMES))
    return raw


@pytest.mark.usefixtures("joined")
def test_a_folder_of_its_reader_becomes_a_store(raw: Path, tmp_path: Path) -> None:
    from seasa_da_plugin.npz import READER

    found = READER.scan(raw)
    assert [(d.name, d.label_names, [(c.id, c.split) for c in d.cases]) for d in found.domains] == [
        (domain, tuple(NAMES), [("a", "train"), ("b", "train"), ("c", "test")]) for domain in ("ct", "mri")
    ]
    assert found.files == (raw / "labels.json",)
    case = READER.load(found.domains[0].cases[0])
    expected = volume(0)
    np.testing.assert_array_equal(case.image, expected["image"].astype(np.float32)[None])
    np.testing.assert_array_equal(case.label, expected["label"])
    assert case.spacing_mm == (5, 8, 6) and np.diag(case.affine).tolist() == [5, 8, 6, 1]
    assert READER.load(found.domains[1].cases[0]).label is None
    prepare(raw, tmp_path / "store", DataSettings(size=32, spacing_mm=6, depth_mm=60))
    store = SliceStore.open(tmp_path / "store")
    assert sorted(store.domains) == ["ct", "mri"] and store.domain("ct").label_names == tuple(NAMES)


@pytest.mark.usefixtures("joined")
def test_a_folder_of_its_reader_is_trained_on(raw: Path, smoke: Callable[..., RunResult]) -> None:
    result = smoke("coral", data=raw)
    assert list(result.metrics["dice"]) == [*NAMES, "mean"]
    rows = (result.folder / "per_case.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["c", name] for name in NAMES]


def other(**changes: Any) -> dict[str, Any]:
    """A volume with other arrays; `None` takes one out."""
    return {name: value for name, value in {**volume(0), **changes}.items() if value is not None}


FAULTS = {
    "no image": (other(image=None), "has no array 'image'"),
    "no spacing": (other(spacing_mm=None), "has no array 'spacing_mm'"),
    "flat image": (other(image=np.zeros((4, 4))), r"image is float64 \(4, 4\)"),
    "empty image": (other(image=np.zeros((0, 4, 4))), r"image is float64 \(0, 4, 4\)"),
    "complex image": (other(image=np.zeros((2, 2, 2), dtype=complex)), "image is complex128"),
    "nan": (other(image=np.full((28, 14, 20), np.nan)), "image has NaN"),
    "two sizes": (other(spacing_mm=np.array([1.0, 2.0])), "spacing_mm is"),
    "no size": (other(spacing_mm=np.array([1.0, 0.0, 2.0])), "spacing_mm is"),
    "another shape": (other(label=np.zeros((4, 4, 4), dtype=np.uint8)), r"label is uint8 \(4, 4, 4\)"),
    "no whole numbers": (other(label=np.zeros((28, 14, 20))), "label is float64"),
    "a label without a name": (
        other(label=np.full((28, 14, 20), 3)),
        r"label has 3 to 3; labels\.json has names",
    ),
    "a negative label": (other(label=np.full((28, 14, 20), -1)), "label has -1 to -1"),
    "pickled": (other(image=np.array([{}], dtype=object)), "cannot read 'image'"),
}


@pytest.mark.usefixtures("joined")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_named(fault: str, raw: Path, tmp_path: Path) -> None:
    content, reason = FAULTS[fault]
    path = raw / "ct" / "train" / "a.npz"
    np.savez(path, **content)
    with pytest.raises(UserError, match=reason) as caught:
        prepare(raw, tmp_path / "store", DataSettings(size=32, spacing_mm=6, depth_mm=60))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()


def cut(raw: Path) -> None:
    path = raw / "ct" / "train" / "a.npz"
    path.write_bytes(path.read_bytes()[:5000])


def twice(raw: Path) -> None:
    shutil.copy(raw / "ct" / "train" / "a.npz", raw / "ct" / "test" / "a.npz")


CASE_FAULTS: dict[str, tuple[Callable[[Path], Any], str, list[str]]] = {
    "cut off": (cut, r"train/a\.npz is no npz file, or damaged", ["b", "c"]),
    "no npz": (lambda raw: (raw / "ct" / "train" / "a.npz").write_text("no"), "is no npz file", ["b", "c"]),
    "both splits": (twice, r"test/a\.npz is of case a, which is in train too", ["a", "b", "c"]),
}


@pytest.mark.usefixtures("joined")
@pytest.mark.parametrize("fault", CASE_FAULTS)
def test_a_faulty_case_stops_no_other(fault: str, raw: Path, tmp_path: Path) -> None:
    from seasa_da_plugin.npz import READER

    spoil, reason, cases = CASE_FAULTS[fault]
    spoil(raw)
    found = READER.scan(raw)
    (only,) = found.faults
    assert (only.domain, only.case) == ("ct", "a") and re.search(reason, str(only))
    assert [files.id for files in found.domains[0].cases] == cases
    assert len(found.domains[1].cases) == 3
    with pytest.raises(UserError, match=reason):
        prepare(raw, tmp_path / "store", DataSettings(size=32, spacing_mm=6, depth_mm=60))


FOLDER_FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no names": (lambda raw: (raw / "labels.json").unlink(), r"labels\.json does not exist"),
    "names not in a list": (lambda raw: (raw / "labels.json").write_text('{"a": 1}'), "must be a list"),
    "no name": (lambda raw: (raw / "labels.json").write_text('["a", ""]'), "must be a list"),
    "a name twice": (lambda raw: (raw / "labels.json").write_text('["a", "a"]'), "has a name twice"),
}


@pytest.mark.usefixtures("joined")
@pytest.mark.parametrize("fault", FOLDER_FAULTS)
def test_a_faulty_folder_is_refused(fault: str, raw: Path) -> None:
    from seasa_da_plugin.npz import READER

    spoil, reason = FOLDER_FAULTS[fault]
    spoil(raw)
    with pytest.raises(UserError, match=reason) as caught:
        READER.scan(raw)
    assert str(raw) in str(caught.value) and "\n" not in str(caught.value)
