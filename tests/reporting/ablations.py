"""Runs of the ablations' rows for the tests of their tables, with scores made by hand."""

from seasa_da.evaluation.statistics import MethodRuns, compare_methods
from seasa_da.reporting.published_ablations import ABLATION_TABLES

from .comparisons import NAMES, runs

DIRECTION = ("ct", "mri")
FAILURES = {"adaoutput+asa": "seed 0: the accelerator ran out of memory", "se-all": "of another table"}
BASES = {"adaoutput": 60.0, "adaoutput+se": 65.0, "ours": 70.0, "se-all": 50.0, "se-reliable": 64.0, "asa-all": 66.0}


def ablation(number, **more):
    """The table, and statistics of its rows: means of Dice over seeds and structures are `base` + 5, deviations 2."""
    table = ABLATION_TABLES[number]
    made = [MethodRuns(name, False, runs(BASES[name], **more) if name in BASES else {}) for name in table.rows]
    return table, compare_methods(made, NAMES)
