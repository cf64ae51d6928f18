"""What the verbs of `seasa-da data` have in common: the options of a raw folder, settings from options, the bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from seasa_da.config import RawSettings, Section
from seasa_da.errors import UserError

Command = TypeVar("Command", bound=Callable[..., Any])
Settings = TypeVar("Settings", bound=Section)

RAW_OPTIONS = (
    click.option("--format", metavar="NAME", help="Reader (`seasa-da methods`) [default: by looking at the folder]."),
    click.option("--splits", metavar="FILE", help="JSON file that names test cases [default: RAW/splits.json]."),
    click.option("--test-fraction", type=float, metavar="X", help="Share of the training cases to test on instead."),
    click.option("--exclude", multiple=True, metavar="[DOMAIN/]CASE", help="Leave a case out; repeatable."),
    click.option("--assume-mm", is_flag=True, default=None, help="Files that name no unit are in mm."),
)


def raw_options(command: Command) -> Command:
    """Give a command `RAW_OPTIONS`, in their order; `raw_settings` takes them out again."""
    for option in reversed(RAW_OPTIONS):
        command = option(command)
    return command


def raw_settings(options: dict[str, Any]) -> RawSettings:
    """Take the options of `raw_options` out of `options`, as settings. Raises `UserError` that names the option."""
    return settings_of(RawSettings, {}, {name: options.pop(name) for name in RawSettings.model_fields})


def intensity_rules(texts: Sequence[str]) -> str | dict[str, str] | None:
    """`DataSettings.intensity` of `[DOMAIN=]RULE` texts; `None` for none.

    Raises:
        UserError: a rule that is not of the form, two for one domain, or one for all beside others.
    """
    if not texts:
        return None
    from seasa_da.data.intensity import parse_rule

    rules: dict[str, str] = {}
    for text in texts:
        domain, equals, rule = text.partition("=")
        domain, rule = (domain, rule) if equals else ("", text)
        if rule != "auto":
            try:
                parse_rule(rule)
            except UserError as error:
                raise UserError(f"--intensity {text}: {error}") from None
        if domain in rules:
            raise UserError(f"--intensity {text}: there is one for {domain or 'all domains'} already; give one of them")
        rules[domain] = rule
    if "" not in rules:
        return rules
    if len(rules) > 1:
        raise UserError(
            f"--intensity {rules['']} is for all domains; give each its own (DOMAIN=RULE), or only this one"
        )
    return rules[""]


def settings_of(cls: type[Settings], defaults: dict[str, Any], options: dict[str, Any]) -> Settings:
    """Settings with the options that were given over `defaults`. Raises `UserError` that names the option."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return cls.model_validate({**defaults, **given})
    except ValidationError as error:
        fault = error.errors()[0]
        option = "--" + ".".join(str(part) for part in fault["loc"]).replace("_", "-")
        raise UserError(f"{option} {fault['input']}: {fault['msg']}") from None


def speed(voxels: int, seconds: float) -> str:
    """How many voxels were done in what time, to be told the user.

    >>> speed(42_000_000, 10.5)
    '42.0 megavoxels in 10.5 s, 4.0 a second'
    """
    return f"{voxels / 1e6:.1f} megavoxels in {seconds:.1f} s, {voxels / 1e6 / max(seconds, 1e-9):.1f} a second"


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr; yields the callback that moves it on by one. Not a terminal: nothing is shown."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
