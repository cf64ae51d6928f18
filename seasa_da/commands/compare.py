"""`seasa-da compare`: the benchmark's table, from data to MLflow."""

from __future__ import annotations

from typing import Any

import click

from seasa_da.commands.comparison_options import carry_out, comparison_options, parts
from seasa_da.commands.options import run_options
from seasa_da.errors import UserError


@click.command()
@click.option("--all", "every", is_flag=True, help="All rows of the paper's table; others by name.")
@click.option("--methods", metavar="A,B,…", help="Methods; adaoutput+se+asa is one with add-ons.")
@comparison_options("compare")
@run_options
@click.pass_context
def compare(ctx: click.Context, every: bool, methods: str | None, **options: Any) -> int:
    """Train methods with every seed, and in the other direction too if asked for, and make one table a direction.

    Runs that are finished are kept: the same command, repeated, goes on where it stopped.
    """
    if every == (methods is not None):
        raise UserError("give either --all or --methods A,B,… (`seasa-da methods` lists them)")
    from seasa_da.comparison import compare as run

    return carry_out(ctx, run, methods=None if every else parts(methods), **options)
