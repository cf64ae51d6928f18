"""All candidates of a finished run scored by the target's test labels: to show what choosing without them costs."""

from __future__ import annotations

from pathlib import Path

from seasa_da.errors import UserError
from seasa_da.evaluation.evaluate import evaluate_domain
from seasa_da.files import write_json_atomic
from seasa_da.models import Segmenter
from seasa_da.training.candidates import list_candidates
from seasa_da.training.job import Observer
from seasa_da.training.network import build_network
from seasa_da.training.run import open_run

MARK = "oracle: chosen by the target's test labels, never a result"


def score_candidates(run: str | Path, *, observer: Observer | None = None) -> None:
    """Write `RUN/oracle.json`: Dice and ASD of every candidate, and which is best. Nothing else of the run changes.

    Raises:
        UserError: not a finished run, data that are not what they were, or a target without test labels.
    """
    folder, job, _ = open_run(run, observer or Observer())
    if not folder.validation.is_file():
        raise UserError(f"{folder.path} has no candidates that were scored; finish it with --resume {folder.path}")
    settings, device = job.settings, job.accelerator.device
    channels, height, width = job.store.images(settings.tgt, "test").shape[1:]
    models = build_network(settings, in_channels=channels, num_classes=len(job.class_names) + 1, size=(height, width))
    segmenter = Segmenter(models).to(device).eval()
    found = []
    for candidate in list_candidates(folder.candidates):
        candidate.restore(models)
        evaluation = evaluate_domain(
            segmenter, job.store, settings.tgt, job.class_names, device=device, keep_predictions=False
        )
        if not evaluation.labelled:
            raise UserError(f"{settings.tgt!r} of {job.store.path} has no test labels: there is no oracle")
        summary = evaluation.summary
        found.append({**candidate.about(), "dice": summary["dice"], "asd": summary["asd"]})
        job.observer.say(f"oracle: scored the checkpoint of update {candidate.updates}")
    best = max(found, key=lambda one: (one["dice"]["mean"], one["updates"]))
    write_json_atomic(folder.oracle, {"mark": MARK, "candidates": found, "best": best["name"]})
