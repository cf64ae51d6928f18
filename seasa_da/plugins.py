"""What third parties registered in an entry-point group, and what of it does not load."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # folders and MLflow's runs are called so


@dataclass(frozen=True)
class BrokenPlugin:
    """An entry point that could not be used, and why, in one line."""

    name: str
    reason: str


def plugins(group: str, kind: Any) -> tuple[dict[str, Any], list[BrokenPlugin]]:
    """What third parties registered in an entry-point group, and what of it does not load."""
    found: dict[str, Any] = {}
    broken: list[BrokenPlugin] = []
    for point in entry_points(group=group):
        if not _NAME.fullmatch(point.name):
            broken.append(BrokenPlugin(point.name, "a name is of letters, digits, _ . and -, no sign first"))
            continue
        try:
            spec = point.load()
        except Exception as error:  # a stranger's module may fail in any way; the others must stay usable
            broken.append(BrokenPlugin(point.name, f"{type(error).__name__}: {' '.join(str(error).split())}"))
            continue
        if isinstance(spec, kind):
            found[point.name] = spec
        else:
            broken.append(BrokenPlugin(point.name, f"{point.value} is no {kind.__name__}"))
    return found, broken
