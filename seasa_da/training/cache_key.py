"""The names under which results are kept for reuse."""

from __future__ import annotations

import functools
import hashlib
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
    root = Path(seasa_da.__file__).parent
    files = sorted(root.rglob("*.py"))
    listing = [f"{file.relative_to(root)} {sha256_file(file)}" for file in files]
    return hashlib.sha256("\n".join(listing).encode()).hexdigest()
