"""What the charts are drawn from: `curves`, `structures` and `calibration`. The runs' files are all they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seasa_da.inspection.figures.material import Material, NotThereError
from seasa_da.inspection.run_files import RunFiles
from seasa_da.reporting.figures.calibration import Bins, Diagram, calibration_figure
from seasa_da.reporting.figures.curves import Curves, LossCurve, MaskCurve, ScoreCurve, curves_figure
from seasa_da.reporting.figures.sheet import Sheet
from seasa_da.reporting.figures.structures import Scores, structures_figure

Json = Mapping[str, Any]


def structures(material: Material) -> Sheet:
    """Box plots. Raises `NotThereError` where nothing was scored."""
    shown = material.shown
    scores = {
        name: {
            structure: own
            for structure in shown.structures
            if (own := _scores([one for one in run.scores if one.get("structure") == structure]))
        }
        for name, run in shown.runs.items()
    }
    if not any(scores.values()):
        raise NotThereError("the target has no test labels: nothing is scored")
    units = str(shown.run.metrics.get("units", "mm"))
    return structures_figure(scores, shown.structures, units=units, palette=material.options.palette, title=shown.title)


def _scores(lines: Sequence[Json]) -> Scores | None:
    if not lines:
        return None
    dice = [float(line["dice"]) for line in lines if line["dice"] is not None]
    asd = [float(line["asd"]) for line in lines if line["asd"] is not None]
    return Scores(dice, asd, len(lines) - len(asd))


def calibration(material: Material) -> Sheet:
    """Reliability diagrams, the run without adaptation first. Raises `NotThereError` where no run has any."""
    shown = material.shown
    order = [*([shown.before] if shown.before else []), *(name for name in shown.runs if name != shown.before)]
    diagrams = [
        _diagram(name, found, shown.structures) for name in order if (found := shown.runs[name].calibration) is not None
    ]
    if not diagrams:
        raise NotThereError("no run has a calibration.json (no test labels, or an older version)")
    return calibration_figure(diagrams, shown.structures, palette=material.options.palette, title=shown.title)


def _diagram(name: str, content: Json, structures: Sequence[str]) -> Diagram:
    return Diagram(
        name=name,
        foreground=_bins(content["foreground"]),
        structures={one: _bins(content["structures"][one]) for one in structures if one in content["structures"]},
        ece=_percent(content["foreground"]["ece"]),
        confident_errors=_percent(content["confident_errors"]["of_errors"]),
    )


def _bins(region: Json) -> Bins:
    known = [one for one in region["bins"] if one["count"]]
    return Bins([100 * one["confidence"] for one in known], [100 * one["accuracy"] for one in known])


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def curves(material: Material) -> Sheet:
    """Losses, validators' scores, accuracy of the masks. Raises `NotThereError` where there is none of them."""
    shown = material.shown
    run = shown.run
    losses, stages = _losses(run.folder.read_log())
    validation = run.validation or {}
    found = Curves(
        losses=losses,
        stages=stages,
        scores=_validators(validation),
        chosen=_chosen(validation),
        masks=_masks(run, shown.structures),
    )
    if not (found.losses or found.scores or found.masks):
        raise NotThereError(f"{shown.main} has neither log.jsonl nor validation.json nor reliability.json")
    return curves_figure(found, title=f"{shown.main}: {shown.title}")


def _losses(log: Sequence[Json]) -> tuple[list[LossCurve], list[str]]:
    """Over the iterations of all stages; a stage is called by its number, too, as rounds share their names."""
    lengths: dict[int, int] = {}
    for line in log:
        lengths[line["stage"]] = max(lengths.get(line["stage"], 0), line["iteration"])
    before = {stage: sum(length for other, length in lengths.items() if other < stage) for stage in lengths}
    names: dict[int, str] = {}
    found: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for line in log:
        stage = names.setdefault(line["stage"], f"{line['stage'] + 1} {line.get('stage_name', '')}".strip())
        for name, value in line.get("losses", {}).items():
            if value is not None:
                iterations, values = found.setdefault(name, {}).setdefault(stage, ([], []))
                iterations.append(float(before[line["stage"]] + line["iteration"]))
                values.append(float(value))
    curves = [LossCurve(name.removesuffix("_loss").replace("_", " "), own) for name, own in found.items()]
    return curves, list(names.values())


def _validators(validation: Json) -> list[ScoreCurve]:
    candidates = validation.get("candidates", [])
    found = []
    for name in dict.fromkeys(name for one in candidates for name in one["scores"]):
        known = [one for one in candidates if one["scores"].get(name) is not None]
        if known:
            updates, scores = [one["updates"] for one in known], [one["scores"][name] for one in known]
            found.append(ScoreCurve(name, updates, scores, decided=name == validation.get("by")))
    return found


def _chosen(validation: Json) -> float | None:
    selected = [one for one in validation.get("candidates", []) if one["name"] == validation.get("selected")]
    return float(selected[0]["updates"]) if selected else None


def _masks(run: RunFiles, structures: Sequence[str]) -> list[MaskCurve]:
    candidates = (run.reliability or {}).get("candidates", [])
    if not candidates:
        return []
    alone = len(structures) == 1

    def curve(name: str, regions: Sequence[Json]) -> MaskCurve:
        def of(key: str) -> tuple[list[float], list[float]]:
            pairs = zip(candidates, regions, strict=True)
            known = [(one["updates"], 100 * region[key]) for one, region in pairs if region[key] is not None]
            return [float(update) for update, _ in known], [value for _, value in known]

        return MaskCurve(name, of("accuracy_reliable"), of("accuracy_unreliable"))

    found = [
        curve("all pixels", [one["all"] for one in candidates]),
        curve(structures[0] if alone else "all structures", [one["foreground"] for one in candidates]),
        *(
            curve(name, [one["structures"][name] for one in candidates])
            for name in structures
            if not alone and all(name in one["structures"] for one in candidates)
        ),
    ]
    return [one for one in found if one.reliable[0] or one.unreliable[0]]
