"""The end of a run: predict and score the target's test volumes, write tables, pictures and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from torch import nn

from seasa_da.config import RunSettings
from seasa_da.data.store import SliceStore
from seasa_da.evaluation import calibration
from seasa_da.evaluation.case_names import case_names
from seasa_da.evaluation.evaluate import CasePrediction, evaluate_domain
from seasa_da.evaluation.reliability_audit import audit_masks
from seasa_da.evaluation.scores import write_scores, write_scores_json
from seasa_da.files import os_errors_named, read_json, write_json_atomic
from seasa_da.models import Segmenter
from seasa_da.reporting.overlays import OverlayRow, overlay_figure, slice_to_show
from seasa_da.reporting.translations import translations_figure
from seasa_da.training import checkpoint
from seasa_da.training.network import load_network
from seasa_da.training.run_folder import RunFolder
from seasa_da.training.selection import selected_candidate

CASES_SHOWN = 3
TRANSLATIONS_SHOWN = 4


def finish_run(
    *,
    folder: RunFolder,
    store: SliceStore,
    settings: RunSettings,
    class_names: Sequence[str],
    models: Mapping[str, nn.Module],
    device: torch.device,
    reference: RunFolder | None,
    anonymise: bool,
    tracker: Any,
    metrics: dict[str, Any],
) -> dict[str, Any]:
    """Evaluate the segmenter in `models`; write scores, calibration, the audit of `masks.npz`, `predictions/`, pictures
    and, last, `metrics.json`.

    Args:
        reference: the run without adaptation, for the picture.
        metrics: what is known before evaluation; scores, distances and their units are added, and, whether there are
            labels or not, `label_free`: the mean entropy of the predictions, nats.
        anonymise: cases are called case-01, case-02 … in every file; MLflow gets no pictures.
        tracker: told of the metrics and files, or `None`.

    Returns:
        The content of `metrics.json`.

    Raises:
        UserError: a file cannot be written, or the store is broken.
    """
    segmenter = Segmenter(models).to(device).eval()
    rows: list[OverlayRow] = []
    before = load_segmenter(reference, settings, store, class_names, device) if reference else None
    images = store.images(settings.tgt, "test")

    entropies: list[tuple[float, int]] = []
    names = case_names((case.id for case in store.domain(settings.tgt).split_cases("test")), anonymise)
    with os_errors_named(folder.path, "write to"):
        folder.figures.mkdir(exist_ok=True)
        folder.predictions.mkdir(exist_ok=True)

    def keep(done: CasePrediction) -> None:
        if len(rows) < CASES_SHOWN:
            rows.append(_overlay_row(done, images, before, device))
        assert done.entropy is not None
        entropies.append((float(done.entropy.mean(dtype=np.float64)), done.entropy.size))
        _write_prediction(folder.predictions / f"{names[done.case.id]}.nii.gz", done)

    evaluation = evaluate_domain(
        segmenter,
        store,
        settings.tgt,
        class_names,
        device=device,
        keep_predictions=False,
        entropy=True,
        calibration=True,
        on_case=keep,
    )
    scores = [replace(score, case=names[score.case]) for score in evaluation.scores]
    write_scores(folder.per_case, scores)
    write_scores_json(folder.per_case_json, scores)
    figure = folder.figures / "overlay.png"
    title = f"{settings.method}, {settings.src} to {settings.tgt}"
    overlay_figure(rows, figure, class_names, anonymise=anonymise, title=title, oracle=metrics["oracle"])
    pictures = [figure]
    if {"G_ST", "G_TS"} <= models.keys():
        pictures.append(folder.figures / "translations.png")
        _draw_translations(models, store, settings, device, pictures[-1])
    voxels = sum(size for _, size in entropies)
    label_free = {"entropy": sum(mean * size for mean, size in entropies) / voxels}
    content = {**metrics, "units": evaluation.units, "tolerance_mm": evaluation.tolerance_mm}
    content |= {**evaluation.summary, "label_free": label_free}
    further = [folder.validation]
    content["calibration"] = None
    if evaluation.calibration is not None:
        write_json_atomic(folder.calibration, evaluation.calibration)
        content["calibration"] = calibration.summary(evaluation.calibration)
        further.append(folder.calibration)
    if (audit := audit_masks(folder.masks, store, settings.tgt, class_names)) is not None:
        write_json_atomic(folder.reliability, audit)
        further.append(folder.reliability)
    write_json_atomic(folder.metrics, content)
    if tracker:
        more = {"validator": metrics.get("validators", {}), "ece": (content["calibration"] or {}).get("ece", {})}
        tracker.log_metrics(metrics["updates"], _flat_scores({**evaluation.summary, **more}))
        if reference:
            before_it = {
                kind: scores for kind, scores in read_json(reference.metrics).items() if kind in evaluation.summary
            }
            tracker.log_metrics(metrics["updates"], _flat_scores(before_it, "without_adaptation/"))
        for file in (folder.metrics, folder.config, folder.log, folder.per_case, folder.per_case_json, *further):
            tracker.log_artifact(file)
        if not anonymise:
            for picture in pictures:
                tracker.log_artifact(picture, "figures")
        for file in sorted(checkpoint.list_checkpoints(folder.checkpoints)[-1].iterdir()):
            tracker.log_artifact(file, "checkpoint")
        if selected := selected_candidate(folder):
            for file in sorted(selected.path.iterdir()):
                tracker.log_artifact(file, "selected")
    return content


def load_segmenter(
    folder: RunFolder, settings: RunSettings, store: SliceStore, class_names: Sequence[str], device: torch.device
) -> Segmenter:
    """The segmenter that is a run's result, in evaluation mode.

    Raises:
        UserError: no checkpoint, or one that does not fit.
    """
    images = store.images(settings.tgt, "test")
    return load_network(
        folder,
        settings,
        in_channels=images.shape[1],
        num_classes=len(class_names) + 1,
        size=(images.shape[2], images.shape[3]),
        device=device,
    )


@torch.inference_mode()
def _draw_translations(
    models: Mapping[str, nn.Module], store: SliceStore, settings: RunSettings, device: torch.device, path: Path
) -> None:
    """Training slices of both domains from the middle of evenly spaced parts of the set, there and back."""
    columns = []
    for domain, there, back in ((settings.src, "G_ST", "G_TS"), (settings.tgt, "G_TS", "G_ST")):
        slices = store.images(domain, "train")
        chosen = [(2 * part + 1) * len(slices) // (2 * TRANSLATIONS_SHOWN) for part in range(TRANSLATIONS_SHOWN)]
        images = torch.from_numpy(np.array(slices[chosen], dtype=np.float32)).to(device)
        translated = models[there](images)
        other = settings.tgt if domain == settings.src else settings.src
        columns += [(domain, images), (f"as {other}", translated), ("and back", models[back](translated))]
    translations_figure([(heading, pictures.cpu().numpy()) for heading, pictures in columns], path)


def _overlay_row(done: CasePrediction, images: Any, before: Segmenter | None, device: torch.device) -> OverlayRow:
    case = done.case
    shown = slice_to_show(done.labels)
    image = images[case.start + shown].copy()
    without = None
    if before is not None:
        with torch.inference_mode():
            logits = before(torch.from_numpy(image)[None].to(device))
        without = logits.argmax(dim=1)[0].to(torch.uint8).cpu().numpy()
    return OverlayRow(
        image=image,
        prediction=done.labels[shown],
        truth=None if done.truth is None else done.truth[shown],
        without_adaptation=without,
        entropy=None if done.entropy is None else done.entropy[shown],
        case=case.id,
        slice_index=shown,
        pixel_mm=(case.spacing_mm[1], case.spacing_mm[2]),
    )


def _write_prediction(path: Path, done: CasePrediction) -> None:
    """Labels as NIfTI on the slices' grid, placed in the patient by their affine: a viewer shows them on the scan."""
    image = nibabel.Nifti1Image(done.labels, np.array(done.case.affine))
    image.header.set_xyzt_units("mm")
    with os_errors_named(path, "write"):
        nibabel.save(image, path)


def _flat_scores(summary: dict[str, dict[str, Any]], prefix: str = "") -> dict[str, float]:
    return {
        f"{prefix}{kind}/{name}": float(value)
        for kind, by_name in summary.items()
        for name, value in by_name.items()
        if value is not None
    }
