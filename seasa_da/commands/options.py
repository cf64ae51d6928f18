"""Options that every command which trains has in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

RUN_OPTIONS = (
    click.option("--src", metavar="DOMAIN", help="Labelled source domain [default: ct]."),
    click.option("--tgt", metavar="DOMAIN", help="Unlabelled target domain [default: mri]."),
    click.option(
        "--data",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Slice store or raw folder [default: the phantom].",
    ),
    click.option(
        "--preset",
        metavar="smoke|quick|paper",  # config.PRESETS, whose import would make --help slow
        help="Budget and network [default: paper for real data on a GPU, else quick].",
    ),
    click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Override a setting; repeatable."),
    click.option(
        "--select",
        metavar="last|source-dice|entropy|im|snd|prototypes|consistency",
        help="What chooses the checkpoint, without target labels (--set selection.by=…) [default: last].",
    ),
    click.option(
        "--keep",
        type=click.IntRange(1),
        metavar="N",
        help="Newest checkpoints kept on disk (--set train.keep=N) [default: 2].",
    ),
    click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="YAML file of settings."),
    click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Local file of trunk weights."),
    click.option(
        "--tracking-uri",
        metavar="URI",
        help="MLflow store; 'none' for none [default: $MLFLOW_TRACKING_URI, or mlruns/ here].",
    ),
    click.option("--anonymise", is_flag=True, help="No case ids in tables and figures, no pictures in MLflow."),
)


SETTINGS = {"select": "selection.by", "keep": "train.keep"}
"""Options that stand for a setting."""


def as_settings(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a run with those of `SETTINGS` as the settings that they stand for."""
    rest = {name: value for name, value in options.items() if name not in SETTINGS}
    given = (f"{setting}={options[name]}" for name, setting in SETTINGS.items() if options.get(name) is not None)
    rest["overrides"] = (*rest["overrides"], *given)
    return rest


def run_options(command: Command) -> Command:
    """Give a command `RUN_OPTIONS`, in their order."""
    for option in reversed(RUN_OPTIONS):
        command = option(command)
    return command
