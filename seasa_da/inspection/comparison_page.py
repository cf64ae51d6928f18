"""The page of a comparison, or of an ablation."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from seasa_da.comparison.kinds import ABLATION
from seasa_da.comparison.manifest import Manifest
from seasa_da.comparison.places import Place
from seasa_da.comparison.plan import Cell
from seasa_da.comparison.plan import Direction as Way
from seasa_da.errors import UserError
from seasa_da.evaluation.calibration_rows import CalibrationRow, calibration_row
from seasa_da.files import read_json
from seasa_da.inspection import facts
from seasa_da.inspection.methods import described
from seasa_da.inspection.options import PageOptions
from seasa_da.inspection.pictures import Pictures, make_pictures
from seasa_da.inspection.repeat import comparison_command
from seasa_da.inspection.run_files import RunFiles, read_run_files
from seasa_da.inspection.run_page import curves_of, wanted_rows
from seasa_da.reporting.page.ablation import ablation_tables
from seasa_da.reporting.page.calibration import calibration_figures, calibration_table
from seasa_da.reporting.page.content import Case, Command, Direction, Figures, Page, Table
from seasa_da.reporting.page.oracle import oracle_gap_tables
from seasa_da.reporting.page.results import comparison_case_table, comparison_tables
from seasa_da.version import __version__

Runs = dict[tuple[str, int], RunFiles]
"""Finished runs by row and seed."""


def comparison_page(folder: Path, manifest: Manifest, options: PageOptions) -> Page:
    """Read the tables that `compare` or `ablate` wrote, and the runs they are made of.

    Raises:
        UserError: there is no table yet, or a damaged file.
    """
    plan, common = manifest.plan, manifest.common
    hidden = bool(common.get("anonymise"))
    ablation = plan.kind == ABLATION
    runs = {way: _runs(folder, manifest, way) for way in plan.directions}
    every = [run for found in runs.values() for run in found.values()]
    if not every:
        raise UserError(f"{folder} has no finished run yet; make them with: {comparison_command(manifest)}")
    contents = {way: _content(folder, way) for way in plan.directions}
    structures = list(contents[plan.directions[0]]["class_names"])
    first = every[0]
    shown = "DIR" if hidden else str(folder)
    methods = [described(row.name, row.method, row.addons) for row in plan.rows]
    oracles = [method.name for method in methods if method.oracle]
    facts_found = [
        ("Rows", ", ".join(row.name for row in plan.rows)),
        ("Source to target", ", ".join(map(str, plan.directions))),
        ("Seeds", ", ".join(map(str, plan.seeds))),
        ("Oracle rows", ", ".join(oracles) or "none"),
        facts.data_fact(common.get("data"), hidden),
        *facts.settings_facts(first.settings),
        ("Checkpoint chosen by", facts.together(str(run.metrics.get("selection", "last")) for run in every)),
        *((f"Data fingerprint, {way}", f"`{manifest.data[str(way)]['training']}`") for way in plan.directions),
        ("Versions", facts.together(facts.versions_text(run.metrics.get("versions") or {}) for run in every)),
        ("Code", facts.together(f"`{run.metrics['code']}`" for run in every if run.metrics.get("code")) or "–"),
    ]
    scored = any(run.metrics["dice"].get("mean") is not None for run in every)
    return Page(
        title=f"{'Ablation' if ablation else 'Comparison'}: {folder.resolve().name}",
        lead=f"{len(plan.rows)} rows with the same data, budget and seeds; {len(every)} finished runs.",
        facts=facts_found,
        statements=[facts.DOOR, *([] if scored else [facts.NO_LABELS]), *([facts.ANONYMISED] if hidden else [])],
        settings=[("Settings that differ between rows, and those in common", _settings_text(manifest, hidden))],
        structures=structures,
        directions=[_direction(folder, way, contents[way], runs[way], manifest, options) for way in plan.directions],
        methods=methods,
        commands=[
            Command("All runs and tables:", comparison_command(manifest)),
            Command("This page:", f"seasa-da report {shown}"),
        ],
        version=__version__,
    )


def _direction(
    folder: Path, way: Way, content: dict[str, Any], runs: Runs, manifest: Manifest, options: PageOptions
) -> Direction:
    structures = list(content["class_names"])
    one_seed = _one_seed(runs, manifest)
    oracles = [row["name"] for row in content["rows"] if row["oracle"]]
    found = Pictures()
    if not manifest.common.get("anonymise") and one_seed:
        options.say(f"{way}: pictures")
        wanted = wanted_rows(one_seed, options)
        found = make_pictures(
            {f"{name} (oracle)" if name in oracles else name: run for name, run in wanted.items()},
            structures,
            cases=options.cases,
            slices=options.slices,
            first=str(content.get("against")),
            say=options.say,
        )
    scores = _per_case(folder / f"{way.folder_name}-per-case.csv")
    names = dict.fromkeys([*(line["case"] for own in scores.values() for line in own), *found.viewers])
    if not names and one_seed:
        names = dict.fromkeys(next(iter(one_seed.values())).predictions())
    seeds = sorted({int(run.metrics["seed"]) for run in one_seed.values()})
    said = [f"Pictures, curves and diagrams are of seed {', '.join(map(str, seeds))}."] if seeds else []
    tables: list[Table] = [*ablation_tables(content, (way.src, way.tgt)), *comparison_tables(content)]
    oracle_file = folder / f"{way.folder_name}-oracle.json"
    return Direction(
        title=str(way),
        results=tables,
        cases=[
            Case(name, comparison_case_table(name, scores, structures, oracles), found.viewers.get(name))
            for name in names
        ],
        notes=said if found.viewers else [],
        missing=found.missing,
        calibration=calibration_table(_calibrations(runs, oracles, structures), structures),
        diagrams=[
            Figures(name, charts, folded=True)
            for name, run in one_seed.items()
            if run.calibration and (charts := calibration_figures(run.calibration))
        ],
        curves=[group for name, run in one_seed.items() for group in curves_of(run, name=name, folded=True)],
        oracle_gap=oracle_gap_tables(read_json(oracle_file)) if oracle_file.is_file() else [],
    )


def _runs(folder: Path, manifest: Manifest, way: Way) -> Runs:
    found: Runs = {}
    for row in manifest.plan.rows:
        for seed in manifest.plan.seeds:
            place = Place(folder, Cell(way, seed, row))
            if place.run.finished:
                found[row.name, seed] = read_run_files(place.run.path)
    return found


def _one_seed(runs: Runs, manifest: Manifest) -> dict[str, RunFiles]:
    """A finished run of every row that has one: the first seed's."""
    found: dict[str, RunFiles] = {}
    for row in manifest.plan.rows:
        for seed in manifest.plan.seeds:
            if (row.name, seed) in runs:
                found.setdefault(row.name, runs[row.name, seed])
    return found


