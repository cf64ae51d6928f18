"""The command line. `--help` and wrong usage import neither torch nor mlflow: a verb's module loads when it is used."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import Any

import click

from seasa_da.commands.termination import terminated_as_interrupted
from seasa_da.errors import UserError
from seasa_da.version import __version__

VERBS = {
    "train": "Train a method and score it on the target's test volumes.",
    "compare": "Train several methods with the same data, budget and seeds, and make their table.",
    "ablate": "Take the paper's method apart with the same data, budget and seeds: its ablation tables.",
    "evaluate": "Score a run again, on other data too, or label files of any program.",
    "predict": "Segment new volumes: NIfTI in, NIfTI out, in their own grids.",
    "export": "Write a run's network as a file that runs without this package.",
    "figures": "Draw figures of runs for an article: PNG and PDF.",
    "report": "Write a page on a run or a comparison: tables, pictures, curves, in one file.",
    "methods": "List methods, add-ons and readers of raw data.",
    "data": "Make the phantom, verify and prepare raw volumes, look at a store.",
    "ui": "Open MLflow's page on the recorded runs.",
}


class LazyGroup(click.Group):
    """Knows its verbs by name and imports `seasa_da.commands.<verb>` when one is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return getattr(importlib.import_module(f"seasa_da.commands.{cmd_name}"), cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in VERBS:
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UserError(f"unknown command {args[0]!r}{hint} (commands: {', '.join(VERBS)})")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="seasa-da")
def cli() -> None:
    """Unsupervised domain adaptation for medical image segmentation: fair, reproducible, free of label leaks.

    \b
    seasa-da train --method ours --src ct --tgt mri
    seasa-da compare --all
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2, without a traceback."""
    # pytorch-adapt's pinned torchmetrics warns about a packaging module that setuptools<82 still has.
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    try:
        with terminated_as_interrupted():
            code = cli.main(args=args, prog_name="seasa-da", standalone_mode=False)
    except UserError as error:
        click.echo(f"seasa-da: error: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        # From click 8.2 on, `seasa-da` alone is an error whose message is the whole help.
        prefix = "" if type(error).__name__ == "NoArgsIsHelpError" else "seasa-da: error: "
        click.echo(f"{prefix}{error.format_message()}", err=True)
        code = 2
    except OSError as error:
        # A path that the system itself refuses (too long, no permission), wherever it was first looked at.
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"seasa-da: error: {where}{error.strerror or error}", err=True)
        code = 2
    except click.Abort:
        click.echo("seasa-da: stopped", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
