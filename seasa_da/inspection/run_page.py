"""The page of one run."""

from __future__ import annotations

from pathlib import Path

import yaml

from seasa_da.errors import UserError
from seasa_da.evaluation.calibration_rows import calibration_row
from seasa_da.inspection import facts
from seasa_da.inspection.methods import described
from seasa_da.inspection.options import PageOptions
from seasa_da.inspection.pictures import Pictures, make_pictures
from seasa_da.inspection.repeat import run_command
from seasa_da.inspection.run_files import RunFiles, read_run_files
from seasa_da.reporting.page.calibration import calibration_figures, calibration_table, mask_charts
from seasa_da.reporting.page.content import Case, Command, Direction, Figures, Page
from seasa_da.reporting.page.curves import loss_charts, validator_charts
from seasa_da.reporting.page.results import run_case_table, run_table
from seasa_da.version import __version__

REFERENCE = "without adaptation"


def run_page(path: Path, options: PageOptions) -> Page:
    """Read a run's folder, make its pictures.

    Raises:
        UserError: a run that is not finished, or a damaged file.
    """
    run = read_run_files(path)
    metrics = run.metrics
    sides = {run.name: run}
    if run.folder.reference.is_dir():
        sides[REFERENCE] = read_run_files(run.folder.reference)
    structures = [name for name in metrics["dice"] if name != "mean"]
    direction = f"{metrics['src']} to {metrics['tgt']}"
    oracle = bool(metrics.get("oracle"))
    labelled = metrics["dice"].get("mean") is not None
    entropy = (metrics.get("label_free") or {}).get("entropy")
    hidden = run.anonymised
    found = Pictures()
    if not hidden:
        wanted = wanted_rows(sides, options)
        found = make_pictures(wanted, structures, cases=options.cases, slices=options.slices, say=options.say)
    methods = [described(run.name, str(run.settings["method"]), run.settings.get("addons", ()))]
    folder = "RUN" if hidden else str(path)
    return Page(
        title=f"{run.name}: {direction}",
        lead=f"One run of seasa-da, seed {metrics['seed']}{', oracle: trained on target labels' if oracle else ''}.",
        facts=[
            ("Method", run.name + (" (oracle)" if oracle else "")),
            ("Source to target", direction),
            facts.data_fact(run.record.get("data"), hidden),
            *facts.settings_facts(run.settings),
            *facts.run_facts(metrics, run.record),
            *([("Mean entropy of the predictions", f"{entropy:.4f} nats")] if isinstance(entropy, float) else []),
        ],
        statements=[facts.DOOR, *([] if labelled else [facts.NO_LABELS]), *([facts.ANONYMISED] if hidden else [])],
        settings=[("All settings (config.yaml)", _settings_text(run))],
        structures=structures,
        directions=[
            Direction(
                title=direction,
                results=[
                    run_table(
                        {name: side.metrics for name, side in sides.items()}, structures, metrics["units"], oracle
                    )
                ],
                cases=_cases(run, found),
                missing=found.missing,
                calibration=calibration_table(
                    [
                        calibration_row(
                            name, oracle, {int(metrics["seed"]): side.metrics.get("calibration")}, structures
                        )
                        for name, side in sides.items()
                    ],
                    structures,
                ),
                diagrams=[
                    Figures(f"Reliability diagrams of {name}", charts)
                    for name, side in sides.items()
                    if side.calibration and (charts := calibration_figures(side.calibration))
                ],
                curves=curves_of(run),
            )
        ],
        methods=methods,
        commands=[
            Command("The run:", run_command(run)),
            Command("This page:", f"seasa-da report {folder}"),
            Command("Its scores again:", f"seasa-da evaluate {folder}"),
        ],
        version=__version__,
    )


def wanted_rows(runs: dict[str, RunFiles], options: PageOptions) -> dict[str, RunFiles]:
    """Those that `--methods` names. Raises `UserError` for a name that is none of them."""
    if options.methods is None:
        return runs
    if unknown := [name for name in options.methods if name not in runs]:
        raise UserError(f"--methods: {unknown[0]!r} is no finished row here; there are: {', '.join(runs)}")
    return {name: runs[name] for name in options.methods}


def curves_of(run: RunFiles, *, name: str = "", folded: bool = False) -> list[Figures]:
    """Losses, validators' scores and the masks' accuracy of a run; `name` stands before the titles."""
    groups = [("losses", loss_charts(run.folder.read_log()))]
    if run.validation:
        groups.append(("validators' scores of the checkpoints", validator_charts(run.validation, run.oracle)))
    if run.reliability:
        charts = mask_charts(run.reliability)
        groups.append((f"what the reliable and unreliable masks were worth, {run.reliability['mark']}", charts))
    lead = f"{name}: " if name else ""
    return [
        Figures((lead + title) if lead else title.capitalize(), charts, folded=folded)
        for title, charts in groups
        if charts
    ]


def _cases(run: RunFiles, found: Pictures) -> list[Case]:
    names = dict.fromkeys([*(str(score["case"]) for score in run.scores), *run.predictions()])
    return [Case(name, run_case_table(name, run.scores), found.viewers.get(name)) for name in names]


def _settings_text(run: RunFiles) -> str:
    settings = dict(run.settings)
    if run.anonymised:
        settings = {**settings, "raw": "not shown (anonymised)", "weights": settings.get("weights") and "not shown"}
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
