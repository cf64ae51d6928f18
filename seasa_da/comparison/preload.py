"""The slow imports of a run. The server that children are forked from imports this once.

It must start no thread and not touch a GPU: neither survives a fork.
"""

from __future__ import annotations

import importlib
import warnings
from contextlib import suppress

from seasa_da.registry import METHODS

warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
for module in (
    "timm",
    "seasa_da.training.run",
    "seasa_da.validators",
    "seasa_da.comparison.make_run",
    "seasa_da.comparison.data_tasks",
):
    importlib.import_module(module)
for spec in METHODS.values():
    with suppress(Exception):  # a method that does not load fails in its own run, and not all of them here
        spec.load_stages()
