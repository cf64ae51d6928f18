"""How time and memory grow: of a step with batch, size and N; of everything else with the number of cases.

    OMP_NUM_THREADS=1 python benchmarks/growth.py [--cases 10,100,1000] [--json FILE]

Steps are those of `ours` on the quick preset's network, in turns, medians. Cases are small phantoms (8 mm voxels), half
of them in each domain and half of those to test on, on the smoke preset; each command is a process of its own, whose
seconds and largest resident memory the kernel counts. "exponent" is the slope between the last two rows in logarithms:
1 is linear, less is better. Exit code 1 where one is above 1.15.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from startup import FIRST_UPDATE
from turns import in_turns, medians, parser, write

MOST = 1.15
STEPS: dict[str, tuple[str, tuple[int, ...]]] = {
    "batch": ("train.batch_size", (2, 4, 8, 16)),
    "size": ("data.size", (32, 64, 128)),
    "N": ("views.n", (1, 3, 5, 7)),
}


def of_steps(rounds: int) -> dict[str, dict[int, float]]:
    """Seconds of an update, by what grows and how large it is."""
    from stages import build, stages_of

    found = {}
    for what, (setting, values) in STEPS.items():
        updates = {}
        for value in values:
            stages, settings = stages_of("ours", "quick", [f"{setting}={value}"])
            adapter, batch = build(stages, 0, settings)
            updates[str(value)] = lambda adapter=adapter, batch=batch: adapter.training_step(dict(batch), progress=1.0)
        found[what] = {int(value): seconds for value, seconds in medians(in_turns(updates, rounds)).items()}
    return found


def measured(command: Sequence[str], env: dict[str, str]) -> tuple[float, float]:
    """Seconds and MiB of a command. Raises `SystemExit` with its words where it fails."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env=env, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command[:6])} ended with {process.returncode}: {said.read().decode()[-500:]}")
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def of_cases(cases: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Seconds and MiB of each command, for so many cases."""
    env = {**os.environ, "SEASA_DA_CACHE": str(folder / "cache")}
    raw, store, run = folder / "raw", folder / "store", folder / "run"
    train = cases // 4
    test = cases // 2 - train
    program = [sys.executable, "-W", "ignore", "-c", "import sys; from seasa_da.cli import main; main(sys.argv[1:])"]
    made = ["--train-cases", str(train), "--test-cases", str(test), "--voxel-mm", "8"]
    first = FIRST_UPDATE.format(out=str(folder / "first"), uri="none")
    first = first.replace('"--no-reference"', f'"--no-reference", "--data", {str(store)!r}')
    own = ["--data", str(store), "--preset", "smoke", "--no-reference", "--tracking-uri", "none"]
    return {
        "phantom": measured([*program, "data", "phantom", "--out", str(raw), *made], env),
        "prepare": measured([*program, "data", "prepare", str(raw), "--out", str(store), "--preset", "smoke"], env),
        "first update": measured([sys.executable, "-W", "ignore", "-c", first], env),
        "whole run": measured([*program, "train", "--method", "ours", "--out", str(run), *own], env),
        "evaluate": measured([*program, "evaluate", str(run)], env),
        "report": measured([*program, "report", str(run), "--out", str(folder / "page.html")], env),
    }


def exponent(before: tuple[float, float], after: tuple[float, float]) -> float:
    """The slope of (how much, what it costs) in logarithms."""
    return math.log(after[1] / before[1]) / math.log(after[0] / before[0])


def main() -> None:
    """Measure and print."""
    options = parser(__doc__, rounds=5)
    options.add_argument("--cases", default="10,100,1000")
    given = options.parse_args()
    slopes: dict[str, float] = {}
    counts = [int(count) for count in given.cases.split(",")]
    found: dict[int, dict[str, tuple[float, float]]] = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            found[count] = of_cases(count, Path(name))
        for what, (seconds_of, mib) in found[count].items():
            print(f"{count:5} cases  {what:13} {seconds_of:8.2f} s  {mib:7.0f} MiB", flush=True)
    if len(counts) > 1:
        low, high = counts[-2:]
        for what in found[high]:
            for place, kind in enumerate(("seconds", "memory")):
                slopes[f"{what}, {kind}"] = exponent((low, found[low][what][place]), (high, found[high][what][place]))
            print(f"{what:13} exponents {slopes[f'{what}, seconds']:.2f} {slopes[f'{what}, memory']:.2f}")
    # Last, as a process begins with the memory of the one that starts it.
    steps = of_steps(given.rounds)
    for what, seconds in steps.items():
        (low, fast), (high, slow) = list(seconds.items())[-2:]
        # the pixels of an image are what grows with its side
        slopes[what] = exponent((low, fast), (high, slow)) / (2 if what == "size" else 1)
        times = "  ".join(f"{value}: {1000 * found:.0f} ms" for value, found in seconds.items())
        print(f"step by {what:6} {times}  exponent {slopes[what]:.2f}", flush=True)
    content: dict[str, Any] = {"steps": steps, "cases": found, "exponents": slopes}
    write(given.json, content)
    sys.exit(1 if max(slopes.values()) > MOST else 0)


if __name__ == "__main__":
    main()
