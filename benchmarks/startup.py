"""How long until something happens: `--help` beside a bare import of click, `train` beside importing its libraries.

    python benchmarks/startup.py [--rounds 5] [--json FILE]

Each is a process of its own, in turns. `train` runs on the smoke preset, whose data are made before; its clock stops
when the first update is over, as the trainer sees it. Beside it: importing torch, timm and pytorch-adapt's hooks, and
nothing else; and `train` without tracking, which shows what MLflow's start, in a thread of its own, adds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from turns import in_turns, medians, parser, ratio, write

LIBRARIES = "import torch, timm, pytorch_adapt.hooks, os; os._exit(0)"  # as `train` ends, too: without tidying up
FIRST_UPDATE = """
import os
from pathlib import Path
from seasa_da.training.trainer import Trainer
update = Trainer._update
def first(self, *args, **others):
    update(self, *args, **others)
    os._exit(0)
Trainer._update = first
from seasa_da.cli import main
main(["train", "--method", "ours", "--preset", "smoke", "--no-reference", "--out", {out!r}, "--tracking-uri", {uri!r}])
"""


def python(code: str, env: Mapping[str, str]) -> None:
    """Run `code` in a new process. Raises where it fails."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, env=env, stdout=subprocess.DEVNULL)


def main() -> None:
    """Time and print."""
    given = parser(__doc__, rounds=5).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "SEASA_DA_CACHE": f"{folder}/cache"}
        out, store = Path(folder) / "run", f"sqlite:///{folder}/mlflow.db"

        def train(uri: str) -> None:
            shutil.rmtree(out, ignore_errors=True)
            python(FIRST_UPDATE.format(out=str(out), uri=uri), env)

        train("none")  # makes the data
        seconds = in_turns(
            {
                "import click": partial(python, "import click", env),
                "seasa-da --help": partial(python, "from seasa_da.cli import main; main(['--help'])", env),
                "import libraries": partial(python, LIBRARIES, env),
                "train to first update": partial(train, store),
                "the same, no tracking": partial(train, "none"),
            },
            given.rounds,
            warm_up=0,  # all files were read a moment ago
        )
    beside = {
        "seasa-da --help": "import click",
        "train to first update": "import libraries",
        "the same, no tracking": "import libraries",
    }
    mid = medians(seconds)
    ratios = {name: ratio(seconds, name, base) for name, base in beside.items()}
    for name, value in mid.items():
        times = f"{ratios[name]:5.2f} times {beside[name]!r}" if name in ratios else ""
        print(f"{name:22} {value:6.2f} s  {times}")
    write(given.json, {"seconds": mid, "ratios": ratios})


if __name__ == "__main__":
    main()
