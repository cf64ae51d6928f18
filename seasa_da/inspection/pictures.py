"""Pictures of a direction's cases: images, truth, and what every run says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray

from seasa_da.config import ViewSettings
from seasa_da.data.datasets import ImageSlices, shared_class_names
from seasa_da.data.recipe import Recipe
from seasa_da.data.store import CaseRecord, SliceStore
from seasa_da.errors import UserError
from seasa_da.evaluation.truth import case_truth
from seasa_da.inspection.run_files import RunFiles
from seasa_da.inspection.stores import common_settings, store_of_run
from seasa_da.layers import entropy_map
from seasa_da.prediction.blending import Place
from seasa_da.prediction.voting import Voter
from seasa_da.reporting.colours import structure_colours
from seasa_da.reporting.page.content import Layer, Viewer
from seasa_da.reporting.page.sheets import (
    chosen_slices,
    columns_of,
    entropy_sheet,
    grey_sheet,
    label_sheet,
    unreliable_sheet,
)
from seasa_da.training.network import network_of_run

BATCH = 8
Say = Callable[[str], None]


@dataclass
class Pictures:
    """Viewers by the case's name, and lines on what is missing in them."""

    viewers: dict[str, Viewer] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Data:
    store: SliceStore
    images: Any
    sources: ImageSlices
    cases: Mapping[str, CaseRecord]
    recipe: Recipe


def make_pictures(
    runs: Mapping[str, RunFiles],
    structures: Sequence[str],
    *,
    cases: int,
    slices: int,
    say: Say,
    first: str = "",
) -> Pictures:
    """Pictures of the first cases that all runs have.

    Args:
        runs: of one direction, by the name shown; the first one's data are those of all.
        structures: in the labels' order.
        cases, slices: how many, at most.
        say: called with lines for the user.
        first: the name of the run that is shown first, if it is among them.

    Raises:
        UserError: a damaged file.
    """
    found = Pictures()
    if not runs or cases < 1:
        return found
    one = next(iter(runs.values()))
    names = [name for name in one.predictions() if all(name in run.predictions() for run in runs.values())][:cases]
    if not names:
        found.missing.append("No predicted volumes are in the runs' folders: no pictures.")
        return found
    data = _open(one, found, say)
    chosen = {name: _choose(one, name, data, slices) for name in names}
    layers: dict[str, list[Layer]] = {name: [] for name in names}
    colours = list(structure_colours(structures).values())
    for who, run in runs.items():
        say(f"pictures of {who}")
        network = _network(who, run, data, found)
        for name in names:
            layers[name].append(_layer(who, run, name, chosen[name], data, network, colours))
    for name in names:
        viewer = _viewer(chosen[name], layers[name], data, structures, colours)
        found.viewers[name] = replace(viewer, first=list(runs).index(first) if first in runs else 0)
    return found


def _open(run: RunFiles, found: Pictures, say: Say) -> _Data | None:
    try:
        store = store_of_run(run, say)
        settings = common_settings(run)
        names, _ = shared_class_names(store, settings.src, settings.tgt)
        return _Data(
            store=store,
            images=store.images(settings.tgt, "test"),
            sources=ImageSlices(store, settings.src),
            cases={case.id: case for case in store.domain(settings.tgt).split_cases("test")},
            recipe=Recipe.of_store(store, settings.src, settings.tgt, names),
        )
    except UserError as error:
        found.missing.append(
            f"Predictions alone, without images, truth, entropy and unreliable pixels: {str(error).rstrip('.')}."
        )
        return None


@dataclass(frozen=True)
class _Chosen:
    """The slices of a case that are shown, `of` how many; `record` is `None` where the data have no such case."""

    slices: list[int]
    of: int
    size: tuple[int, int]
    record: CaseRecord | None


def _choose(run: RunFiles, name: str, data: _Data | None, wanted: int) -> _Chosen:
    volume = read_prediction(run, name)
    record = data.cases.get(name) if data else None
    if data and record and volume.shape != (record.stop - record.start, *data.images.shape[2:]):
        record = None
    return _Chosen(chosen_slices(len(volume), wanted), len(volume), (volume.shape[1], volume.shape[2]), record)


