"""What the order of weights in memory is worth: an update of every stage, channels-last against torch's usual order.

    OMP_NUM_THREADS=1 python benchmarks/order.py [--preset quick] [--methods ours,crst] [--rounds 7] [--json FILE]

"ordered" is a stage as it is built, its segmenter and the discriminators of its output channels-last; "usual" has all
of its networks in the usual order, "all" all of them channels-last, image translators too. In turns, medians.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from stages import build, stages_of
from turns import in_turns, parser, ratio, write

from seasa_da.registry import METHODS

ORDERS = {"ordered": None, "usual": torch.contiguous_format, "all": torch.channels_last}


def update_of(method: str, number: int, preset: str, order: torch.memory_format | None) -> Callable[[], Any]:
    """A function that carries out one update of a stage."""
    stages, settings = stages_of(method, preset)
    adapter, batch = build(stages, number, settings, "cuda" if torch.cuda.is_available() else "cpu")
    if order is not None:
        for model in adapter.models.values():
            model.to(memory_format=order)
    return lambda: adapter.training_step(dict(batch), progress=1.0)


def main() -> None:
    """Time and print a line a stage."""
    options = parser(__doc__, rounds=7)
    options.add_argument("--preset", default="quick")
    options.add_argument("--methods", default=",".join(METHODS))
    given = options.parse_args()
    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    found: dict[str, dict[str, dict[str, float]]] = {}
    for method in given.methods.split(","):
        stages, _ = stages_of(method, given.preset)
        found[method] = {}
        for number, stage in enumerate(stages):
            updates = {name: update_of(method, number, given.preset, order) for name, order in ORDERS.items()}
            seconds = in_turns(updates, given.rounds, wait=wait, warm_up=2)
            times = {name: ratio(seconds, "usual", name) for name in ("ordered", "all")}
            found[method][stage.name] = times
            print(f"{method:12} {stage.name:20} ordered {times['ordered']:5.2f}  all {times['all']:5.2f}", flush=True)
    write(given.json, {"preset": given.preset, "times_as_fast_as_usual": found})


if __name__ == "__main__":
    main()
