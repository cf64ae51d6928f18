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
    click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="YAML file of settings."),
    click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Local file of trunk weights."),
    click.option(
        "--tracking-uri",
        metavar="URI",
        help="MLflow store; 'none' for none [default: $MLFLOW_TRACKING_URI, or mlruns/ here].",
    ),
    click.option("--anonymise", is_flag=True, help="No case ids in tables and figures, no pictures in MLflow."),
)


def with_selection(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a run with `--select` as the setting that it stands for."""
    rest = {name: value for name, value in options.items() if name != "select"}
    if options.get("select") is not None:
        rest["overrides"] = (*rest["overrides"], f"selection.by={options['select']}")
    return rest


def run_options(command: Command) -> Command:
    """Give a command `RUN_OPTIONS`, in their order."""
    for option in reversed(RUN_OPTIONS):
        command = option(command)
    return command
