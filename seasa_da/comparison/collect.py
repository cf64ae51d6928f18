"""Reading what is finished: the runs of a direction, and which of them cannot stand in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from seasa_da.comparison.common import Common
from seasa_da.comparison.manifest import Manifest
from seasa_da.comparison.places import Place
from seasa_da.comparison.plan import Cell, Direction, compose_cell
from seasa_da.config import RunSettings
from seasa_da.errors import UserError
from seasa_da.evaluation.comparison import MethodRuns
from seasa_da.evaluation.scores import StructureScore, read_scores
from seasa_da.files import read_json
from seasa_da.registry import find_method
from seasa_da.training.run_folder import SCHEMA_VERSION

OWN_FIELDS = ("method", "src", "tgt", "seed", "preset")


@dataclass
class Collected:
    """The runs of one direction.

    Attributes:
        rows: in the table's order; a run that is not there or refused is left out of its row.
        metrics: content of `metrics.json` by (row, seed).
        failed: why, by (row, seed).
        missing: (row, seed) of runs not made yet.
        warnings: sentences on runs that do not quite belong together.
    """

    direction: Direction
    class_names: tuple[str, ...]
    rows: list[MethodRuns] = field(default_factory=list)
    metrics: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    failed: dict[tuple[str, int], str] = field(default_factory=dict)
    missing: list[tuple[str, int]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def collect(folder: Path, manifest: Manifest, common: Common, direction: Direction) -> Collected:
    """Read all runs of a direction that are finished."""
    found = Collected(direction, tuple(manifest.data[str(direction)]["class_names"]))
    for row in manifest.plan.rows:
        if (reason := row.unusable()) is not None:
            found.failed |= {(row.name, seed): reason for seed in manifest.plan.seeds}
            found.rows.append(MethodRuns(row.name, False, {}))
            continue
        runs: dict[int, list[StructureScore]] = {}
        for seed in manifest.plan.seeds:
            place, key = Place(folder, Cell(direction, seed, row)), (row.name, seed)
            if not place.run.finished:
                reason = place.failure()
                if reason is None:
                    found.missing.append(key)
                else:
                    found.failed[key] = reason
                continue
            try:
                found.metrics[key] = read_run(place, manifest, common)
                runs[seed] = read_scores(place.run.per_case)
            except UserError as error:
                found.failed[key] = str(error)
        found.rows.append(MethodRuns(row.name, find_method(row.method).oracle, runs))
    versions = {tuple(sorted(metrics["versions"].items())) for metrics in found.metrics.values()}
    if len(versions) > 1:
        found.warnings.append(_version_warning(versions))
    codes = {key: metrics.get("code") for key, metrics in found.metrics.items()}
    if len(set(codes.values())) > 1:
        found.warnings.append(_code_warning(codes))
    return found


def read_run(place: Place, manifest: Manifest, common: Common) -> dict[str, Any]:
    """The metrics of a finished run. Raises `UserError` unless it was made of this comparison's settings and data."""
    metrics = read_json(place.run.metrics)
    spec, settings = compose_cell(place.cell, common)
    reason = None
    if not isinstance(metrics, dict) or metrics.get("schema_version") != SCHEMA_VERSION:
        reason = f"its metrics.json is not of version {SCHEMA_VERSION}"
    elif not spec.oracle and metrics.get("data_fingerprint") != manifest.data[str(place.cell.direction)]["training"]:
        reason = "it was made from other data"
    elif different := _different(metrics, settings) or _different_setting(place, settings):
        reason = f"it was made with other settings ({different})"
    if reason:
        raise UserError(f"{place.run.path} does not belong to this comparison: {reason}; remove it and repeat")
    return metrics


def _different(metrics: Mapping[str, Any], settings: RunSettings) -> str | None:
    """The first field of `metrics.json` that is not as composed, such as "iterations 8, here 4"."""
    wanted = {name: getattr(settings, name) for name in OWN_FIELDS}
    wanted |= {"addons": list(settings.addons), "iterations": settings.train.iterations}
    wrong = [name for name in wanted if metrics.get(name) != wanted[name]]
    return f"{wrong[0]} {metrics.get(wrong[0])}, here {wanted[wrong[0]]}" if wrong else None


def _different_setting(place: Place, settings: RunSettings) -> str | None:
    """The first setting that both know and that differs; another version of the program may know more or fewer."""
    try:
        kept = dict(_leaves(yaml.safe_load(place.run.config.read_text(encoding="utf-8"))))
    except (OSError, yaml.YAMLError, UnicodeDecodeError, AttributeError) as error:
        return f"its config.yaml cannot be read: {' '.join(str(error).split())}"
    wanted = dict(_leaves(settings.model_dump(mode="json")))
    wrong = [name for name in kept.keys() & wanted.keys() if kept[name] != wanted[name]]
    return f"{min(wrong)} {kept[min(wrong)]}, here {wanted[min(wrong)]}" if wrong else None


def _leaves(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _version_warning(versions: set[tuple[tuple[str, str], ...]]) -> str:
    """ "runs were made with different versions: torch 2.4.0 and 2.5.1"."""
    by_package: dict[str, set[str]] = {}
    for one in versions:
        for package, version in one:
            by_package.setdefault(package, set()).add(version)
    parts = [f"{package} {' and '.join(sorted(found))}" for package, found in by_package.items() if len(found) > 1]
    return f"runs were made with different versions: {', '.join(parts) or 'of some packages'}"


def _code_warning(codes: Mapping[tuple[str, int], Any]) -> str:
    """ "runs were made by different code: 0123abcd (ours), not recorded (crst)"."""
    by_code: dict[Any, dict[str, None]] = {}
    for (row, _), code in codes.items():
        by_code.setdefault(code, {})[row] = None
    parts = [f"{str(code)[:8] if code else 'not recorded'} ({', '.join(rows)})" for code, rows in by_code.items()]
    return f"runs were made by different code: {'; '.join(parts)}"
