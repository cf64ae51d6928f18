"""One update of `ours` against the authors' loop, in turns: time, and the memory it takes at its peak.

    python benchmarks/step.py [--set data.size=128] [--views 3,5] [--ways authors,ours] [--json FILE]

Same network, same batch, same N; `paper` preset, whose settings `--set` changes. The ways:

    authors      the authors' loop (authors_loop.py), by the kernels that their code asks cuDNN for
    unordered    ours without the channels-last order of the weights
    ours         the adapter's step, by the deterministic kernels that the trainer asks for

each of which may be followed by `+bf16` (mixed precision) and, ours, by `+compile` (torch.compile). On a GPU all that
make sense are timed, on a CPU the three above. "times as fast" is beside the authors' loop in the same precision.
Memory on a GPU is what torch allocated, on a CPU how far the resident memory rose. `--json` also has images a second,
and the share of the card's peak where `--peak-tflops` says it.
"""

from __future__ import annotations

import resource
from functools import partial
from typing import Any, NamedTuple

import torch
from authors_loop import AuthorsLoop, with_views
from counts import count
from stages import CLASSES, build, stages_of
from turns import in_own_process, in_turns, medians, parser, ratio, write

from seasa_da.hooks import Stepper
from seasa_da.training.compiled import compile_networks

ON_CPU = "authors,unordered,ours"
ON_GPU = "authors,unordered,ours,ours+compile,authors+bf16,ours+bf16,ours+bf16+compile"


class Way(NamedTuple):
    """How an update is carried out."""

    name: str
    kind: str
    bf16: bool
    compiled: bool

    @classmethod
    def of(cls, name: str) -> Way:
        """Raises `SystemExit` for what is no way."""
        kind, *options = name.split("+")
        if kind not in ("authors", "unordered", "ours") or not {*options} <= {"bf16", "compile"}:
            raise SystemExit(f"{name!r} is no way; authors, unordered, ours, with +bf16 or +compile")
        if kind == "authors" and "compile" in options:
            raise SystemExit("the authors' loop is not compiled: it was not")
        return cls(name, kind, "bf16" in options, "compile" in options)

    @property
    def reference(self) -> str:
        """The authors' loop in the same precision."""
        return "authors+bf16" if self.bf16 else "authors"


class PreciseBackward(Stepper):
    """Backward outside autocast, as the trainer's."""

    def __init__(self, device: str) -> None:
        self.device = device

    def backward(self, loss: torch.Tensor) -> None:
        with torch.autocast(self.device, enabled=False):
            super().backward(loss)


def step_of(way: Way, n: int, preset: str, overrides: list[str]) -> Any:
    """A function that carries out one update."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    stages, settings = stages_of("ours", preset, [*overrides, f"views.n={n}"])
    adapter, batch = build(stages, 0, settings, device)
    if way.kind != "ours":
        for model in adapter.models.values():
            model.to(memory_format=torch.contiguous_format)
    if way.kind == "authors":
        precision = "bf16" if way.bf16 else "no"
        loop = AuthorsLoop(dict(adapter.models.items()), dict(adapter.optimizers.items()), CLASSES, n, precision)
        return partial(_as_they_set_cudnn, loop, with_views(batch, n))
    if way.compiled:
        compile_networks(adapter.models.values())
    stepper = PreciseBackward(device)

    def update() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=way.bf16):
            adapter.training_step(dict(batch), stepper=stepper, progress=1.0)

    return update


def _as_they_set_cudnn(loop: AuthorsLoop, batch: dict[str, torch.Tensor]) -> None:
    """One update with the fastest kernels that cuDNN finds, and not with the deterministic ones, as theirs."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        with torch.backends.cudnn.flags(benchmark=True, deterministic=False):
            loop(batch)
    finally:
        torch.use_deterministic_algorithms(deterministic, warn_only=True)


def peak(way: Way, n: int, preset: str, overrides: list[str]) -> float:
    """GiB that two updates take at their peak, above what was there before."""
    gpu = torch.cuda.is_available()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    update = step_of(way, n, preset, overrides)
    update()
    if gpu:
        torch.cuda.reset_peak_memory_stats()  # the first may have tried kernels that want more
    update()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return torch.cuda.max_memory_allocated() / 2**30 if gpu else (after - before) / 2**20


def numbers(text: str) -> list[int]:
    """ "3,5" as [3, 5]."""
    return [int(number) for number in text.split(",")]


def main() -> None:
    """Time and print."""
    gpu = torch.cuda.is_available()
    options = parser(__doc__, rounds=5)
    options.add_argument("--preset", default="paper")
    options.add_argument("--set", dest="overrides", action="append", default=[], metavar="NAME=VALUE")
    options.add_argument("--views", type=numbers, default="3,5", help="values of N [default: 3,5]")
    options.add_argument("--ways", default=ON_GPU if gpu else ON_CPU, help="which, in turns [default: %(default)s]")
    options.add_argument("--peak-tflops", type=float, help="the card's, for the share that is reached")
    given = options.parse_args()
    ways = [Way.of(name) for name in given.ways.split(",")]
    found: dict[str, Any] = {}
    # First of all, see `in_own_process`.
    about = (given.preset, given.overrides)
    gib = {(n, way): in_own_process(peak, way, n, *about) for n in given.views for way in ways}
    for n in given.views:
        work = count("ours", 0, given.preset, [*given.overrides, f"views.n={n}"])
        fitting = [way for way in ways if gib[n, way] is not None]
        updates = {way.name: step_of(way, n, *about) for way in fitting}
        wait = torch.cuda.synchronize if gpu else lambda: None
        seconds = in_turns(updates, given.rounds, wait=wait, warm_up=3 if gpu else 1)
        del updates
        mid = medians(seconds)
        found[f"N={n}"] = {"batch": work["batch"], "tflop_of_ours": work["tflop"], "ways": {}}
        for way in ways:
            if gib[n, way] is None:
                print(f"N={n} {way.name:18} does not fit this machine's memory", flush=True)
                continue
            times = ratio(seconds, way.reference, way.name) if way.reference in seconds else None
            rate = None if way.kind == "authors" else work["tflop"] / mid[way.name]
            found[f"N={n}"]["ways"][way.name] = {
                "seconds": mid[way.name],
                "times_as_fast_as_the_authors": times,
                "gib": gib[n, way],
                "images_a_second": work["batch"] / mid[way.name],
                "tflops": rate,
                "share_of_peak": rate / given.peak_tflops if given.peak_tflops and rate else None,
            }
            fast = f"{times:5.2f} times as fast as {way.reference}" if times else ""
            print(f"N={n} {way.name:18} {mid[way.name]:8.3f} s  {gib[n, way]:6.2f} GiB  {fast}", flush=True)
    write(given.json, {"preset": given.preset, "overrides": given.overrides, "found": found})


if __name__ == "__main__":
    main()
