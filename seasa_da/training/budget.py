"""What a method's list of stages must keep to."""

from __future__ import annotations

from dataclasses import dataclass

from seasa_da.adapters import Stage
from seasa_da.config import RunSettings
from seasa_da.errors import UserError
from seasa_da.plugins import why
from seasa_da.registry import MethodSpec


@dataclass(frozen=True)
class StageRecord:
    """What a stage was, for `metrics.json`: its updates, and how many of them moved the segmenter."""

    name: str
    trains: str
    updates: int
    segmenter_updates: int


def stage_records(stages: list[Stage]) -> list[StageRecord]:
    """The stages for the record."""
    return [StageRecord(stage.name, stage.trains, stage.iterations, segmenter_updates(stage)) for stage in stages]


def segmenter_updates(stage: Stage) -> int:
    """How many updates of the segmenter a stage has; they are what the budget counts."""
    if stage.segmenter_updates is not None:
        return stage.segmenter_updates
    return stage.iterations if stage.trains == "segmenter" else 0


def planned_stages(spec: MethodSpec, settings: RunSettings) -> list[Stage]:
    """A method's stages for these settings, checked.

    Raises:
        UserError: the method does not load, its stages break the rules, or the settings leave too few updates.
    """
    list_stages = spec.load_stages()
    try:
        stages = list_stages(settings)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # a stranger's function may fail in any way
        raise UserError(f"method {spec.name!r} is not usable: {spec.stages} failed: {why(error)}") from error
    if not isinstance(stages, list) or not stages or not all(isinstance(stage, Stage) for stage in stages):
        found = " ".join(repr(stages).split())
        raise UserError(f"method {spec.name!r} is not usable: {spec.stages} gave no list of stages but {found:.60}")
    try:
        check_budget(stages, settings.train.iterations, oracle=spec.oracle)
    except ValueError as error:
        raise UserError(f"method {spec.name!r} is not usable: {error}") from error
    return stages


def check_budget(stages: list[Stage], iterations: int, *, oracle: bool) -> None:
    """Refuse a list of stages that does not keep the rules.

    Args:
        iterations: updates of the segmenter, summed over the stages.
        oracle: whether the method is marked as one that may see the target's labels.

    Raises:
        UserError: there are too few updates for all stages.
        ValueError: for who wrote the method: other updates or no whole numbers of them, two stages of one name, or
            labels it is not marked for.
    """
    for stage in stages:
        for name, number in (("iterations", stage.iterations), ("segmenter_updates", segmenter_updates(stage))):
            if not isinstance(number, int) or isinstance(number, bool):
                raise ValueError(f"stage {stage.name!r} has {name}={number!r}, which is no whole number (int)")
    if empty := [stage.name for stage in stages if stage.iterations < 1]:
        raise UserError(f"train.iterations={iterations} leaves no update for {', '.join(empty)}; give more")
    spent = sum(map(segmenter_updates, stages))
    if spent != iterations or len({stage.name for stage in stages}) < len(stages):
        raise ValueError(
            f"stages {[(stage.name, segmenter_updates(stage)) for stage in stages]} must have different names and "
            f"{iterations} updates of the segmenter together"
        )
    if wrong := [stage for stage in stages if not 0 <= segmenter_updates(stage) <= stage.iterations]:
        found = wrong[0]
        raise ValueError(
            f"stage {found.name!r} has {found.iterations} iterations and {segmenter_updates(found)} segmenter updates"
        )
    if not oracle and any(stage.labels != "source" for stage in stages):
        raise ValueError("a stage wants the target's labels, and its method is not marked as an oracle")
