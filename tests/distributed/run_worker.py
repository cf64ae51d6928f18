"""Whole runs in as many processes as a launcher started: `run_worker.py FOLDER STORE METHOD:ACCUMULATE…`.

All is computed in double precision: where a gradient is all but zero, Adam makes steps of the rounding of single.
Every rank keeps its models at each checkpoint in `FOLDER/worldW/METHOD-ACCUMULATE/POSITION-rankR.safetensors`. Batch
norm uses its running statistics and Dropout nothing at all, in one process as in two: what they draw and see is a
rank's own, and SyncBatchNorm, which GPU runs get, needs a GPU.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors.torch import save_file
from torch.nn import functional

from seasa_da.data.batches import UpdateBatches
from seasa_da.registry import find_method
from seasa_da.training import execute, stages
from seasa_da.training.run import Observer, resume, train
from seasa_da.training.trainer import Trainer

STOPPED = "stopped"
"""In place of a number of micro-batches: rank 1 is asked to stop after the third update, and the run is resumed."""


class Trained(Exception):
    """The last update is done; what follows is the main process's alone."""


def main(folder: Path, store: Path, runs: list[str]) -> None:
    torch.set_num_threads(1)
    torch.nn.BatchNorm2d.forward = lambda self, x: functional.batch_norm(
        x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
    )
    torch.set_default_dtype(torch.float64)
    item, survey = UpdateBatches.__getitem__, stages._target_images
    UpdateBatches.__getitem__ = lambda self, update: {key: double(value) for key, value in item(self, update).items()}
    stages._target_images = lambda job: map(double, survey(job))
    torch.nn.Dropout.forward = torch.nn.Dropout2d.forward = lambda self, x: x
    world = PartialState(cpu=True).num_processes
    folder = folder / f"world{world}"
    for run in runs:
        method, accumulate = run.split(":")
        carry_out(folder / run.replace(":", "-"), store, method, accumulate)
    if world > 1:
        torch.distributed.destroy_process_group()


def double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def carry_out(folder: Path, store: Path, method: str, accumulate: str) -> None:
    rank = PartialState().process_index
    folder.mkdir(parents=True, exist_ok=True)
    save, run_stages, update = Trainer.save, execute.run_stages, Trainer._update
    done = 0

    def keep(self, position, adapter, *rest):
        tensors = {f"{n}.{k}": v for n, m in self._modules(adapter).items() for k, v in m.state_dict().items()}
        save_file(
            {k: v.clone().contiguous() for k, v in tensors.items()},
            folder / f"{position.folder_name}-rank{rank}.safetensors",
        )
        save(self, position, adapter, *rest)

    def no_further(*args):
        run_stages(*args)
        raise Trained

    def interrupted(self, *args, **kwargs):
        nonlocal done
        done += 1
        if done == 3 and rank == 1:
            os.kill(os.getpid(), signal.SIGUSR1)
        return update(self, *args, **kwargs)

    lines = []
    observer = Observer(say=lines.append)
    overrides = ["train.batch_size=4", "train.checkpoint_every=4"]
    for section, model in find_method(method).sections.items():
        if "batch_size" in model.model_fields:
            overrides.append(f"{section}.batch_size=4")
    if accumulate.isdigit():
        overrides.append(f"train.accumulate={accumulate}")
    options = {"data": store, "preset": "smoke", "tracking_uri": "none", "reference": False, "seed": 3}
    Trainer.save = keep
    execute.run_stages = no_further
    try:
        if accumulate == STOPPED:
            Trainer._update = interrupted
            try:
                train(method, out=folder / "run", overrides=overrides, observer=observer, **options)
            except KeyboardInterrupt:
                (folder / f"stopped-rank{rank}.json").write_text(json.dumps(done))
            Trainer._update = update
            resume(folder / "run", observer=observer)
        else:
            train(method, out=folder / "run", overrides=overrides, observer=observer, **options)
    except Trained:
        pass
    finally:
        Trainer.save, execute.run_stages, Trainer._update = save, run_stages, update
    if rank == 0:
        (folder / "said.json").write_text(json.dumps(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