def _calibrations(runs: Runs, oracles: Sequence[str], structures: Sequence[str]) -> list[CalibrationRow]:
    by_row: dict[str, dict[int, Any]] = {}
    for (row, seed), run in runs.items():
        by_row.setdefault(row, {})[seed] = run.metrics.get("calibration")
    return [calibration_row(row, row in oracles, own, structures) for row, own in by_row.items()]


def _content(folder: Path, way: Way) -> dict[str, Any]:
    path = folder / f"{way.folder_name}.json"
    content = read_json(path)
    if not isinstance(content, dict) or not {"class_names", "rows"} <= content.keys():
        raise UserError(f"{path} is damaged; make it again with `seasa-da compare`")
    return content


def _per_case(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The lines of a direction's scores by method; numbers as numbers, `None` where nothing is defined."""
    found: dict[str, list[dict[str, Any]]] = {}
    if not path.is_file():
        return found
    texts = ("source", "target", "method", "case", "structure")
    try:
        for line in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), strict=True):
            numbers = {key: float(value) if value else None for key, value in line.items() if key not in texts}
            found.setdefault(line["method"], []).append(
                {**numbers, "case": line["case"], "structure": line["structure"]}
            )
    except (ValueError, TypeError, KeyError, csv.Error) as error:
        raise UserError(f"{path} is damaged ({error}); make it again with the same command") from error
    return found


def _settings_text(manifest: Manifest, hidden: bool) -> str:
    common = {key: value for key, value in manifest.common.items() if value not in (None, [], {}, False)}
    if hidden:
        common = {key: value for key, value in common.items() if key not in ("data", "weights", "config")}
    own = {row.name: list(row.overrides) for row in manifest.plan.rows if row.overrides}
    return yaml.safe_dump({"common": common, "rows": own}, sort_keys=False, allow_unicode=True)
