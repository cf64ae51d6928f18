"""`seasa-da compare`: the benchmark's table, from data to MLflow."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from seasa_da.commands.options import run_options
from seasa_da.errors import UserError


@click.command()
@click.option("--all", "every", is_flag=True, help="All rows of the paper's table; others by name.")
@click.option("--methods", metavar="A,B,…", help="Methods; adaoutput+se+asa is one with add-ons.")
@click.option("--both", is_flag=True, help="The other direction too.")
@click.option("--seeds", metavar="0,1,…", help="Seeds of all draws [default: 0].")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder [default: runs/compare-PRESET].")
@click.option("--reference", type=click.Choice(["paper"]), help="Show the paper's own figures under each row.")
@click.option("--shard", metavar="I/N", help="Make part I of N; parts may share --out and run at the same time.")
@run_options
@click.pass_context
def compare(
    ctx: click.Context, every: bool, methods: str | None, seeds: str | None, shard: str | None, **options: Any
) -> int:
    """Train methods with every seed, and in the other direction too if asked for, and make one table a direction.

    Runs that are finished are kept: the same command, repeated, goes on where it stopped.
    """
    if every == (methods is not None):
        raise UserError("give either --all or --methods A,B,… (`seasa-da methods` lists them)")
    parsed: dict[str, Any] = {
        "methods": None if every else _parts(methods),
        "seeds": None if seeds is None else [_number("--seeds", text) for text in _parts(seeds)],
        "shard": (1, 1) if shard is None else _shard(shard),
    }
    from seasa_da.commands.comparison_console import ComparisonConsole
    from seasa_da.comparison import compare as run

    with ComparisonConsole() as console:
        try:
            result = run(**parsed, **options, observer=console.observer)
        except KeyboardInterrupt:
            console.say(f"stopped; go on with: {_command(ctx)}")
            raise
    console.show(result)
    return 1 if result.failed else 0


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _number(option: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise UserError(f"{option}: {text!r} is not a number of 0 or more")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    part, slash, whole = text.partition("/")
    if not slash:
        raise UserError(f"--shard {text!r} is not of the form I/N (such as 1/2)")
    return _number("--shard", part), _number("--shard", whole)


def _command(ctx: click.Context) -> str:
    """The command as it was given."""
    words = ["seasa-da", "compare"]
    for option in ctx.command.params:
        if ctx.get_parameter_source(option.name or "") is not click.core.ParameterSource.COMMANDLINE:
            continue
        value = ctx.params[option.name or ""]
        if value is True:
            words.append(option.opts[0])
        else:
            for one in value if isinstance(value, tuple) else [value]:
                words += [option.opts[0], shlex.quote(str(one))]
    return " ".join(words)
