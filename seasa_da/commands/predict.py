"""`seasa-da predict`: segmentations of new volumes, in their own grids."""

from __future__ import annotations

import os
from pathlib import Path

import click

from seasa_da.commands.run_folders import refuse_no_run, say_if_unfinished


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("volumes", nargs=-1, required=True, metavar="VOLUME...")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder for CASE.nii.gz.")
@click.option("--probs", is_flag=True, help="Also probs/CLASS/CASE.nii.gz, the probability of each class.")
@click.option("--entropy", is_flag=True, help="Also entropy/CASE.nii.gz, the entropy of these, nats.")
@click.option(
    "--reliability", is_flag=True, help="Also reliability/CASE.nii.gz, 1 where views agree (wants RUN's data)."
)
@click.option("--domain", metavar="NAME", help="Whose intensity rules and label values [default: RUN's target].")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1, … [default: a GPU where there is one].")
@click.option("--overwrite", is_flag=True, help="Predict again what is there already.")
@click.pass_context
def predict(
    ctx: click.Context,
    run: Path,
    volumes: tuple[str, ...],
    out: Path,
    probs: bool,
    entropy: bool,
    reliability: bool,
    domain: str | None,
    device: str | None,
    overwrite: bool,
) -> None:
    """Segment every VOLUME (NIfTI files, folders of them, quoted patterns) with RUN's network.

    The segmentation has the volume's shape, affine and units, and the label values of the domain's own files; beyond
    the depth of the training crop it is background. CASE_0000.nii.gz, CASE_0001.nii.gz … are channels of one case.
    """
    refuse_no_run(run)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from seasa_da.prediction.files import Maps, predict_files
    from seasa_da.prediction.segmenter import Segmenter

    segmenter = Segmenter.load(run, device, domain=domain)
    say_if_unfinished(run)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("predicting")
        found = predict_files(
            segmenter,
            volumes,
            out,
            maps=Maps(probs, entropy, reliability),
            overwrite=overwrite,
            say=lambda line: console.print(_text(line), markup=False, highlight=False, soft_wrap=True),
            on_start=lambda cases: bar.update(task, total=cases),
            on_case=lambda: bar.advance(task),
        )
    skipped = f", {len(found.skipped)} were there already (--overwrite predicts them again)" if found.skipped else ""
    failed = f", {len(found.failed)} failed" if found.failed else ""
    click.echo(_text(f"{len(found.done)} volumes segmented in {out}{skipped}{failed}"))
    if found.failed:
        click.echo("failed:", err=True)
    for line in found.failed.values():
        click.echo(_text(f"  {line}"), err=True)
    ctx.exit(1 if found.failed else 0)


def _text(line: str) -> str:
    """A line that can be printed: names of files need not be text."""
    return os.fsencode(line).decode(errors="replace")
