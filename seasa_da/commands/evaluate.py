"""`seasa-da evaluate`: score a finished run again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--units", type=click.Choice(["mm", "voxel"]), default="mm", show_default=True, help="Units of the ASD.")
def evaluate(run: Path, units: Literal["mm", "voxel"]) -> None:
    """Score RUN's newest checkpoint on the target's test volumes and print the table; RUN is not changed."""
    from rich.console import Console

    from seasa_da.reporting.tables import results_table
    from seasa_da.training.run import evaluate_run

    evaluation = evaluate_run(run, units)
    title = f"{run.name}: {evaluation.domain}, {evaluation.split} volumes"
    Console().print(results_table(evaluation.summary, title=title, units=units))
