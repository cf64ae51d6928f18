"""`seasa-da train`: one run, from data to metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seasa_da.commands.options import as_settings, run_options
from seasa_da.commands.run_folders import refuse_no_run
from seasa_da.errors import UserError


@click.command()
@click.option("--method", metavar="NAME", help="Method to train; `seasa-da methods` lists them.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Seed of all draws [default: 0].")
@click.option("--add", "addons", multiple=True, metavar="NAME", help="Add-on (se, asa) for the last stage; repeatable.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Run folder [default: a new one in runs/].")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run that was stopped.")
@click.option(
    "--reference/--no-reference",
    default=None,
    help="Also train without adaptation, once, to show beside [default: yes but for paper].",
)
@run_options
@click.pass_context
def train(ctx: click.Context, method: str | None, resume: Path | None, **options: Any) -> None:
    """Train a method on labelled SRC and unlabelled TGT, then score it on TGT's test volumes."""
    if resume is not None:
        given = [
            option.opts[0]
            for option in ctx.command.params
            if option.name != "resume"
            and ctx.get_parameter_source(option.name or "") is click.core.ParameterSource.COMMANDLINE
        ]
        if given:
            raise UserError(f"--resume goes on with the run's own settings; leave out {', '.join(given)}")
        refuse_no_run(resume)
    elif method is None:
        raise UserError("--method is missing (`seasa-da methods` lists them), or --resume RUN")
    options = as_settings(options)
    _refuse_early(method, options)

    from seasa_da.commands.console import TrainingConsole
    from seasa_da.training import run

    with TrainingConsole() as console:
        if resume is not None:
            result = run.resume(resume, observer=console.observer)
        else:
            result = run.train(method or "", **options, observer=console.observer)
    if run.is_main_process():
        console.show(result)


def _refuse_early(method: str | None, options: dict[str, Any]) -> None:
    """Find what names alone can tell before torch is imported, which takes seconds."""
    from seasa_da.registry import compose_run
    from seasa_da.training.run_folder import RunFolder

    weights, data = options["weights"], options["data"]
    settings = None
    if method is not None:
        names = ("src", "tgt", "seed", "preset", "weights", "config", "overrides")
        _, settings = compose_run(method, options["addons"], **{name: options[name] for name in names})
    if weights is not None and not weights.is_file():
        raise UserError(f"--weights {weights} is not a file; give a local file of trunk weights")
    if data is not None and not data.exists():
        raise UserError(f"--data {data} does not exist")
    if options["out"] is not None:
        RunFolder.refuse_used(options["out"])
    if settings is not None and data is not None:
        _refuse_domains(data, settings.src, settings.tgt)


def _refuse_domains(data: Path, src: str, tgt: str) -> None:
    """Raise `UserError` where a store lacks one of the domains; a raw folder's are known once it was read."""
    from seasa_da.data.datasets import shared_class_names
    from seasa_da.data.store import MANIFEST, SliceStore

    if (data / MANIFEST).is_file():
        shared_class_names(SliceStore.open(data), src, tgt)
