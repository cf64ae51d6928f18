"""What can be told of a run's folder before torch is imported, which takes seconds."""

from __future__ import annotations

from pathlib import Path

import click


def refuse_no_run(run: Path) -> None:
    """Raise `UserError` where `run` is not a run's folder, or damaged."""
    from seasa_da.training.run_folder import RunFolder

    RunFolder.open(run)


def say_if_unfinished(run: Path) -> None:
    """A line on stderr where the network will be that of a run under way, or of one that was stopped."""
    from seasa_da.training.run_folder import RunFolder

    folder = RunFolder(run)
    if not folder.finished and not folder.validation.is_file():
        click.echo(f"{run} is not finished: its newest checkpoint is used (--resume {run} goes on)", err=True)
