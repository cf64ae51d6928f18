"""Dice, ASD and HD95 of a volume beside medpy on whole masks: the same values, how many times as fast.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py [--size 256] [--rounds 1] [--json FILE]

Four structures, balls and shells as large as a heart's, in `--size`^3 voxels of 0.9 x 1 x 1.4 mm; the prediction is the
reference moved by some voxels, with specks beside it. medpy is asked for `dc`, `assd` and `hd95` of each structure.
Exit code 1 where a value differs by more than 1e-6 (relative).
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from turns import in_turns, medians, parser, ratio, write

SPACING_MM = (0.9, 1.0, 1.4)
NAMES = ("myocardium", "left atrium", "left ventricle", "aorta")
TOLERANCE = 1e-6


def volumes(size: int) -> tuple[Any, Any]:
    """Labels of the reference and of the prediction, `(size, size, size)`."""
    z, y, x = np.ogrid[:size, :size, :size]

    def distance(centre: tuple[float, float, float]) -> Any:
        a, b, c = (round(share * size) for share in centre)
        return np.sqrt((z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2)

    ventricle, unit = distance((0.5, 0.45, 0.45)), size / 256
    truth = np.zeros((size,) * 3, dtype=np.uint8)
    truth[ventricle < 36 * unit] = 1
    truth[ventricle < 26 * unit] = 3
    truth[distance((0.68, 0.6, 0.5)) < 28 * unit] = 2
    truth[distance((0.3, 0.62, 0.6)) < 18 * unit] = 4
    pred = np.roll(truth, (2, -3, 1), axis=(0, 1, 2))
    specks = np.random.default_rng(0).integers(size // 4, 3 * size // 4, (40, 3))
    pred[tuple(specks.T)] = 1 + np.arange(40) % 4
    return pred, truth


def main() -> None:
    """Compute, compare and print."""
    from medpy.metric import binary

    from seasa_da.evaluation.scores import score_case

    options = parser(__doc__, rounds=1)
    options.add_argument("--size", type=int, default=256)
    given = options.parse_args()
    pred, truth = volumes(given.size)
    found: dict[str, list[float]] = {}

    def ours() -> None:
        scores = score_case(pred, truth, case_id="case", class_names=NAMES, spacing_mm=SPACING_MM)
        found["ours"] = [value for one in scores for value in (one.dice / 100, one.asd or 0.0, one.hd95 or 0.0)]

    def medpy() -> None:
        found["medpy"] = []
        for value in range(1, len(NAMES) + 1):
            here, there = pred == value, truth == value
            found["medpy"] += [
                binary.dc(here, there),
                binary.assd(here, there, voxelspacing=SPACING_MM),
                binary.hd95(here, there, voxelspacing=SPACING_MM),
            ]

    seconds = in_turns({"medpy": medpy, "ours": ours}, given.rounds, warm_up=0)
    times = ratio(seconds, "medpy", "ours")
    worst = max(abs(a - b) / max(abs(b), 1e-12) for a, b in zip(found["ours"], found["medpy"], strict=True))
    for name, value in medians(seconds).items():
        print(f"{name:6} {value:8.2f} s")
    print(f"{times:.1f} times as fast; values differ by {worst:.1e} at most (relative)")
    write(given.json, {"size": given.size, "seconds": medians(seconds), "ratio": times, "largest_difference": worst})
    sys.exit(0 if math.isfinite(worst) and worst <= TOLERANCE else 1)


if __name__ == "__main__":
    main()
