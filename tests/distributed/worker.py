"""One of two processes of test_two_processes.py: `worker.py FOLDER`, with RANK and WORLD_SIZE in the environment."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from training.standins import make_adapter, train

from seasa_da.training.stepper import AcceleratedStepper

# Adapters of training.standins, and into how many micro-batches a rank's batch is split.
MICRO_BATCHES = {
    "OutputAdversary": 2,
    "SEASA": 1,
    "StylisedSource": 2,
    "MPSCL": 1,
    "SelfTraining": 2,
    "EnergyConstrained": 1,
    "TranslationAdapter": 1,
    "DomainCriticAdapter": 1,
    "PlugAndPlay": 2,
    "PenalisedCritics": 1,
    "SIFA": 1,
}


def main(folder: Path) -> None:
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    # A file to meet at, as a free port may be taken the next moment.
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder / 'meet'}", rank=rank, world_size=world)
    accelerator = Accelerator(cpu=True)
    found = {"world": torch.tensor(accelerator.num_processes), "rank": torch.tensor(accelerator.process_index)}

    # L = (sum over ranks of (rank + 1) w)^2 with w = 2: 36 on both; dL/dw = 2 * 6 * 3 = 36 once ranks are averaged.
    stepper = AcceleratedStepper(accelerator)
    weight = torch.nn.Parameter(torch.tensor([2.0, 2.0]))
    unused = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD([weight, unused], lr=1.0)
    total = stepper.sum_over_ranks((rank + 1) * weight)
    found["sum"] = total.detach()
    found["counts"] = stepper.sum_over_ranks(torch.tensor([rank, 10]))
    stepper.backward((total**2)[0] + (0 if rank else unused[0]))  # rank 1 has no use for `unused`
    stepper.step([optimizer])
    found["gathered"] = stepper.gather_over_ranks(torch.arange(2 * rank + 1).view(-1, 1))
    found["weight"], found["unused"] = weight.detach(), unused.detach()

    for name, micro_batches in MICRO_BATCHES.items():
        trained = train(make_adapter(name), AcceleratedStepper(accelerator, micro_batches), rank=rank, world=world)
        found.update({f"{name}.{key}": value.contiguous() for key, value in trained.items()})
    save_file(found, folder / f"rank{rank}.safetensors")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
