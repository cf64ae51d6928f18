"""Carrying a comparison out: run after run, and the tables of what is there at the end."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from seasa_da.comparison.children import ChildFailed, run_child
from seasa_da.comparison.collect import read_run
from seasa_da.comparison.common import Common
from seasa_da.comparison.direction_report import DirectionReport, Reference
from seasa_da.comparison.make_run import MakeRun
from seasa_da.comparison.manifest import Manifest
from seasa_da.comparison.observer import ComparisonObserver, RunOutcome
from seasa_da.comparison.parent_run import ParentRun
from seasa_da.comparison.places import Place
from seasa_da.comparison.plan import Cell
from seasa_da.comparison.progress import OverallProgress
from seasa_da.comparison.remaining import WorkLeft
from seasa_da.comparison.report import make_report, written_files
from seasa_da.comparison.score_candidates import ScoreCandidates
from seasa_da.errors import UserError
from seasa_da.files import os_errors_named

LOG = "compare.log"


class Session:
    """The runs of one command, and their parent in MLflow as long as the `with` block lasts.

    Args:
        folder: the comparison's.
        manifest: all that was asked for so far.
        tracking_uri: of MLflow's store.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, common: Common, tracking_uri: str, observer: ComparisonObserver
    ) -> None:
        self._folder, self._manifest, self._common = folder, manifest, common
        self._uri, self._observer = tracking_uri, observer
        self._failed = False

    def __enter__(self) -> Session:
        params = {**self._manifest.common, "folder": str(self._folder.resolve())}
        plan = self._manifest.plan
        self._parent = ParentRun(
            self._folder,
            self._uri,
            str(plan.directions[0]),
            params,
            {
                "rows": ", ".join(row.name for row in plan.rows),
                "directions": ", ".join(map(str, plan.directions)),
                "seeds": ", ".join(map(str, plan.seeds)),
            },
            self._observer.say,
            plan.kind.verb,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopped = kind is not None and not issubclass(kind, Exception)
        self._parent.finish("KILLED" if stopped else "FAILED" if self._failed or kind else "FINISHED")

    def make_runs(self, cells: list[Cell]) -> list[RunOutcome]:
        """Make what is not finished, one after the other; one that fails does not stop the others."""
        kept = {cell: outcome for cell in cells if (outcome := self._finished(cell)) is not None}
        known = [(c.row.name, float(o.metrics["train_seconds"])) for c, o in kept.items() if o.metrics]
        work = WorkLeft([cell.row.name for cell in cells if cell not in kept], known)
        progress = OverallProgress(self._observer.progress, work, len(cells))
        outcomes = []
        for cell in cells:
            outcome = kept.get(cell) or self._make(cell, work, progress)
            outcomes.append(outcome)
            self._failed |= outcome.failure is not None
            self._log(outcome.line())
            self._observer.finished(outcome)
            progress.end()
        return outcomes

    def score_candidates(self, cells: list[Cell]) -> None:
        """Let the target's test labels judge the candidates of all finished runs of which they have not."""
        places = [Place(self._folder, cell) for cell in cells]
        todo = [place for place in places if place.run.finished and not place.run.oracle.is_file()]
        with self._observer.counting("oracle: scoring checkpoints", len(todo)) as step:
            for place in todo:
                try:
                    run_child(
                        ScoreCandidates(place),
                        self._folder / LOG,
                        partial(self._hear_lines, place.cell),
                    )
                except (ChildFailed, UserError) as error:
                    self._observer.say(f"{place.cell}: no oracle: {error}")
                step()

    def report(self, reference: Reference) -> list[DirectionReport]:
        """The tables of all runs that are finished, written and recorded."""
        reports = make_report(self._folder, self._manifest, self._common, reference)
        for report in reports:
            means = {row.name: row.dice.structures["mean"].mean for row in report.comparison.rows}
            values = {f"dice/{report.found.direction}/{name}": mean for name, mean in means.items() if mean is not None}
            self._parent.log(sum(len(row.seeds) for row in report.comparison.rows), values)
        for path in written_files(self._folder, reports):
            self._parent.log_file(path)
        return reports

    def write_tables(self, reference: Reference) -> None:
        """The tables alone, when the user stops the command: whatever fails must not hide that."""
        with suppress(Exception):
            make_report(self._folder, self._manifest, self._common, reference)

    def _finished(self, cell: Cell) -> RunOutcome | None:
        """What there is of a run before it is made: its result, or why its place cannot be used."""
        place = Place(self._folder, cell)
        if not place.run.path.exists():
            return None
        try:
            if not place.run.finished:
                raise UserError(f"{place.run.path} is there and is no finished run; remove it and repeat")
            return RunOutcome(cell, kept=True, metrics=read_run(place, self._manifest, self._common))
        except UserError as error:
            return RunOutcome(cell, failure=str(error))

    def _make(self, cell: Cell, work: WorkLeft, progress: OverallProgress) -> RunOutcome:
        place = Place(self._folder, cell)
        progress.begin(str(cell))
        tags = self._parent.tags(cell.row.name, place.run.path.resolve())
        try:
            result = run_child(
                MakeRun(place, self._common, self._uri, tags),
                self._folder / LOG,
                lambda message: self._hear(cell, message, progress),
            )
            metrics = read_run(place, self._manifest, self._common)
        except (ChildFailed, UserError) as error:
            seconds = work.end(counts=False)
            if (others := self._finished(cell)) is not None:
                return others
            place.note_failure(str(error))
            return RunOutcome(cell, failure=str(error), seconds=seconds)
        won = bool(result["won"])
        return RunOutcome(cell, kept=not won, metrics=metrics, seconds=work.end(counts=won))

    def _hear(self, cell: Cell, message: dict[str, Any], progress: OverallProgress) -> None:
        self._hear_lines(cell, message)
        if message["kind"] == "progress":
            progress.advance(message["stage"], message["share"])

    def _hear_lines(self, cell: Cell, message: dict[str, Any]) -> None:
        if message["kind"] == "say":
            self._log(f"{cell}: {message['line']}")

    def _log(self, line: str) -> None:
        path = self._folder / LOG
        with os_errors_named(path, "write"), path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
