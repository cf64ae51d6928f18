"""What a method's list of stages must keep to."""

from __future__ import annotations

from dataclasses import dataclass

from seasa_da.adapters import Stage
from seasa_da.errors import UserError


@dataclass(frozen=True)
class StageRecord:
    """What a stage was, for `metrics.json`."""

    name: str
    trains: str
    updates: int


def stage_records(stages: list[Stage]) -> list[StageRecord]:
    """The stages for the record."""
    return [StageRecord(stage.name, stage.trains, stage.iterations) for stage in stages]


def check_budget(stages: list[Stage], iterations: int, *, oracle: bool) -> None:
    """Refuse a list of stages that does not keep the rules.

    Args:
        iterations: updates of the segmenter, summed over the stages.
        oracle: whether the method is marked as one that may see the target's labels.

    Raises:
        UserError: there are too few updates for all stages.
        ValueError: for who wrote the method: other updates, two stages of one name, or labels it is not marked for.
    """
    if empty := [stage.name for stage in stages if stage.iterations < 1]:
        raise UserError(f"train.iterations={iterations} leaves no update for {', '.join(empty)}; give more")
    spent = sum(stage.iterations for stage in stages if stage.trains == "segmenter")
    if spent != iterations or len({stage.name for stage in stages}) < len(stages):
        raise ValueError(
            f"stages {[(stage.name, stage.iterations) for stage in stages]} must have different names and, where they "
            f"train the segmenter, {iterations} updates together"
        )
    if not oracle and any(stage.labels != "source" for stage in stages):
        raise ValueError("a stage wants the target's labels, and its method is not marked as an oracle")