def read_prediction(run: RunFiles, name: str) -> NDArray[np.uint8]:
    """A predicted volume `(S, H, W)`. Raises `UserError` naming a damaged file."""
    path = run.folder.predictions / f"{name}.nii.gz"
    try:
        volume = np.asarray(nibabel.nifti1.load(path).dataobj)
    except Exception as error:  # gzip, zlib and nibabel each fail in their own way
        raise UserError(f"{path} is damaged ({' '.join(str(error).split())}); copy the run again") from error
    if volume.ndim != 3:
        raise UserError(f"{path} has shape {volume.shape}, not that of slices; copy the run again")
    return volume.astype(np.uint8)


@dataclass(frozen=True)
class _Network:
    segment: Callable[[torch.Tensor], torch.Tensor]
    vote: Voter
    device: torch.device


def _network(who: str, run: RunFiles, data: _Data | None, found: Pictures) -> _Network | None:
    """The run's network and its voter; `None`, with a line, where it cannot be loaded."""
    if data is None:
        return None
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        network = network_of_run(run.folder, run.settings, data.recipe, device)
    except UserError as error:
        found.missing.append(f"{who}: neither entropy nor unreliable pixels: {str(error).rstrip('.')}.")
        return None
    views = ViewSettings.model_validate(run.settings.get("views", {}))
    models = {"G": network.trunk, "C": network.head}
    return _Network(network, Voter(models, data.sources, views, int(run.settings["seed"])), device)


def _layer(
    who: str,
    run: RunFiles,
    name: str,
    chosen: _Chosen,
    data: _Data | None,
    network: _Network | None,
    colours: Sequence[str],
) -> Layer:
    volume = read_prediction(run, name)
    if (len(volume), *volume.shape[1:]) != (chosen.of, *chosen.size):
        raise UserError(f"{run.folder.predictions / name}.nii.gz has another shape than those of other runs")
    prediction = label_sheet(volume[chosen.slices], colours)
    if data is None or network is None or chosen.record is None:
        return Layer(who, prediction)
    entropies, reliable = [], []
    for start in range(0, len(chosen.slices), BATCH):
        part = chosen.slices[start : start + BATCH]
        images = torch.from_numpy(_images(data, chosen.record, part)).to(network.device)
        with torch.inference_mode():
            entropies.append(entropy_map(network.segment(images).float()).cpu().numpy())
            reliable.append(network.vote(images, [Place(s, 0, 0) for s in part])[:, 0].cpu().numpy() > 0)
    return Layer(
        who,
        prediction,
        entropy_sheet(np.concatenate(entropies), len(colours) + 1),
        unreliable_sheet(np.concatenate(reliable)),
    )


def _images(data: _Data, record: CaseRecord, slices: Sequence[int]) -> NDArray[np.float32]:
    return np.stack([np.asarray(data.images[record.start + number], dtype=np.float32) for number in slices])


def _viewer(
    chosen: _Chosen, layers: Sequence[Layer], data: _Data | None, structures: Sequence[str], colours: Sequence[str]
) -> Viewer:
    columns = columns_of(len(chosen.slices))
    image = truth = None
    aspect = 1.0
    if data is not None and chosen.record is not None:
        images = _images(data, chosen.record, chosen.slices)
        image = grey_sheet(images[:, images.shape[1] // 2])  # of several channels, the middle one
        labels = case_truth(data.store, data.recipe.tgt, chosen.record, structures)
        truth = None if labels is None else label_sheet(labels[chosen.slices], colours)
        aspect = chosen.record.spacing_mm[1] / chosen.record.spacing_mm[2]
    return Viewer(
        slices=chosen.slices,
        of=chosen.of,
        columns=columns,
        rows=-(-len(chosen.slices) // columns),
        width=chosen.size[1],
        height=chosen.size[0],
        aspect=round(aspect, 6),
        image=image,
        truth=truth,
        layers=layers,
    )
