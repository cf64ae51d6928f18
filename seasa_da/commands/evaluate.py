"""`seasa-da evaluate`: score a run again, or label files of any program."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from seasa_da.commands.run_folders import refuse_no_run, say_if_unfinished
from seasa_da.errors import UserError
from seasa_da.evaluation.tolerance import TOLERANCE_MM

if TYPE_CHECKING:
    from seasa_da.evaluation.evaluate import Evaluation
    from seasa_da.evaluation.files import FileEvaluation

OF_RUNS, OF_FILES = ("data", "split"), ("pred", "label", "labels", "structure")


@click.command()
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option("--data", type=click.Path(path_type=Path), metavar="PATH", help="Store or raw folder [default: RUN's].")
@click.option("--split", type=click.Choice(["train", "test"]), help="Which volumes of it [default: test].")
@click.option("--pred", type=click.Path(path_type=Path), metavar="DIR", help="Predicted label volumes (NIfTI).")
@click.option("--label", type=click.Path(path_type=Path), metavar="DIR", help="The labels they are scored against.")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="dataset.json that names the values [default: the one in the labels' folder or above, else all values].",
)
@click.option("--structure", multiple=True, metavar="NAME=VALUE", help="A structure's value in the files; repeatable.")
@click.option(
    "--units", type=click.Choice(["mm", "voxel"]), default="mm", show_default=True, help="Units of ASD and HD95."
)
@click.option(
    "--tolerance-mm",
    type=float,
    default=TOLERANCE_MM,
    show_default=True,
    metavar="X",
    help="Of the surface Dice, mm whatever the units.",
)
@click.option("--all-metrics", is_flag=True, help="Also show HD95, surface Dice and volume error, which --json has.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="New folder for scores a case and summary.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def evaluate(run: Path | None, units: Literal["mm", "voxel"], out: Path | None, as_json: bool, **options: Any) -> None:
    """Score RUN's network on the target's test volumes, or label files: those in --pred against --label.

    RUN is not changed. Dice is in percent; a distance to an empty mask is not defined, and counted.
    """
    _refuse_mixed(run, options)
    if run is not None:
        refuse_no_run(run)
    from rich.console import Console
    from rich.text import Text

    from seasa_da.evaluation.report import full_content, write_report
    from seasa_da.files import refuse_used_folder
    from seasa_da.reporting.tables import further_table, results_table

    if out is not None:
        refuse_used_folder(out)
    with Console(stderr=True).status("") as status:  # on a terminal only
        result = _result(run, units, options, lambda line: status.update(Text(line)))
    if run is not None:
        say_if_unfinished(run)
    if out is not None:
        write_report(out, result)
    if as_json:
        click.echo(json.dumps(full_content(result), indent=2))
        return
    for note in result.notes:
        click.echo(os.fsencode(note), err=True)  # names of files need not be text
    click.echo(os.fsencode(_title(run, options, result)))  # a table would fold its title
    Console().print(results_table(result.summary, units=units))
    if options["all_metrics"]:
        Console().print(further_table(result.summary, units=units, tolerance_mm=result.tolerance_mm))
    if found := getattr(result, "calibration", None):
        from seasa_da.evaluation.calibration import summary
        from seasa_da.reporting.calibration_text import calibration_line

        click.echo(calibration_line(summary(found)))


def _refuse_mixed(run: Path | None, options: dict[str, Any]) -> None:
    def given(names: tuple[str, ...]) -> str:
        return " ".join(f"--{name}" for name in names if options[name])

    if run is not None and (wrong := given(OF_FILES)):
        raise UserError(f"either a RUN or --pred and --label are scored: leave out {run}, or {wrong}")
    if run is None and not given(OF_FILES):
        raise UserError("nothing to score: give a RUN, or --pred DIR and --label DIR")
    if run is None and (wrong := given(OF_RUNS)):
        raise UserError(f"{wrong} belongs to a RUN, and none is given; files are scored by --pred and --label alone")
    if run is None and not (options["pred"] and options["label"]):
        raise UserError(f"--{'label' if options['pred'] else 'pred'} DIR is missing: files are scored in two folders")
    if options["labels"] and options["structure"]:
        raise UserError("either --labels FILE or --structure NAME=VALUE says which value is what: leave out one")


def _result(
    run: Path | None, units: Literal["mm", "voxel"], options: dict[str, Any], say: Callable[[str], None]
) -> Evaluation | FileEvaluation:
    if run is not None:
        from seasa_da.training.run import Observer, evaluate_run

        split: Literal["train", "test"] = options["split"] or "test"
        return evaluate_run(
            run,
            units,
            data=options["data"],
            split=split,
            tolerance_mm=options["tolerance_mm"],
            observer=Observer(say=say),
        )
    from seasa_da.evaluation.files import evaluate_files
    from seasa_da.evaluation.structures import assigned_structures, declared_structures

    structures = declared_structures(options["labels"]) if options["labels"] else None
    structures = assigned_structures(options["structure"]) if options["structure"] else structures
    return evaluate_files(
        options["pred"],
        options["label"],
        structures=structures,
        units=units,
        tolerance_mm=options["tolerance_mm"],
        on_case=lambda case: say(f"scored {case}"),
    )


def _title(run: Path | None, options: dict[str, Any], result: Any) -> str:
    if run is None:
        return f"{options['pred']}, scored against {options['label']}"
    return f"{run.name}: {result.domain}, {result.split} volumes" + (
        f" of {options['data']}" if options["data"] else ""
    )
