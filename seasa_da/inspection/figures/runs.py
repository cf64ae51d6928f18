"""Which runs are shown: those of the folders that are given, of one direction, and what each is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seasa_da.comparison.manifest import FILE, Manifest, read_manifest
from seasa_da.comparison.places import Place
from seasa_da.comparison.plan import Cell, Direction
from seasa_da.errors import UserError
from seasa_da.files import os_errors_named
from seasa_da.inspection.run_files import RunFiles, read_run_files

WITHOUT = "without adaptation"
LOWER_BOUND = "source-only"


@dataclass(frozen=True)
class ShownRuns:
    """Finished runs of one direction and the same structures.

    Attributes:
        runs: by the name shown, in their order.
        main: the name of the one that figures of a single run are about.
        before: the name of the run without adaptation, if there is one beside `main`.
        notes: lines to tell the user.
    """

    runs: Mapping[str, RunFiles]
    main: str
    before: str | None
    direction: Direction
    structures: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def run(self) -> RunFiles:
        return self.runs[self.main]

    @property
    def anonymised(self) -> bool:
        """No case ids: one of the runs asks for that."""
        return any(run.anonymised for run in self.runs.values())

    @property
    def title(self) -> str:
        """ "ct → mri, seed 0"."""
        seeds = sorted({int(run.metrics["seed"]) for run in self.runs.values()})
        return f"{self.direction.src} → {self.direction.tgt}, seed {', '.join(map(str, seeds))}"


def shown_runs(
    paths: Sequence[Path], *, seed: int | None = None, direction: str | None = None, method: str | None = None
) -> ShownRuns:
    """The runs of folders of runs and of comparisons.

    Args:
        paths: each a finished run's folder, or what `compare` or `ablate` made.
        seed: of a comparison's runs, by default its first that has a finished one.
        direction: of a comparison's, such as "ct-to-mri", by default its first.
        method: the name of the run that figures of a single run are about; by default "ours", else the first that is
            no bound.

    Raises:
        UserError: no such folder, nothing finished, runs that do not belong into one picture.
    """
    found: dict[str, RunFiles] = {}
    notes: list[str] = []
    is_comparison = False
    for path in paths:
        with os_errors_named(path, "read"):
            comparison, run = (path / FILE).is_file(), (path / "run.json").is_file()
        if comparison:
            is_comparison = True
            manifest = read_manifest(path)
            assert manifest is not None  # the file is there
            for name, one in _of_comparison(path, manifest, seed, direction, notes).items():
                _add(found, name, one)
        elif run:
            one = read_run_files(path)
            _add(found, one.name, one)
        else:
            raise UserError(
                f"{path} is neither a run's folder (run.json) nor a comparison's ({FILE}); give one of them"
            )
    if not is_comparison and (seed is not None or direction is not None):
        raise UserError("--seed and --direction choose among a comparison's runs, and none is given; leave them out")
    main = _main(found, method)
    before = next((name for name, one in found.items() if one.name == LOWER_BOUND), None)
    if before is None and found[main].folder.reference.is_dir():
        before = WITHOUT
        found = {WITHOUT: read_run_files(found[main].folder.reference), **found}
    structures = _check(found)
    metrics = found[main].metrics
    return ShownRuns(
        runs=found,
        main=main,
        before=None if before == main else before,
        direction=Direction(metrics["src"], metrics["tgt"]),
        structures=structures,
        notes=tuple(notes),
    )


def _of_comparison(
    folder: Path, manifest: Manifest, seed: int | None, direction: str | None, notes: list[str]
) -> dict[str, RunFiles]:
    plan = manifest.plan
    ways = {way.folder_name: way for way in plan.directions}
    if direction is not None and direction not in ways:
        raise UserError(f"--direction {direction!r} is none of {folder}'s; they are: {', '.join(ways)}")
    if seed is not None and seed not in plan.seeds:
        raise UserError(f"--seed {seed} is none of {folder}'s; they are: {', '.join(map(str, plan.seeds))}")
    way = ways[direction] if direction else next(iter(ways.values()))
    if direction is None and len(ways) > 1:
        others = ", ".join(name for name in ways if ways[name] != way)
        notes.append(f"direction {way.folder_name}; the other with --direction {others}")
    for one in plan.seeds if seed is None else (seed,):
        places = {row.name: Place(folder, Cell(way, one, row)).run for row in plan.rows}
        if finished := {name: read_run_files(run.path) for name, run in places.items() if run.finished}:
            missing = [name for name in places if name not in finished]
            if missing:
                notes.append(f"not finished, and not shown: {', '.join(missing)}")
            return finished
    where = f"{way.folder_name}{'' if seed is None else f', seed {seed}'}"
    raise UserError(f"{folder} has no finished run of {where} yet; go on with it: seasa-da {plan.kind.verb}")


def _add(found: dict[str, RunFiles], name: str, run: RunFiles) -> None:
    """Under a name that no other has."""
    name = f"{name} (oracle)" if run.metrics.get("oracle") else name
    for own in (name, f"{name}, seed {run.metrics.get('seed')}", f"{name}, {run.folder.path.name}"):
        if own not in found:
            found[own] = run
            return
    raise UserError(f"{run.folder.path} is given twice, or is called like another run; give each once")


def _main(found: Mapping[str, RunFiles], method: str | None) -> str:
    if method is not None:
        named = [name for name in found if method in (name, name.removesuffix(" (oracle)"))]
        if not named:
            raise UserError(f"--method {method!r} is no finished run here; there are: {', '.join(found)}")
        return named[0]
    if "ours" in found:
        return "ours"
    usual = [name for name, run in found.items() if run.name != LOWER_BOUND and not run.metrics.get("oracle")]
    return next(iter(usual or found))


def _check(found: Mapping[str, RunFiles]) -> tuple[str, ...]:
    """The structures that all runs have. Raises `UserError` for runs that do not belong together."""
    (first, one), *others = found.items()
    structures = _structures(one)
    for name, run in others:
        for what, own, other in (
            ("direction", _direction(one), _direction(run)),
            ("structures", ", ".join(structures), ", ".join(_structures(run))),
            ("units of the ASD", one.metrics.get("units"), run.metrics.get("units")),
        ):
            if own != other:
                raise UserError(
                    f"{first} and {name} differ in their {what} ({own}; {other}); make figures of each alone"
                )
    return structures


def _structures(run: RunFiles) -> tuple[str, ...]:
    return tuple(name for name in run.metrics["dice"] if name != "mean")


def _direction(run: RunFiles) -> str:
    return f"{run.metrics.get('src')} to {run.metrics.get('tgt')}"
