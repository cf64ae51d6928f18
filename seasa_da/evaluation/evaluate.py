"""Score a segmenter on a domain's volumes: the door through which a target domain's labels are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch

from seasa_da.data.label_map import label_map
from seasa_da.data.labels import open_labels
from seasa_da.evaluation.calibration import Calibration
from seasa_da.evaluation.inference import Entropy, Labels, Segment, predict_volumes
from seasa_da.evaluation.scores import StructureScore, score_case, summarise
from seasa_da.evaluation.tolerance import TOLERANCE_MM

if TYPE_CHECKING:
    from seasa_da.data.arrays import ScaledImages
    from seasa_da.data.store import CaseRecord, SliceStore

Split = Literal["train", "test"]
Units = Literal["mm", "voxel"]


@dataclass(frozen=True)
class CasePrediction:
    """What is known of one case while it is evaluated.

    Attributes:
        labels: `(S, H, W)` predicted, `i + 1` is class `i` of the run.
        truth: the same for the reference, or `IGNORED`; `None` without labels; to be shown, never learnt from.
        entropy: `(S, H, W)` nats, `None` unless asked for.
    """

    case: CaseRecord
    labels: Labels
    truth: Labels | None
    entropy: Entropy | None


@dataclass(frozen=True)
class Evaluation:
    """Result of `evaluate_domain`.

    Attributes:
        units: of every `asd` and `hd95`.
        labelled: whether there were labels to score against.
        scores: one a case and structure; empty without labels.
        summary: see `summarise`; all `None` without labels.
        predictions: `(S, H, W)` labels by case id; empty unless kept.
        calibration: the content of `calibration.json`; `None` without labels, or if it was not asked for.
        notes: lines to tell the user, such as what could not be scored.
        tolerance_mm: of every `surface_dice`.
    """

    domain: str
    split: Split
    units: Units
    labelled: bool
    scores: list[StructureScore]
    summary: dict[str, dict[str, Any]]
    predictions: dict[str, Labels] = field(default_factory=dict)
    calibration: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    tolerance_mm: float = TOLERANCE_MM


def evaluate_domain(
    segment: Segment,
    store: SliceStore,
    domain: str,
    class_names: Sequence[str],
    *,
    split: Split = "test",
    units: Units = "mm",
    device: str | torch.device = "cpu",
    batch_size: int = 32,
    images: ScaledImages | None = None,
    keep_predictions: bool = True,
    entropy: bool = False,
    calibration: bool = False,
    tolerance_mm: float = TOLERANCE_MM,
    on_case: Callable[[CasePrediction], None] | None = None,
) -> Evaluation:
    """Predict every case of a split and, where the domain has labels, score it.

    A class that the domain's labels do not know is not scored; a label that is no class of the run is background;
    voxels that the labels ignore count neither way (`score_case`).

    Args:
        segment: see `predict_volumes`.
        class_names: the run's classes; its label `i + 1` is `class_names[i]`.
        units: `"mm"` by the cases' spacing, or `"voxel"`, the published protocol.
        images: the split's slices in other intensities than the store's (`fitting_images`).
        keep_predictions: keep all label volumes in the result; without it one case is in memory at a time.
        entropy: compute the entropy maps that `on_case` is given.
        calibration: also count how certain and how right the predictions are.
        tolerance_mm: of the surface Dice.
        on_case: called with each case when it is done.

    Raises:
        UserError: a broken store.
    """
    info = store.domain(domain)
    truths = open_labels(store, domain, split)
    to_class = label_map(info.label_names, class_names)
    scored = [name for name in class_names if name in info.label_names]
    scores: list[StructureScore] = []
    predictions: dict[str, Labels] = {}
    slices = store.images(domain, split) if images is None else images
    counts = Calibration(class_names, scored) if calibration and truths is not None else None

    def count(case: CaseRecord, part: slice, logits: torch.Tensor) -> None:
        assert counts is not None and truths is not None
        counts.add(logits, to_class[truths[case.start + part.start : case.start + part.stop]])

    for case, labels, uncertainty in predict_volumes(
        segment,
        slices,
        info.split_cases(split),
        batch_size=batch_size,
        device=device,
        entropy=entropy,
        on_logits=None if counts is None else count,
    ):
        truth = None if truths is None else to_class[truths[case.start : case.stop]]
        if truth is not None:
            scores += score_case(
                labels,
                truth,
                case_id=case.id,
                class_names=class_names,
                spacing_mm=case.spacing_mm,
                units=units,
                tolerance_mm=tolerance_mm,
                structures=scored,
            )
        if keep_predictions:
            predictions[case.id] = labels
        if on_case is not None:
            on_case(CasePrediction(case, labels, truth, uncertainty))
    return Evaluation(
        domain=domain,
        split=split,
        units=units,
        labelled=truths is not None,
        scores=scores,
        summary=summarise(scores, class_names),
        predictions=predictions,
        calibration=None if counts is None else counts.content(),
        notes=_not_scored(store, domain, split, truths is not None, class_names, scored),
        tolerance_mm=tolerance_mm,
    )


def _not_scored(
    store: SliceStore, domain: str, split: Split, labelled: bool, class_names: Sequence[str], scored: Sequence[str]
) -> tuple[str, ...]:
    where = f"{domain!r} of {store.path}"
    if not labelled:
        return (f"{where} has no {split} labels: nothing to score",)
    return tuple(f"{name!r} is no label of {where}: not scored" for name in class_names if name not in scored)
