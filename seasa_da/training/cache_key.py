"""The names under which results are kept for reuse."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

import seasa_da
from seasa_da.files import sha256_file


def cache_key(*parts: Any) -> str:
    """A hash of what determines a result: any JSON content, and this package's code."""
    content = json.dumps([*parts, code_digest()], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


@functools.cache
def code_digest() -> str:
    """A hash of the package's source files, as a version does not change with every commit; settings count by value."""
    return _digest([Path(seasa_da.__file__).parent])


@functools.cache
def package_digest(module: str) -> str:
    """The same of the top-level package (or the single file) that a module is part of, such as a plug-in's."""
    top = importlib.import_module(module.partition(".")[0])
    if hasattr(top, "__path__"):
        return _digest([Path(root) for root in top.__path__])
    return sha256_file(Path(str(top.__file__)))


def _digest(roots: list[Path]) -> str:
    found = [(root, file) for root in roots for file in sorted(root.rglob("*.py"))]
    listing = [f"{file.relative_to(root)} {sha256_file(file)}" for root, file in found]
    return hashlib.sha256("\n".join(listing).encode()).hexdigest()
