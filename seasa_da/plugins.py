"""What third parties registered in an entry-point group, and what of it does not load."""

from __future__ import annotations

import importlib
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # folders and MLflow's runs are called so
_IMPORTLIB = Path(importlib.__file__).parent


@dataclass(frozen=True)
class BrokenPlugin:
    """An entry point that could not be used, and why, in one line."""

    name: str
    reason: str


def plugins(
    group: str, kind: Any, fault: Callable[[str, Any], str | None] = lambda name, spec: None
) -> tuple[dict[str, Any], list[BrokenPlugin]]:
    """What third parties registered in an entry-point group, and what of it does not load.

    Args:
        group: of the entry points.
        kind: the class of what they resolve to.
        fault: given the entry point's name and what it resolved to, why that is not usable; `None` if it is.
    """
    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        points.setdefault(point.name, []).append(point)
    found: dict[str, Any] = {}
    broken: list[BrokenPlugin] = []
    for name, same in points.items():
        reason, spec = _load(name, same, kind, fault)
        if reason:
            broken.append(BrokenPlugin(name, reason))
        else:
            found[name] = spec
    return found, broken


def _load(
    name: str, points: list[EntryPoint], kind: Any, fault: Callable[[str, Any], str | None]
) -> tuple[str | None, Any]:
    """Why the entry points of one name are not usable, or `None`, and what they resolve to."""
    if not _NAME.fullmatch(name):
        return "a name is of letters, digits, _ . and -, no sign first", None
    if len({point.value for point in points}) > 1:
        # Which of them came first would depend on the order of folders on the path.
        owners = [f"{point.value} of {point.dist.name}" if point.dist else point.value for point in points]
        return f"it is registered more than once: {', '.join(sorted(owners))}; uninstall all but one", None
    try:
        spec = points[0].load()
        return (fault(name, spec) if isinstance(spec, kind) else f"{points[0].value} is no {kind.__name__}"), spec
    except (Exception, SystemExit) as error:  # a stranger's module may fail in any way; the others must stay usable
        return why(error), None


def why(error: BaseException) -> str:
    """An error of a stranger's code in one line: what it is, and where it was raised if that is not in an import."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    if last.filename.startswith("<") or _IMPORTLIB in Path(last.filename).parents or last.filename == __file__:
        return text
    return f"{text} ({last.filename}, line {last.lineno})"
