"""What `compare` and `ablate` have in common on the command line."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seasa_da.commands.options import Command, as_settings
from seasa_da.errors import UserError

if TYPE_CHECKING:
    from seasa_da.comparison import ComparisonResult

LONGEST_NUMBER = 20
"""Digits. Far more than any option takes; `int` itself fails at some thousands."""


def comparison_options(verb: str) -> Callable[[Command], Command]:
    """Give a command the options on what is made and where."""
    folder = f"Folder [default: runs/{verb}-PRESET]."
    options = (
        click.option("--both", is_flag=True, help="The other direction too."),
        click.option("--seeds", metavar="0,1,…", help="Seeds of all draws [default: 0]."),
        click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help=folder),
        click.option("--reference", type=click.Choice(["paper"]), help="Show the paper's own figures beside."),
        click.option(
            "--oracle", is_flag=True, help="Also show what the best checkpoints by target test labels would give."
        ),
        click.option(
            "--shard", metavar="I/N", help="Make part I of N; parts may share --out and run at the same time."
        ),
    )

    def give(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return give


def carry_out(
    ctx: click.Context, run: Callable[..., ComparisonResult], *, seeds: str | None, shard: str | None, **options: Any
) -> int:
    """Run what the command asks for, show its tables, and return the exit code: 1 where a run failed."""
    parsed: dict[str, Any] = {
        "seeds": None if seeds is None else [number("--seeds", text) for text in parts(seeds)],
        "shard": (1, 1) if shard is None else _shard(shard),
        **as_settings(options),
    }
    from seasa_da.commands.comparison_console import ComparisonConsole

    with ComparisonConsole() as console:
        try:
            result = run(**parsed, observer=console.observer)
        except KeyboardInterrupt:
            console.say(f"stopped; go on with: {_command(ctx)}")
            raise
    console.show(result)
    return 1 if result.failed else 0


def parts(text: str | None) -> list[str]:
    """Of "a, b": what is between the commas."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def number(option: str, text: str) -> int:
    """A number of 0 or more; `UserError` that names the option."""
    if not text.isascii() or not text.isdigit():
        raise UserError(f"{option}: {text!r} is not a number of 0 or more")
    if len(text) > LONGEST_NUMBER:
        raise UserError(f"{option}: {text[:LONGEST_NUMBER]}… is a number of {len(text)} digits, which is too large")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    part, slash, whole = text.partition("/")
    if not slash:
        raise UserError(f"--shard {text!r} is not of the form I/N (such as 1/2)")
    return number("--shard", part), number("--shard", whole)


def _command(ctx: click.Context) -> str:
    """The command as it was given."""
    words = ["seasa-da", ctx.command.name or ""]
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
