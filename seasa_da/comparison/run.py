"""From rows to tables: what comparing and ablating have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seasa_da.comparison.common import Common, load_common
from seasa_da.comparison.kinds import Kind
from seasa_da.comparison.manifest import Manifest, extend_manifest, read_manifest
from seasa_da.comparison.observer import ComparisonObserver, RunOutcome
from seasa_da.comparison.plan import Plan, check_shard, make_plan
from seasa_da.comparison.rows import Row
from seasa_da.errors import UserError
from seasa_da.tracking import OFF, resolve_uri

if TYPE_CHECKING:
    from seasa_da.comparison.child import Task
    from seasa_da.comparison.direction_report import DirectionReport


@dataclass(frozen=True)
class ComparisonResult:
    """What a comparison or an ablation left.

    Attributes:
        folder: with the tables of each direction (`ct-to-mri.md`, `.tex`, `.csv`, `.json`; of an ablation
            `ct-to-mri-table-2.md` and so on), `comparison.png` and `runs/`.
        outcomes: of the runs of this command, in their order.
        reports: a direction each, of all runs that are finished.
        tracked: MLflow has a record.
    """

    folder: Path
    outcomes: list[RunOutcome]
    reports: list[DirectionReport]
    tracked: bool = True

    @property
    def failed(self) -> list[RunOutcome]:
        """The runs without a result."""
        return [outcome for outcome in self.outcomes if outcome.failure is not None]


def make_tables(
    kind: Kind,
    rows: Sequence[Row],
    src: str | None,
    tgt: str | None,
    check: Callable[[Plan, Common], list[str]] = lambda plan, common: [],
    *,
    both: bool = False,
    seeds: Sequence[int] | None = None,
    data: str | Path | None = None,
    preset: str | None = None,
    overrides: Iterable[str] = (),
    config: str | Path | None = None,
    weights: str | Path | None = None,
    out: str | Path | None = None,
    tracking_uri: str | None = None,
    anonymise: bool = False,
    reference: Literal["paper"] | None = None,
    oracle: bool = False,
    shard: tuple[int, int] = (1, 1),
    observer: ComparisonObserver | None = None,
) -> ComparisonResult:
    """Make every run that is not finished, each in a process of its own, then the tables of all that are.

    Args:
        check: may raise `UserError` for settings that do not go with these rows; what it returns is for the user.
        both … observer: as in `seasa_da.comparison.options.Options`.

    Raises:
        UserError: wrong input or unusable data, before anything is written.
    """
    observer = observer or ComparisonObserver()
    uri = resolve_uri(tracking_uri)
    common, file = load_common(
        data=data, preset=preset, overrides=tuple(overrides), config=config, weights=weights, anonymise=anonymise
    )
    seeds = seeds if seeds is not None else (file["seed"] or 0,)
    plan = make_plan(rows, src or file["src"] or "ct", tgt or file["tgt"] or "mri", seeds, both=both, kind=kind)
    check_shard(shard)
    _look(_folder(out, common, kind), common, plan)
    for line in check(plan, common):
        observer.say(line)

    # All that names alone can tell is known by now; from here on it takes seconds.
    from seasa_da.comparison import data_tasks, server
    from seasa_da.comparison.parent_run import modules_for

    server.start_server(*modules_for(uri))
    if common.preset is None:
        assert common.data is not None
        common = replace(common, preset=_ask(data_tasks.DefaultPreset(common.data), observer)["preset"])
    folder = _folder(out, common, kind)
    assert folder is not None
    old = _look(folder, common, plan)
    directions = tuple(dict.fromkeys((*(old.plan.directions if old else ()), *plan.directions)))
    located = _ask(data_tasks.LocateData(tuple(plan.cells()[: len(rows)]), common, directions), observer)
    manifest = extend_manifest(folder, common, plan, located)

    from seasa_da.comparison.session import Session

    cells = plan.cells(shard)
    if not cells:
        observer.say(f"shard {shard[0]}/{shard[1]} has nothing to make: fewer pairs of direction and seed than shards")
    with Session(folder, manifest, common, uri, observer) as session:
        try:
            outcomes = session.make_runs(cells)
            if oracle:
                session.score_candidates(cells)
        except KeyboardInterrupt:
            session.write_tables(reference)
            raise
        return ComparisonResult(folder, outcomes, session.report(reference), tracked=uri != OFF)


def _folder(out: str | Path | None, common: Common, kind: Kind) -> Path | None:
    """Where the runs and tables lie; `None` as long as its preset is not known."""
    if out is not None:
        return Path(out)
    return Path("runs") / f"{kind.verb}-{common.preset}" if common.preset else None


def _look(folder: Path | None, common: Common, plan: Plan) -> Manifest | None:
    """What is in the folder already. Raises `UserError` when names, settings or the folder do not fit."""
    old = read_manifest(folder) if folder is not None else None
    plan.validate(common, old.plan.rows if old else ())
    if old is not None and folder is not None:
        old.check(folder, common, plan)
    return old


def _ask(task: Task, observer: ComparisonObserver) -> dict[str, Any]:
    """Let a child answer; what it says is for the user. Raises its `UserError`."""
    from seasa_da.comparison.children import ChildFailed, run_child

    with ExitStack() as bars:
        step: Callable[[], None] = _nothing

        def hear(message: dict[str, Any]) -> None:
            nonlocal step
            if message["kind"] == "say":
                observer.say(message["line"])
            elif message["kind"] == "counting":
                step = bars.enter_context(observer.counting(message["what"], message["total"]))
            elif message["kind"] == "counted":
                step()

        try:
            return run_child(task, None, hear)
        except ChildFailed as error:
            raise (UserError if error.mistake else RuntimeError)(str(error)) from None


def _nothing() -> None:
    """No bar is shown."""
