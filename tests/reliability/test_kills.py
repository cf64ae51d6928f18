"""Each verb killed at random moments and begun again ends with what it ends with undisturbed.

Once a verb by default; `pytest tests/reliability/test_kills.py --kills 15` kills each that often.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seasa_da.config import DataSettings, PhantomSettings, load_preset
from seasa_da.data.phantom import make_phantom
from seasa_da.data.prepare import prepare
from seasa_da.training import checkpoint
from seasa_da.training.run_folder import RunFolder

CLI = Path(__file__).parents[2] / "cli.py"
LONG = ("train.iterations=40", "train.checkpoint_every=5", "train.log_every=3", "asa.start=0.1", "se.start=0.3")
SHORT = ("train.iterations=16", "train.checkpoint_every=4", "train.batch_size=2")
PATIENCE_S = 300


@dataclass
class Verb:
    """A command whose output folder takes the place of OUT.

    Attributes:
        begin: the arguments of a first try.
        go_on: those of a later one, given what is there.
        begun: what there is as soon as the work has begun; kills come after.
        result: all that must be the same, by name.
        check: what must hold after every kill.
    """

    name: str
    begin: list[str]
    begun: Callable[[Path], bool]
    result: Callable[[Path], dict[str, str]]
    go_on: Callable[[Path], list[str]] | None = None
    check: Callable[[Path], None] = lambda out: None

    def command(self, out: Path) -> list[str]:
        words = self.go_on(out) if self.go_on is not None else self.begin
        return [sys.executable, str(CLI), *(word.replace("OUT", str(out)) for word in words)]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with `raw`, `store` and `run`."""
    folder = tmp_path_factory.mktemp("kills")
    preset = load_preset("smoke")
    make_phantom(folder / "raw", PhantomSettings(**preset["phantom"]))
    prepare(folder / "raw", folder / "store", DataSettings(**preset["data"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEASA_DA_CACHE", str(folder / "cache"))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield folder


def settings(overrides: tuple[str, ...]) -> list[str]:
    return [word for text in overrides for word in ("--set", text)]


def train(places: Path) -> Verb:
    common = ["--preset", "smoke", "--data", str(places / "store"), "--tracking-uri", "none", "--no-reference"]
    begin = ["train", "--method", "ours", "--keep", "1", "--out", "OUT", *common, *settings(LONG)]

    def go_on(out: Path) -> list[str]:
        return ["train", "--resume", "OUT"] if (out / "run.json").is_file() else begin

    return Verb("train", begin, lambda out: (out / "run.json").is_file(), run_result, go_on, whole_checkpoints)


def prepare_data(places: Path) -> Verb:
    words = ["data", "prepare", str(places / "raw"), "--out", "OUT", "--preset", "smoke", "--size", "160"]
    begun = lambda out: any(out.parent.glob(f".{out.name}.*.partial")) or out.exists()  # noqa: E731
    return Verb("prepare", [*words, "--spacing-mm", "1.2"], begun, tree)


def compare(places: Path) -> Verb:
    words = ["compare", "--methods", "source-only,adaoutput", "--data", str(places / "store"), "--preset", "smoke"]
    words += ["--out", "OUT", "--tracking-uri", "none", *settings(SHORT)]

    def result(out: Path) -> dict[str, str]:
        runs = {path.parent.name: path.parent for path in out.glob("runs/*/*/*/metrics.json")}
        found = {f"{name}/{key}": value for name, run in runs.items() for key, value in run_result(run).items()}
        table = json.loads((out / "ct-to-mri.json").read_text())
        return found | {"rows": json.dumps([[row["name"], row["seeds"], row["dice"]] for row in table["rows"]])}

    return Verb("compare", words, lambda out: (out / "runs").is_dir(), result)


def predict(places: Path) -> Verb:
    words = ["predict", str(places / "run"), str(places / "volumes"), "--out", "OUT", "--probs", "--entropy"]
    return Verb("predict", words, lambda out: out.is_dir(), tree)


def run_result(run: Path) -> dict[str, str]:
    """Weights, scores and losses of a run, without the seconds they took."""
    metrics = json.loads((run / "metrics.json").read_text())
    state = json.loads((checkpoint.list_checkpoints(run / "checkpoint")[-1] / "state.json").read_text())
    log = [(line["stage"], line["iteration"], line["losses"]) for line in RunFolder(run).read_log()]
    names = ("dice", "asd", "validators", "selected", "label_free")
    hidden = [path.name for path in run.rglob(".*")]
    return {
        **state["sha256"],
        "per_case": (run / "per_case.csv").read_text(),
        "metrics": json.dumps({name: metrics[name] for name in names}),
        "log": json.dumps(log),
        "left behind": json.dumps(hidden),
    }


def tree(folder: Path) -> dict[str, str]:
    """The hash of every file, hidden ones too: nothing half-written may be left."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def whole_checkpoints(run: Path) -> None:
    found = checkpoint.list_checkpoints(run / "checkpoint")
    for path in found:
        checkpoint.load(path)
    if any(line["iteration"] > 5 for line in RunFolder(run).read_log()):
        assert found, "no checkpoint is left"


def undisturbed(verb: Verb, out: Path) -> float:
    """Carry a verb out; returns how long it worked, from the moment that it had begun."""
    process = subprocess.Popen(verb.command(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    begun = until_begun(verb, out, process)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    return time.monotonic() - begun


def until_begun(verb: Verb, out: Path, process: subprocess.Popen[str]) -> float:
    deadline = time.monotonic() + PATIENCE_S
    while not verb.begun(out) and process.poll() is None:
        assert time.monotonic() < deadline, f"{verb.name} did not begin"
        time.sleep(0.002)
    return time.monotonic()


@pytest.mark.parametrize("make", [train, prepare_data, compare, predict], ids=lambda make: make.__name__)
def test_killed_and_begun_again_the_result_is_the_same(
    make: Callable[[Path], Verb], places: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    wanted = pytestconfig.getoption("--kills") or 1
    if make is predict:
        made_for_prediction(places)
    verb = make(places)
    seconds = undisturbed(verb, tmp_path / "whole")
    whole = verb.result(tmp_path / "whole")
    assert len(whole) >= 4

    draw, kills, trial = random.Random(verb.name), 0, 0
    while kills < wanted:
        trial += 1
        out = tmp_path / f"try{trial}"
        for _ in range(3):  # a try may be killed several times
            process = subprocess.Popen(
                verb.command(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
            )
            begun = until_begun(verb, out, process)
            time.sleep(max(0.0, begun + draw.random() * seconds * 0.9 - time.monotonic()))
            # a compare's children end with it, whether they are killed too or not
            if process.poll() is None:
                (os.killpg if draw.random() < 0.5 else os.kill)(process.pid, signal.SIGKILL)
            process.communicate(timeout=PATIENCE_S)
            if process.returncode == -signal.SIGKILL:
                kills += 1
                verb.check(out)
            else:
                assert process.returncode == 0
                break
            if kills == wanted:
                break
        undisturbed(verb, out)
        assert verb.result(out) == whole, f"{verb.name}, try {trial}"
        assert trial < 4 * wanted + 4, "it is always done before it can be killed"
    print(f"\n{verb.name}: {kills} kills in {trial} tries, the same result each time")


def made_for_prediction(places: Path) -> None:
    """A trained run, and the phantom's volumes under names of their own."""
    if (places / "run").exists():
        return
    words = ["train", "--method", "source-only", "--out", "OUT", "--preset", "smoke", "--data", str(places / "store")]
    verb = Verb("train", [*words, "--tracking-uri", "none"], lambda out: out.exists(), run_result)
    undisturbed(verb, places / "run")
    (places / "volumes").mkdir()
    for number, path in enumerate(sorted(places.glob("raw/mr_train/*_image.nii.gz")) * 3):
        (places / "volumes" / f"v{number}.nii.gz").symlink_to(path)
