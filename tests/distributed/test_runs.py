"""Whole runs by torchrun: two processes with half the batch each do what one does, and stop together."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import seasa_da
from seasa_da.config import DataSettings, PhantomSettings, load_preset
from seasa_da.data.phantom import make_phantom
from seasa_da.data.prepare import prepare
from seasa_da.registry import METHODS

ALWAYS = ("ours", "adaoutput", "cycada", "crst", "sifa-v2")


def pytest_generate_tests(metafunc):
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", [f"{m}:{n}" for m in chosen(metafunc.config) for n in (1, 2)])


def chosen(config):
    return tuple(METHODS) if config.getoption("--every-method") else ALWAYS


@pytest.fixture(scope="module")
def runs(tmp_path_factory, request):
    """Folder of the ranks' models, see run_worker.py."""
    folder = tmp_path_factory.mktemp("runs")
    preset = load_preset("smoke")
    make_phantom(folder / "raw", PhantomSettings(**preset["phantom"]))
    prepare(folder / "raw", folder / "store", DataSettings(**preset["data"]))
    asked = [f"{method}:{parts}" for method in chosen(request.config) for parts in (1, 2)]
    worker, package = str(Path(__file__).with_name("run_worker.py")), Path(seasa_da.__file__).parent
    alone = [sys.executable, worker, str(folder), str(folder / "store")]
    environment = {
        **os.environ,
        "PYTHONPATH": str(package.parent),
        "OMP_NUM_THREADS": "1",
        "SEASA_DA_CACHE": str(folder / "cache"),
        "ACCELERATE_USE_CPU": "true",
    }
    together = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", *alone[1:]]
    for command in ([*together, *asked, "ours:stopped"], [*alone, *asked]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1500, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return folder


def found(folder, world, run, rank=0):
    """The models at every checkpoint, by its name."""
    files = sorted((folder / f"world{world}" / run.replace(":", "-")).glob(f"*-rank{rank}.safetensors"))
    return {file.name.removesuffix(f"-rank{rank}.safetensors"): load_file(file) for file in files}


def test_two_processes_train_to_the_weights_of_one(runs, run):
    alone, first, second = found(runs, 1, run), found(runs, 2, run), found(runs, 2, run, rank=1)
    assert len(alone) >= 2 and alone.keys() == first.keys() == second.keys()
    for place, models in alone.items():
        for key, value in models.items():
            assert first[place][key].equal(second[place][key]), f"ranks differ in {key} at {place}"
            torch.testing.assert_close(
                first[place][key], value, atol=1e-7, rtol=1e-6, msg=lambda text, at=(key, place): f"{at}: {text}"
            )
    method = run.partition(":")[0]
    assert any("2 processes on cpu" in line for line in said(runs, 2, run)), method
    assert any("1 process on cpu" in line for line in said(runs, 1, run))


def test_an_updated_run_moved(runs, run):
    """Else equal weights would say nothing."""
    places = list(found(runs, 2, run).values())
    moved = {key for key in places[0] if key in places[-1] and not places[0][key].equal(places[-1][key])}
    assert any(key.startswith(("G.", "C.")) for key in moved)


def test_ranks_stop_together_when_one_is_asked_and_end_the_same(runs):
    folder = runs / "world2" / "ours-stopped"
    assert [json.loads((folder / f"stopped-rank{rank}.json").read_text()) for rank in range(2)] == [3, 3]
    assert any("go on with: seasa-da train --resume" in line for line in said(runs, 2, "ours:stopped"))
    whole, resumed = found(runs, 2, "ours:1"), found(runs, 2, "ours:stopped")
    assert resumed.keys() - whole.keys() == {"000-adapt-00000003"}
    last = list(whole)[-1]
    for rank in range(2):
        again = found(runs, 2, "ours:stopped", rank)[last]
        assert all(again[key].equal(value) for key, value in whole[last].items())


def said(folder, world, run):
    return json.loads((folder / f"world{world}" / run.replace(":", "-") / "said.json").read_text())
