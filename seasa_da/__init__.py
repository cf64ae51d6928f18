"""Unsupervised domain adaptation for medical image segmentation: fair, reproducible, free of label leaks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seasa_da.version import __version__

if TYPE_CHECKING:
    from seasa_da.training.run import train as train

__all__ = ["__version__", "train"]


def __getattr__(name: str) -> Any:
    # `train` pulls in torch; a bare `import seasa_da` stays light.
    if name == "train":
        return importlib.import_module("seasa_da.training.run").train
    raise AttributeError(f"module 'seasa_da' has no attribute {name!r}")
