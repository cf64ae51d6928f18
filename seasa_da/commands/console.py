"""What a training run shows in the terminal: single lines, one progress bar, the table at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from seasa_da.training.run import Observer, RunResult
    from seasa_da.training.trainer import Progress as StageProgress

SHOWN_LOSSES = 2


class TrainingConsole:
    """A context manager around a run; `observer` is what the run reports to."""

    def __init__(self) -> None:
        self.console = Console()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=14),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=self.console,
        )
        self.task: tuple[str, TaskID] | None = None

    @property
    def observer(self) -> Observer:
        """Where the run reports to."""
        from seasa_da.training.run import Observer

        return Observer(
            say=lambda line: self.console.print(line, highlight=False, soft_wrap=True),
            progress=self._advance,
            counting=self._counting,
        )

    def __enter__(self) -> TrainingConsole:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar.live.is_started:
            self.bar.stop()

    def show(self, result: RunResult) -> None:
        """Print the table of results and where everything is."""
        from seasa_da.reporting.calibration_text import calibration_line
        from seasa_da.reporting.tables import results_table

        metrics = result.metrics
        oracle = " (oracle: trained on target labels)" if metrics["oracle"] else ""
        name = " + ".join([metrics["method"], *metrics["addons"]])
        title = f"{name}{oracle}: {metrics['src']} to {metrics['tgt']}, seed {metrics['seed']}"
        self.console.print(title, highlight=False, soft_wrap=True)
        self.console.print(results_table(metrics, baseline=result.without_adaptation))
        if metrics["dice"]["mean"] is None:
            entropy = metrics["label_free"]["entropy"]
            line = f"the target has no test labels, so nothing to score against; mean entropy {entropy:.3f} nats"
            self.console.print(line, highlight=False)
        if found := metrics.get("calibration"):
            before = (result.without_adaptation or {}).get("calibration")
            self.console.print(calibration_line(found, before), highlight=False, soft_wrap=True)
        tracked = "    tracked runs: seasa-da ui" if _tracked(result.folder) else ""
        for line in (
            f"picture:     {result.folder / 'figures' / 'overlay.png'}",
            f"predictions: {result.folder / 'predictions'}",
            f"everything:  {result.folder}{tracked}",
        ):
            self.console.print(line, highlight=False, soft_wrap=True)

    @contextmanager
    def _counting(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        self.bar.start()
        task = self.bar.add_task(what, total=total, losses="")
        yield lambda: self.bar.advance(task)

    def _advance(self, progress: StageProgress) -> None:
        self.bar.start()  # here, not before: a run that is refused shows its one line and nothing else
        if self.task is None or self.task[0] != progress.stage or self.bar.tasks[self.task[1]].finished:
            task = self.bar.add_task(progress.stage, total=progress.total, losses="")
            self.task = (progress.stage, task)
        largest = sorted(progress.losses.items(), key=lambda item: -abs(item[1]))[:SHOWN_LOSSES]
        losses = "  ".join(f"{name.removesuffix('_loss')} {value:.3f}" for name, value in largest)
        self.bar.update(self.task[1], completed=progress.done, losses=losses)


def _tracked(folder: Path) -> bool:
    """Whether MLflow has a record of a run; its `run.json` has the address as it was given, which may be none."""
    from seasa_da.files import read_json
    from seasa_da.tracking import OFF, resolve_uri
    from seasa_da.training.run_folder import RunFolder

    return resolve_uri(read_json(RunFolder(folder).record)["tracking_uri"]) != OFF
