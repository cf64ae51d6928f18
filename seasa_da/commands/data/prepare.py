"""`seasa-da data prepare`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from seasa_da.commands.data.options import (
    intensity_rules,
    progress,
    raw_options,
    raw_settings,
    settings_of,
    speed,
)
from seasa_da.config import PRESETS, DataSettings, load_preset
from seasa_da.files import refuse_busy_folder


@click.command()
@click.argument("raw", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="STORE", help="The store to make.")
@raw_options
@click.option("--preset", metavar="|".join(PRESETS), default="paper", show_default=True, help="Size and spacing.")
@click.option("--size", type=int, metavar="N", help="Height and width of a slice, pixels.")
@click.option("--spacing-mm", type=float, metavar="X", help="Pixel size after resampling, mm.")
@click.option("--slice-mm", type=float, metavar="X", help="Distance between slices, mm [default: --spacing-mm].")
@click.option("--depth-mm", type=float, metavar="X", help="Extent kept across the slices, mm.")
@click.option("--axis", metavar="auto|axial|coronal|sagittal", help="Which slices [default: auto].")
@click.option(
    "--intensity",
    multiple=True,
    metavar="[DOMAIN=]RULE",
    help="auto, zscore, window[:LO,HI] or percentiles[:LO,HI]; repeatable [default: auto].",
)
def prepare(raw: Path, out: Path, preset: str, intensity: tuple[str, ...], **options: Any) -> None:
    """Verify the raw folder RAW and make a slice store of it, or bring that up to date."""
    which = raw_settings(options)
    options["intensity"] = intensity_rules(intensity)
    settings = settings_of(DataSettings, load_preset(preset).get("data", {}), options)
    from seasa_da.data.prepare import prepare as prepare_store

    refuse_busy_folder(out)
    started = time.monotonic()
    done = prepare_store(raw, out, settings, which, progress=progress, say=click.echo)
    reused = f" ({done.reused} of them unchanged)" if done.reused else ""
    made = f": {speed(done.voxels, time.monotonic() - started)}" if done.voxels else ""
    click.echo(f"{done.cases} volumes in {out}{reused}{made}")
