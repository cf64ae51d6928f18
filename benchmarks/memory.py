"""Peak memory of one update of every stage of every method, an estimate for the device that it will run on.

    python benchmarks/memory.py [--preset paper] [--methods ours,cycada] [--json FILE]

Each stage is built in a process of its own with the preset's own network, slice size and batch, on random images, and
takes two updates (the second has the optimisers' moments). Reported is how far the resident memory rose above that of
the process with everything imported: weights, gradients, moments, activations, and the CPU kernels' workspace. A GPU
adds its context (about half a GiB) and cuDNN's workspace in place of the CPU's.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
from pathlib import Path
from typing import Any


def measure(method: str, number: int, preset: str, connection: Any) -> None:
    """One stage, in this process; sends its name and GiB."""
    import torch
    from stages import build, stages_of

    stages, settings = stages_of(method, preset)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    adapter, batch = build(stages, number, settings)
    for _ in range(2):
        losses = adapter.training_step(dict(batch), progress=1.0)
    assert all(torch.isfinite(loss).all() for group in losses.values() for loss in group.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    connection.send((stages[number].name, (peak - before) / 2**20))


def main() -> None:
    """Measure and print a line a stage."""
    from seasa_da.registry import METHODS, compose_run

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")  # a forked process would start with this one's peak
    found: dict[str, dict[str, float]] = {}
    for method in options.methods.split(","):
        spec, settings = compose_run(method, preset=options.preset)
        found[method] = {}
        for number in range(len(spec.load_stages()(settings))):
            here, there = context.Pipe()
            process = context.Process(target=measure, args=(method, number, options.preset, there))
            process.start()
            there.close()
            try:
                name, gib = here.recv()
            except EOFError:
                sys.exit(f"{method}: stage {number} died; it may not fit this machine's memory")
            process.join()
            found[method][name] = round(gib, 2)
            print(f"{method:12} {name:20} {gib:6.2f} GiB", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"preset": options.preset, "gib": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
