"""The exact command that makes a run or a comparison again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from seasa_da.comparison.ablations import ABLATION_ROWS, whole_tables
from seasa_da.comparison.kinds import ABLATION
from seasa_da.comparison.manifest import Manifest
from seasa_da.comparison.rows import all_rows
from seasa_da.errors import UserError
from seasa_da.inspection.run_files import RunFiles
from seasa_da.registry import compose_run

DATA, WEIGHTS = "DATA", "WEIGHTS"
"""What stands for a path that may not be shown."""


def run_command(run: RunFiles) -> str:
    """`seasa-da train …` with every setting that is not its preset's.

    Where the settings cannot be composed here (another version, a plug-in that is missing), `--config` names the run's
    own file of them.
    """
    settings, record, hide = run.settings, run.record, run.anonymised
    words = ["seasa-da", "train", "--method", str(settings["method"])]
    for name in settings.get("addons", ()):
        words += ["--add", name]
    for name in ("src", "tgt", "preset", "seed"):
        words += [f"--{name}", str(settings[name])]
    if record.get("data"):
        words += ["--data", DATA if hide else str(record["data"])]
    if settings.get("weights"):
        words += ["--weights", WEIGHTS if hide else str(settings["weights"])]
    overrides = _overrides(settings)
    if overrides is None:
        words += ["--config", "config.yaml" if hide else str(run.folder.config.resolve())]
    for text in overrides or ():
        words += ["--set", text]
    words.append("--reference" if record.get("reference") else "--no-reference")
    if hide:
        words.append("--anonymise")
    return shlex.join(words)


def _overrides(settings: Mapping[str, Any]) -> list[str] | None:
    """What `--set` must say for the same settings; `None` if no such list makes them."""
    first = [f"recipe={settings['recipe']}"] if settings.get("recipe") else []
    wanted = dict(_leaves(settings))
    try:
        usual = _composed(settings, first)
        further = [
            f"{name}={_value(value)}" for name, value in wanted.items() if name not in usual or value != usual[name]
        ]
        overrides = [*(first if usual != _composed(settings, []) else []), *further]
        made = _composed(settings, overrides)
        # What an older version did not know is left at its default.
        return overrides if all(made.get(name) == value for name, value in wanted.items()) else None
    except (UserError, KeyError, TypeError):
        return None


def _composed(settings: Mapping[str, Any], overrides: list[str]) -> dict[str, Any]:
    names = ("src", "tgt", "seed", "preset", "weights")
    options = {name: settings[name] for name in names}
    _, composed = compose_run(settings["method"], settings["addons"], overrides=overrides, **options)
    return dict(_leaves(composed.model_dump(mode="json")))


def _leaves(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def comparison_command(manifest: Manifest) -> str:
    """`seasa-da compare …` or `ablate …` with all rows, directions and seeds."""
    plan, common = manifest.plan, manifest.common
    hide = bool(common.get("anonymise"))
    names = [row.name for row in plan.rows]
    words = ["seasa-da", plan.kind.verb]
    if plan.kind == ABLATION:
        tables = whole_tables(names)
        if set(names) != set(ABLATION_ROWS):
            words += ["--tables", ",".join(str(table.number) for table in tables)]
    elif names == [row.name for row in all_rows()]:
        words.append("--all")
    else:
        words += ["--methods", ",".join(names)]
    first = plan.directions[0]
    words += ["--src", first.src, "--tgt", first.tgt, *(["--both"] if len(plan.directions) > 1 else [])]
    words += ["--seeds", ",".join(map(str, plan.seeds))]
    if common.get("preset"):
        words += ["--preset", str(common["preset"])]
    for name, hidden in (("data", DATA), ("weights", WEIGHTS)):
        if common.get(name):
            words += [f"--{name}", hidden if hide else str(common[name])]
    for name, value in _leaves(common.get("config") or {}):
        if value is not None or "." in name:
            words += ["--set", f"{name}={json.dumps(value)}"]
    for text in common.get("overrides", ()):
        words += ["--set", text]
    return shlex.join([*words, *(["--anonymise"] if hide else [])])
