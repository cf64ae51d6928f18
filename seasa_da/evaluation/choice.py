"""Which of the checkpoints along a run a score chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LAST = "last"


def best(scores: Sequence[Mapping[str, float | None]], by: str) -> tuple[int, str]:
    """The place of the highest score of a validator, of equals the latest, and what chose it.

    Args:
        scores: of each checkpoint in their order, by validator.
        by: a validator, or "last".

    Returns:
        Where the validator says nothing of some checkpoint: the last one, chosen by "last".
    """
    values = [] if by == LAST else [one.get(by) for one in scores]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(scores):
        return len(scores) - 1, LAST
    return max(range(len(known)), key=lambda place: (known[place], place)), by
