"""What a comparison shows in the terminal: a line a finished run, one bar with the time left, the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

if TYPE_CHECKING:
    from seasa_da.comparison import ComparisonResult
    from seasa_da.comparison.observer import ComparisonObserver, Overall


class ComparisonConsole:
    """A context manager around a comparison; `observer` is what it reports to."""

    def __init__(self) -> None:
        self.console = Console()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=14),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task: TaskID | None = None

    @property
    def observer(self) -> ComparisonObserver:
        """Where the comparison reports to."""
        from seasa_da.comparison.observer import ComparisonObserver

        return ComparisonObserver(
            say=self.say,
            finished=lambda outcome: self.say(outcome.line()),
            progress=self._advance,
            counting=self._counting,
        )

    def __enter__(self) -> ComparisonConsole:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar.live.is_started:
            self.bar.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def show(self, result: ComparisonResult) -> None:
        """Print the tables of each direction and where everything is."""
        for report in result.reports:
            for table in report.screen(self.console.width):
                self.console.print(table)
            for table in report.oracle.screen() if report.oracle else ():
                self.console.print(table)
        if result.failed:
            failed, of = len(result.failed), runs_text(len(result.outcomes))
            self.say(f"failed: {failed} of {of}; the same command tries {'it' if failed == 1 else 'them'} again")
        missing = sum(len(report.found.missing) for report in result.reports)
        if missing:
            self.say(f"not made yet: {runs_text(missing)} of the whole table")
        tracked = "    tracked runs: seasa-da ui" if result.tracked else ""
        self.say(f"tables: {result.folder} (.md .tex .csv .json, comparison.png){tracked}")

    @contextmanager
    def _counting(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        self.bar.start()
        task = self.bar.add_task(what, total=total, count="", left="")
        yield lambda: self.bar.advance(task)
        self.bar.remove_task(task)

    def _advance(self, overall: Overall) -> None:
        self.bar.start()  # here, not before: a comparison that is refused shows its one line and nothing else
        if self.task is None:
            self.task = self.bar.add_task("", count="", left="")
        self.bar.update(
            self.task,
            description=overall.present,
            total=overall.total,
            completed=overall.done,
            count=f"{int(overall.done)}/{runs_text(overall.total)}",
            left=_time(overall.seconds_left),
        )


def runs_text(count: int) -> str:
    """ "1 run", "2 runs"."""
    return f"{count} run" if count == 1 else f"{count} runs"


def _time(seconds: float | None) -> str:
    """As "1:02:03 left"."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:{minutes:02d}" if hours else str(minutes)) + f":{rest:02d} left"
