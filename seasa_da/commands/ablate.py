"""`seasa-da ablate`: the paper's ablation tables, from data to MLflow."""

from __future__ import annotations

from typing import Any

import click

from seasa_da.commands.comparison_options import carry_out, comparison_options, number, parts
from seasa_da.commands.options import run_options


@click.command()
@click.option("--tables", metavar="2,3,4", help="The paper's tables to make [default: all three].")
@comparison_options("ablate")
@run_options
@click.pass_context
def ablate(ctx: click.Context, tables: str | None, **options: Any) -> int:
    """Train the paper's method without its parts, with every seed, and make the paper's Tables 2, 3 and 4.

    \b
    2  its components: the adversary alone, with SE, with ASA, with both
    3  SE: which pixels' entropy is minimised, and which ones' is maximised
    4  ASA: unreliable pixels removed from the prototypes, or not

    A row that stands in several tables is one run. Settings are varied one by one with --set, such as
    --set asa.alpha=0.1, each in an --out of its own. Runs that are finished are kept: the same command, repeated,
    goes on where it stopped.
    """
    from seasa_da.comparison import ablate as run

    wanted = None if tables is None else [number("--tables", text) for text in parts(tables)]
    return carry_out(ctx, run, tables=wanted, **options)
