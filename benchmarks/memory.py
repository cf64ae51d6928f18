"""Peak memory of one update of every stage of every method, an estimate for the device that it will run on.

    python benchmarks/memory.py [--preset paper] [--methods ours,cycada] [--json FILE]

Each stage is built in a process of its own with the preset's own network, slice size and batch, on random images, and
takes two updates (the second has the optimisers' moments). Reported is how far the resident memory rose above that of
the process with everything imported: weights, gradients, moments, activations, and the CPU kernels' workspace. A GPU
adds its context (about half a GiB) and cuDNN's workspace in place of the CPU's.
"""

from __future__ import annotations

import resource
import sys

from turns import in_own_process, parser, write


def measure(method: str, number: int, preset: str) -> tuple[str, float]:
    """Name and GiB of one stage, in this process."""
    import torch
    from stages import build, stages_of

    stages, settings = stages_of(method, preset)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    adapter, batch = build(stages, number, settings)
    for _ in range(2):
        losses = adapter.training_step(dict(batch), progress=1.0)
    assert all(torch.isfinite(loss).all() for group in losses.values() for loss in group.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return stages[number].name, (peak - before) / 2**20


def main() -> None:
    """Measure and print a line a stage."""
    from seasa_da.registry import METHODS, compose_run

    options = parser(__doc__)
    options.add_argument("--preset", default="paper")
    options.add_argument("--methods", default=",".join(METHODS))
    given = options.parse_args()
    found: dict[str, dict[str, float]] = {}
    for method in given.methods.split(","):
        spec, settings = compose_run(method, preset=given.preset)
        found[method] = {}
        for number in range(len(spec.load_stages()(settings))):
            measured = in_own_process(measure, method, number, given.preset)
            if measured is None:
                sys.exit(f"{method}: stage {number} died; it may not fit this machine's memory")
            name, gib = measured
            found[method][name] = round(gib, 2)
            print(f"{method:12} {name:20} {gib:6.2f} GiB", flush=True)
    write(given.json, {"preset": given.preset, "gib": found})


if __name__ == "__main__":
    main()
