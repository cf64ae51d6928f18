"""`seasa-da figures`: figures of runs for an article."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import click


@click.command()
@click.argument("runs", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="RUN...")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="New folder for them.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="uncertainty, methods, reliability, curves, embedding, structures or calibration; repeatable [default: all].",
)
@click.option(
    "--palette",
    type=click.Choice(["paper", "colour-blind"]),
    default="paper",
    show_default=True,
    help="Structures in the paper's colours, or in Okabe's and Ito's.",
)
@click.option("--method", metavar="NAME", help="Whose uncertainty, views, curves and features [default: ours].")
@click.option("--cases", default=2, show_default=True, metavar="N", help="Test volumes with pictures, the first ones.")
@click.option("--case", multiple=True, metavar="NAME", help="A test volume by its name; repeatable.")
@click.option(
    "--slice", "slice_index", type=int, metavar="I", help="Slice of each [default: most predicted foreground]."
)
@click.option("--seed", type=int, metavar="N", help="Of a comparison's runs [default: its first].")
@click.option("--direction", metavar="SRC-to-TGT", help="Of a comparison's [default: its first].")
def figures(
    runs: tuple[Path, ...],
    out: Path,
    only: tuple[str, ...],
    palette: Literal["paper", "colour-blind"],
    method: str | None,
    cases: int,
    case: tuple[str, ...],
    slice_index: int | None,
    seed: int | None,
    direction: str | None,
) -> None:
    """Draw figures of RUN, runs' folders or a comparison's, as PNG and PDF into DIR.

    \b
    uncertainty  image, truth, prediction and entropy, before and after adaptation
    methods      what the methods say of the same slices, side by side
    reliability  views of a target slice, the pixels they call unreliable, the errors
    curves       losses, scores of the checkpoints, accuracy of the masks
    embedding    features of both domains by class, before and after
    structures   box plots of Dice and surface distance
    calibration  how often predictions of some confidence are right

    What a run has no files or data for is left out, and a line says why. Labels are not needed.
    """
    from rich.console import Console
    from rich.text import Text

    from seasa_da.inspection.figures.make import make_figures
    from seasa_da.inspection.figures.material import Options

    with Console(stderr=True).status("") as status:  # on a terminal only
        options = Options(
            palette="paper" if palette == "paper" else "safe",
            cases=cases,
            case=case,
            slice_index=slice_index,
            say=lambda line: status.update(Text(line)),
        )
        made = make_figures(runs, out, only=only, seed=seed, direction=direction, method=method, options=options)
    for note in made.notes:
        click.echo(os.fsencode(note), err=True)  # names of files need not be text
    for file in made.files:
        click.echo(os.fsencode(str(file)))
