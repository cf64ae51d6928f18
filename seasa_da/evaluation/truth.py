"""The reference beside a prediction, for pictures: to be shown, never learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from seasa_da.data.label_map import label_map
from seasa_da.data.labels import open_labels
from seasa_da.evaluation.inference import Labels

if TYPE_CHECKING:
    from seasa_da.data.store import CaseRecord, SliceStore


def case_truth(
    store: SliceStore,
    domain: str,
    case: CaseRecord,
    class_names: Sequence[str],
    *,
    split: Literal["train", "test"] = "test",
) -> Labels | None:
    """The labels of one case in a run's classes.

    Returns:
        `(S, H, W)`: 0 background, `i + 1` is `class_names[i]`, `IGNORED` as it is; `None` without labels.

    Raises:
        UserError: a broken store.
    """
    labels = open_labels(store, domain, split)
    if labels is None:
        return None
    return label_map(store.domain(domain).label_names, class_names)[labels[case.start : case.stop]]
