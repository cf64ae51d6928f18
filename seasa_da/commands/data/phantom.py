"""`seasa-da data phantom`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

import click

from seasa_da.commands.data.options import progress, settings_of, speed
from seasa_da.config import PhantomSettings


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The new raw folder.")
@click.option(
    "--layout",
    type=click.Choice(["mmwhs", "nnunet"]),
    default="mmwhs",
    show_default=True,
    help="Names and folders of MM-WHS, or of nnU-Net, a folder a domain.",
)
@click.option("--development", is_flag=True, help="Other anatomies: the ones on which settings may be chosen.")
@click.option("--train-cases", type=int, metavar="N", help="Training volumes a modality [default: 16].")
@click.option("--test-cases", type=int, metavar="N", help="Test volumes a modality [default: 12].")
@click.option("--seed", type=int, metavar="N", help="Seed of the anatomies [default: 2023].")
@click.option("--voxel-mm", type=float, metavar="X", help="Mean voxel size, mm [default: 2.5].")
def phantom(out: Path, layout: Literal["mmwhs", "nnunet"], development: bool, **options: Any) -> None:
    """Write the built-in phantom, CT and MRI of analytic hearts, as a raw folder."""
    from seasa_da.data.phantom import make_phantom

    settings = settings_of(PhantomSettings, {"development": development}, options)
    cases = 2 * (settings.train_cases + settings.test_cases)
    with progress("making the phantom", cases) as step:
        started = time.monotonic()
        voxels = make_phantom(out, settings, layout=layout, on_case=step)
        seconds = time.monotonic() - started
    click.echo(f"{cases} volumes in {out}: {speed(voxels, seconds)}")
