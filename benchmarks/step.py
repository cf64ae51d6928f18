"""One update of `ours` against the authors' loop, in turns: time, and the memory it takes at its peak.

    python benchmarks/step.py [--set data.size=128] [--views 3,5] [--precision no|bf16] [--compile] [--json FILE]

Same network, same batch, same N, same precision; `paper` preset, whose settings `--set` changes. The reference is
`authors_loop.py`. "unordered" is ours without the channels-last order of the weights. On a GPU, where there is one,
`--json` also has images a second, and the share of the card's peak for that precision where `--peak-tflops` says it.
"""

from __future__ import annotations

import multiprocessing
import resource
from functools import partial
from typing import Any

import torch
from authors_loop import AuthorsLoop
from counts import count
from stages import CLASSES, build, stages_of
from turns import in_turns, medians, parser, ratio, write

from seasa_da.hooks import Stepper

WAYS = ("authors", "unordered", "ours")


class PreciseBackward(Stepper):
    """Backward outside autocast, as the trainer's."""

    def __init__(self, device: str) -> None:
        self.device = device

    def backward(self, loss: torch.Tensor) -> None:
        with torch.autocast(self.device, enabled=False):
            super().backward(loss)


def step_of(way: str, n: int, given: Any) -> Any:
    """A function that carries out one update."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    overrides = [*given.overrides, f"views.n={n}"]
    stages, settings = stages_of("ours", given.preset, overrides)
    adapter, batch = build(stages, 0, settings, device)
    if way != "ours":
        for model in adapter.models.values():
            model.to(memory_format=torch.contiguous_format)
    if way == "authors":
        loop = AuthorsLoop(dict(adapter.models.items()), dict(adapter.optimizers.items()), CLASSES, n, given.precision)
        return partial(loop, batch)
    if way == "ours" and given.compile:
        for model in adapter.models.values():
            model.compile()

    stepper = PreciseBackward(device)

    def update() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=given.precision == "bf16"):
            adapter.training_step(dict(batch), stepper=stepper, progress=1.0)

    return update


def peak(way: str, n: int, given: Any, connection: Any) -> None:
    """GiB that two updates take at their peak, above what was there before; in a process of its own."""
    if torch.cuda.is_available():
        update = step_of(way, n, given)
        update()
        torch.cuda.reset_peak_memory_stats()
        update()
        connection.send(torch.cuda.max_memory_allocated() / 2**30)
        return
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    update = step_of(way, n, given)
    for _ in range(2):
        update()
    connection.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20)


def main() -> None:
    """Time and print."""
    options = parser(__doc__, rounds=5)
    options.add_argument("--preset", default="paper")
    options.add_argument("--set", dest="overrides", action="append", default=[], metavar="NAME=VALUE")
    options.add_argument("--views", default="3,5", help="values of N [default: 3,5]")
    options.add_argument("--precision", choices=("no", "bf16"), default="no")
    options.add_argument("--compile", action="store_true", help="ours by torch.compile")
    options.add_argument("--peak-tflops", type=float, help="the card's, for the share that is reached")
    given = options.parse_args()
    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    context = multiprocessing.get_context("spawn")
    found: dict[str, Any] = {}
    for n in map(int, given.views.split(",")):
        memory = {}
        for way in WAYS:
            here, there = context.Pipe()
            process = context.Process(target=peak, args=(way, n, given, there))
            process.start()
            there.close()
            memory[way] = here.recv()
            process.join()
        seconds = in_turns({way: step_of(way, n, given) for way in WAYS}, given.rounds, wait=wait)
        mid, work = medians(seconds), count("ours", 0, given.preset, [*given.overrides, f"views.n={n}"])
        ratios = {way: ratio(seconds, way, "ours") for way in WAYS}
        rate = work["tflop"] / mid["ours"]
        found[f"N={n}"] = {
            "seconds": mid,
            "gib": memory,
            "times_ours": ratios,
            "tflop": work["tflop"],
            "tflops": rate,
            "images_a_second": work["batch"] / mid["ours"],
            "share_of_peak": rate / given.peak_tflops if given.peak_tflops else None,
        }
        for way in WAYS:
            print(
                f"N={n} {way:10} {mid[way]:8.3f} s  {ratios[way]:5.2f} times ours  {memory[way]:6.2f} GiB", flush=True
            )
    write(
        given.json,
        {"preset": given.preset, "overrides": given.overrides, "precision": given.precision, "found": found},
    )


if __name__ == "__main__":
    main()
