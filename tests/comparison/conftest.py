"""Comparisons without training: plans, manifests, and folders that look like finished runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from seasa_da.comparison.common import Common
from seasa_da.comparison.manifest import Manifest, extend_manifest
from seasa_da.comparison.places import Place
from seasa_da.comparison.plan import Cell, Plan, compose_cell, make_plan
from seasa_da.comparison.rows import parse_rows

COMMON = Common(preset="smoke", overrides=("train.iterations=2",))
DATA = {"class_names": ["AA"], "training": "t" * 64, "scoring": "s" * 64}


@dataclass
class Toy:
    """A comparison's folder."""

    folder: Path
    plan: Plan
    manifest: Manifest
    common: Common = COMMON

    def place(self, row: str, seed: int = 0) -> Place:
        rows = {one.name: one for one in self.plan.rows}
        return Place(self.folder, Cell(self.plan.directions[0], seed, rows[row]))

    def finish(self, row: str, seed: int = 0, dice: float = 50.0, **other: Any) -> Path:
        """A run's folder as training leaves it, with `other` in its metrics."""
        place = self.place(row, seed)
        spec, settings = compose_cell(place.cell, self.common)
        place.run.path.mkdir(parents=True)
        place.run.config.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
        place.run.per_case.write_text(f"case,structure,dice,asd,voxels_truth,voxels_pred\n1,AA,{dice},1.5,10,10\n")
        metrics = {
            **{name: getattr(settings, name) for name in ("method", "recipe", "src", "tgt", "seed", "preset")},
            "addons": list(settings.addons),
            "schema_version": 1,
            "iterations": settings.train.iterations,
            "oracle": spec.oracle,
            "data_fingerprint": "oracle" if spec.oracle else DATA["training"],
            "versions": {"torch": "2.4"},
            "train_seconds": 1.0,
            "dice": {"AA": dice, "mean": dice},
            "asd": {"AA": 1.5, "mean": 1.5},
        }
        place.run.metrics.write_text(json.dumps({**metrics, **other}))
        return place.run.path


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Toy]:
    def make(methods: str = "source-only,ours", seeds: tuple[int, ...] = (0,), common: Common = COMMON) -> Toy:
        plan = make_plan(parse_rows(methods.split(",")), "ct", "mri", seeds)
        data = {str(direction): DATA for direction in plan.directions}
        manifest = extend_manifest(tmp_path / "comparison", common, plan, data)
        return Toy(tmp_path / "comparison", plan, manifest, common)

    return make
