"""`seasa-da export`: a run's network as a file that runs without this package."""

from __future__ import annotations

import os
from pathlib import Path

import click

from seasa_da.commands.run_folders import refuse_no_run, say_if_unfinished


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "kind", metavar="onnx|torchscript", default="onnx", show_default=True, help="Kind of file.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", required=True, help="The file, a new one.")
@click.option(
    "--volume",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    help="Volume of the target to check on; one a channel [default: RUN's test volumes].",
)
def export(run: Path, kind: str, out: Path, volume: tuple[Path, ...]) -> None:
    """Write the network of RUN: images in [-1, 1] to logits, for any number of slices at once.

    The file is kept if it says what RUN's network says on real slices, to 1e-4. FILE.json beside it has the classes,
    how volumes become slices, and what their intensities become.
    """
    refuse_no_run(run)
    from seasa_da.exporting.run import export_run
    from seasa_da.training.run import Observer

    observer = Observer(say=lambda line: click.echo(os.fsencode(line), err=True))
    done = export_run(run, out, kind=kind, volume=volume, observer=observer)
    say_if_unfinished(run)
    batches = " and ".join(str(number) for number in done.agreement.batches)
    click.echo(f"agrees with the run on real slices, {batches} at once: {done.agreement}")
    click.echo(os.fsencode(f"network:     {done.file}\ndescription: {done.description}"))
