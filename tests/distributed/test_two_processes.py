"""Two gloo processes on the CPU do what one does with the whole batch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from training.standins import make_adapter, train

import seasa_da
from distributed.worker import MICRO_BATCHES
from seasa_da.training.stepper import AcceleratedStepper

# What torchrun sets; Accelerate wants the address although the processes have met by then.
GROUP = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    worker, package = Path(__file__).with_name("worker.py"), Path(seasa_da.__file__).parent
    processes = [
        subprocess.Popen(
            [sys.executable, worker, folder],
            env={
                **os.environ,
                "PYTHONPATH": str(package.parent),
                **dict.fromkeys(("RANK", "LOCAL_RANK"), str(rank)),
                **GROUP,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=240)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(outputs)
    return [load_file(folder / f"rank{rank}.safetensors") for rank in range(2)]


def test_there_really_are_two(ranks):
    assert [(found["world"].item(), found["rank"].item()) for found in ranks] == [(2, 0), (2, 1)]


def test_a_sum_over_ranks_and_its_gradient(ranks):
    for found in ranks:
        assert found["sum"].tolist() == [6.0, 6.0]
        assert found["counts"].tolist() == [1, 20]
        assert found["weight"].tolist() == [2.0 - 36.0, 2.0]
        assert found["unused"].item() == 1 - 0.5


def test_parts_of_unequal_length_are_joined_in_the_order_of_the_ranks(ranks):
    for found in ranks:
        assert found["gathered"].flatten().tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("name", MICRO_BATCHES)
def test_two_ranks_train_to_the_weights_of_one_process(ranks, name):
    alone = train(make_adapter(name), AcceleratedStepper(Accelerator(cpu=True)))
    first, second = ({key: value for key, value in found.items() if key.startswith(f"{name}.")} for found in ranks)
    assert first.keys() == {f"{name}.{key}" for key in alone}
    assert all(first[key].equal(second[key]) for key in first)
    for key, value in alone.items():
        torch.testing.assert_close(first[f"{name}.{key}"], value, atol=1e-6, rtol=0)
