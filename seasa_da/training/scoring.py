"""A trained segmenter scored on its run's data, or on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from seasa_da.config import PhantomSettings
from seasa_da.data.arrays import ScaledImages
from seasa_da.data.locate import locate_store
from seasa_da.data.recipe import Recipe
from seasa_da.data.store import SliceStore
from seasa_da.evaluation.case_names import case_names
from seasa_da.evaluation.evaluate import Evaluation, Split, Units, evaluate_domain
from seasa_da.evaluation.inference import Segment
from seasa_da.evaluation.other_store import fitting_images
from seasa_da.training.job import Observer
from seasa_da.training.network import network_of_run
from seasa_da.training.run_folder import RunFolder


def score(
    segmenter: Segment,
    store: SliceStore,
    domain: str,
    class_names: Sequence[str],
    *,
    split: Split,
    units: Units,
    tolerance_mm: float,
    device: torch.device,
    anonymise: bool,
    observer: Observer,
    images: ScaledImages | None = None,
) -> Evaluation:
    """`evaluate_domain`, with cases called as the run calls them; the observer is told of each."""
    names = case_names((case.id for case in store.domain(domain).split_cases(split)), anonymise)
    evaluation = evaluate_domain(
        segmenter,
        store,
        domain,
        class_names,
        split=split,
        units=units,
        tolerance_mm=tolerance_mm,
        device=device,
        keep_predictions=False,
        calibration=True,
        images=images,
        on_case=lambda done: observer.say(f"scored {names[done.case.id]}"),
    )
    return replace(evaluation, scores=[replace(score, case=names[score.case]) for score in evaluation.scores])


def score_other_data(
    run: Path, data: Path, *, split: Split, units: Units, tolerance_mm: float, observer: Observer
) -> Evaluation:
    """Score a run on a store, or a raw folder that is prepared as the run's data were; the run's own are not needed.

    Raises:
        UserError: not a run's folder, no checkpoint in it, or data that do not fit (`fitting_images`).
    """
    folder, content, record = RunFolder.open(run)
    recipe = Recipe.read(folder.inference)
    rules = {channel.rule for channel in recipe.domain().channels}
    settings = recipe.data.model_copy(update={"axis": recipe.axis})
    if len(rules) == 1:
        settings = settings.model_copy(update={"intensity": {recipe.tgt: rules.pop()}})
    store = locate_store(data, settings, PhantomSettings(), say=observer.say, progress=observer.counting)
    images, notes = fitting_images(store, recipe, split)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    found = score(
        network_of_run(folder, content, recipe, device),
        store,
        recipe.tgt,
        recipe.class_names,
        split=split,
        units=units,
        tolerance_mm=tolerance_mm,
        device=device,
        anonymise=bool(record.get("anonymise")),
        observer=observer,
        images=images,
    )
    return replace(found, notes=(*notes, *found.notes))
