"""Whether a long run stays flat: memory, file handles, threads and MLflow's buffer along 2,000 updates.

    python benchmarks/long_run.py [--method ours] [--iterations 2000] [--json FILE]

One process trains on the smoke preset, tracked in SQLite, in a temporary folder, and looks at itself every tenth of the
run. What a loop leaks it leaks every update, so what is there at the end is compared with what was there after the
first tenth, by when caches and pools have filled. Exit code 1 where memory grew by more than `NOISE`, or handles,
threads or checkpoints grew at all, or metrics pile up.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

NOISE = 0.05
"""Share of the resident memory that the allocator may hold more or less of."""
HANDLES = 2
"""The database's, open or not at the moment of looking."""
WAITING = 2_000
"""Metrics on their way to the store at any moment: what some seconds of logging make."""


def main() -> None:
    """Train, look, and print a line a tenth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default="ours")
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    import psutil

    from seasa_da.tracking import Tracker
    from seasa_da.training.run import Observer, train

    me, trackers, found = psutil.Process(), [], []
    start = Tracker.start

    def remembered(self: Any, *args: Any, **others: Any) -> Any:
        trackers.append(self)
        return start(self, *args, **others)

    Tracker.start = remembered  # type: ignore[method-assign]
    every = max(1, options.iterations // 10)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("SEASA_DA_CACHE", f"{folder}/cache")
        out = Path(folder) / "run"

        def look(progress: Any) -> None:
            if progress.done % every:
                return
            gc.collect()
            found.append(
                {
                    "stage": progress.stage,
                    "updates": progress.done,
                    "memory_mib": round(me.memory_info().rss / 2**20, 1),
                    "handles": me.num_fds(),
                    "threads": threading.active_count(),
                    "waiting": trackers[0].waiting,
                    "checkpoints": len(list((out / "checkpoint").iterdir())) if (out / "checkpoint").is_dir() else 0,
                }
            )
            print("  ".join(f"{name} {value}" for name, value in found[-1].items()), flush=True)

        train(
            options.method,
            preset="smoke",
            out=out,
            reference=False,
            tracking_uri=f"sqlite:///{folder}/mlflow.db",
            overrides=[f"train.iterations={options.iterations}", "train.log_every=10", "train.checkpoint_every=100"],
            observer=Observer(progress=look),
        )
    last_stage = [line for line in found if line["stage"] == found[-1]["stage"]]
    first, last = last_stage[0], last_stage[-1]
    ratio = last["memory_mib"] / first["memory_mib"]
    grew = [name for name in ("threads", "checkpoints") if last[name] > max(first[name], last_stage[1][name])]
    grew += ["handles"] if last["handles"] > first["handles"] + HANDLES else []
    grew += ["memory"] if ratio > 1 + NOISE else []
    grew += ["waiting"] if last["waiting"] > WAITING else []
    print(f"memory after {last['updates']} updates / after {first['updates']}: {ratio:.3f}; grew: {grew or 'nothing'}")
    if options.json:
        options.json.write_text(json.dumps({"method": options.method, "ratio": ratio, "found": found}, indent=2) + "\n")
    sys.exit(1 if grew else 0)


if __name__ == "__main__":
    main()
