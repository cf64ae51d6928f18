"""Unsupervised domain adaptation for medical image segmentation: fair, reproducible, free of label leaks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seasa_da.version import __version__

if TYPE_CHECKING:
    from seasa_da.comparison.verbs import ablate as ablate
    from seasa_da.comparison.verbs import compare as compare
    from seasa_da.evaluation.files import evaluate_files as evaluate_files
    from seasa_da.exporting.run import export_run as export_run
    from seasa_da.inspection.page import report_page as report_page
    from seasa_da.prediction.segmenter import Segmenter as Segmenter
    from seasa_da.training.run import evaluate_run as evaluate_run
    from seasa_da.training.run import train as train

__all__ = [
    "Segmenter",
    "__version__",
    "ablate",
    "compare",
    "evaluate_files",
    "evaluate_run",
    "export_run",
    "report_page",
    "train",
]

_HOMES = {
    "Segmenter": "seasa_da.prediction.segmenter",
    "ablate": "seasa_da.comparison.verbs",
    "compare": "seasa_da.comparison.verbs",
    "evaluate_files": "seasa_da.evaluation.files",
    "evaluate_run": "seasa_da.training.run",
    "export_run": "seasa_da.exporting.run",
    "report_page": "seasa_da.inspection.page",
    "train": "seasa_da.training.run",
}


def __getattr__(name: str) -> Any:
    # `train` pulls in torch; a bare `import seasa_da` stays light.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'seasa_da' has no attribute {name!r}")
