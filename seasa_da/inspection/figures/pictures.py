"""What the figures with pictures of slices are drawn from: `uncertainty`, `methods` and `reliability`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from seasa_da.inspection.figures.material import Material, NotThereError, Slice
from seasa_da.layers import entropy_map, predicted_labels
from seasa_da.prediction.blending import Place
from seasa_da.reporting.figures.methods import MethodsRow, methods_figure
from seasa_da.reporting.figures.reliability import Family, ReliabilitySlice, reliability_figure
from seasa_da.reporting.figures.sheet import Sheet
from seasa_da.reporting.figures.uncertainty import Said, UncertaintyRow, uncertainty_figure

CASES_OF_VIEWS = 1
"""A slice with its views takes two lines."""


def uncertainty(material: Material) -> Sheet:
    """The paper's Fig. 1. Raises `NotThereError` without data."""
    shown, options = material.shown, material.options
    rows = []
    for one in material.slices:
        image = _image(material, one)
        rows.append(
            UncertaintyRow(
                image=image,
                after=_said(material, shown.main, image),
                before=_said(material, shown.before, image) if shown.before else None,
                truth=one.truth,
                side=one.side,
                pixel_mm=one.pixel_mm,
            )
        )
    return uncertainty_figure(
        rows,
        shown.structures,
        after=f"after: {shown.main}" if shown.before else shown.main,
        before=f"before: {shown.before}",
        palette=options.palette,
        title=shown.title,
    )


def methods(material: Material) -> Sheet:
    """The paper's Fig. 3; without data the predictions alone. Raises `NotThereError` without predictions."""
    shown, options = material.shown, material.options
    rows = [
        MethodsRow([one.predictions[name] for name in shown.runs], one.image, one.truth, one.side, one.pixel_mm)
        for one in material.slices
    ]
    return methods_figure(rows, list(shown.runs), shown.structures, palette=options.palette, title=shown.title)


def reliability(material: Material) -> Sheet:
    """The paper's Fig. 4. Raises `NotThereError` without data."""
    shown, options = material.shown, material.options
    vote = material.voter(shown.main)
    slices = []
    # as many as were asked for by name, else one
    for one in material.slices if options.case else material.slices[:CASES_OF_VIEWS]:
        image = _image(material, one)
        # The place as `predict` and the report page have it, so that the same views are drawn.
        votes = vote.explain(torch.from_numpy(image)[None].to(material.device), [Place(one.index, 0, 0)])

        def array(tensor: torch.Tensor) -> NDArray[np.generic]:
            return np.asarray(tensor.cpu().numpy())

        slices.append(
            ReliabilitySlice(
                image=image,
                prediction=array(votes.labels[0]).astype(np.uint8),
                random=Family(
                    array(votes.random[:, 0]).astype(np.float32),
                    array(votes.random_labels[:, 0]).astype(np.uint8),
                    array(votes.agrees_random[0]).astype(np.bool_),
                ),
                fourier=Family(
                    array(votes.fourier[:, 0]).astype(np.float32),
                    array(votes.fourier_labels[:, 0]).astype(np.uint8),
                    array(votes.agrees_fourier[0]).astype(np.bool_),
                ),
                truth=one.truth,
                side=one.side,
                pixel_mm=one.pixel_mm,
            )
        )
    title = f"{shown.main}: {shown.title}"
    return reliability_figure(slices, shown.structures, palette=options.palette, title=title)


def _image(material: Material, one: Slice) -> NDArray[np.float32]:
    if one.image is None:
        raise NotThereError(material.why_no_data or "the data have no such volume")
    return one.image


@torch.inference_mode()
def _said(material: Material, name: str, image: NDArray[np.float32]) -> Said:
    logits = material.network(name)(torch.from_numpy(image)[None].to(material.device)).float()
    labels = predicted_labels(logits)[0].to(torch.uint8)
    return Said(labels.cpu().numpy(), entropy_map(logits)[0].cpu().numpy())
