"""Unsupervised domain adaptation for medical image segmentation: fair, reproducible, free of label leaks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seasa_da.version import __version__

if TYPE_CHECKING:
    from seasa_da.comparison.run import compare as compare
    from seasa_da.training.run import train as train

__all__ = ["__version__", "compare", "train"]

_HOMES = {"compare": "seasa_da.comparison.run", "train": "seasa_da.training.run"}


def __getattr__(name: str) -> Any:
    # `train` pulls in torch; a bare `import seasa_da` stays light.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'seasa_da' has no attribute {name!r}")
