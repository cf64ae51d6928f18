"""`seasa-da report`: one HTML file on a run or a comparison."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.html", help="The file [default: DIR/report.html]."
)
@click.option("--cases", default=3, show_default=True, metavar="N", help="Test volumes with pictures.")
@click.option("--slices", default=24, show_default=True, metavar="N", help="Slices of each, evenly spaced.")
@click.option("--methods", metavar="A,B,…", help="Rows of a comparison that have pictures [default: all].")
def report(folder: Path, out: Path | None, cases: int, slices: int, methods: str | None) -> None:
    """Write a page on DIR, a run's folder or one that compare or ablate made. It loads nothing from elsewhere.

    Tables that sort, volumes to scroll through, calibration, curves, what is whose in each method, and the commands
    that make it all again. An older page is replaced; runs are only read.
    """
    from rich.console import Console
    from rich.text import Text

    from seasa_da.inspection.page import report_page

    rows = None if methods is None else [part.strip() for part in methods.split(",") if part.strip()]
    with Console(stderr=True).status("") as status:  # on a terminal only
        file = report_page(
            folder, out, cases=cases, slices=slices, methods=rows, say=lambda line: status.update(Text(line))
        )
    size = file.stat().st_size
    click.echo(os.fsencode(f"{file}  ({size / 1e6:.1f} MB)" if size >= 1e5 else f"{file}  ({size / 1e3:.0f} kB)"))
