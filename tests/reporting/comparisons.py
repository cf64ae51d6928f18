"""A small comparison for the tests of tables and figures: every kind of row, some distances not defined."""

from seasa_da.evaluation.scores import StructureScore
from seasa_da.evaluation.statistics import MethodRuns, compare_methods

NAMES = ["AA", "LAC", "LVC", "MYO"]
FAILURES = {"crst": "the accelerator ran out of memory"}


def runs(base, seeds=3, cases=4, undefined=0):
    """Dice `base` on AA and 1, 2, 3 more on the others, one more a case, two more a seed; ASD a tenth of 100 - Dice."""
    made = {}
    for seed in range(seeds):
        made[seed] = [
            StructureScore(f"c{case}", name, dice := base + place + case + 2.0 * seed, (100 - dice) / 10, 9, 9)
            for case in range(cases)
            for place, name in enumerate(NAMES)
        ]
        for index in range(undefined):
            made[seed][4 * index] = StructureScore(f"c{index}", "AA", base + index + 2.0 * seed, None, 9, 0)
    return made


def methods(**more):
    """Rows by name: means over seeds of AA are `base` + 3.5, standard deviations 2."""
    return [
        MethodRuns("supervised", True, runs(85.0, **more)),
        MethodRuns("source-only", False, runs(20.0, undefined=2, **more)),
        MethodRuns("adaoutput", False, runs(60.0, **more)),
        MethodRuns("crst", False, {}),
        MethodRuns("ebm", False, {}),
        MethodRuns("ours", False, runs(70.0, **more)),
    ]


def comparison(**more):
    return compare_methods(methods(**more), NAMES)
