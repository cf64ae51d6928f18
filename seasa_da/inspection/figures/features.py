"""What `embedding` is drawn from: features of the same pixels of both domains, before and after adaptation."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from seasa_da.data.case import IGNORED
from seasa_da.data.datasets import source_validation_slices
from seasa_da.evaluation.case_names import case_names
from seasa_da.evaluation.truth import case_truth
from seasa_da.inspection.figures.material import Material, NotThereError
from seasa_da.inspection.pictures import read_prediction
from seasa_da.models import Segmenter
from seasa_da.reporting.figures.embedding import Points, embedding_figure
from seasa_da.reporting.figures.projection import project
from seasa_da.reporting.figures.sheet import Sheet
from seasa_da.seeding import derive_seed

SLICES = 48
"""Drawn from each domain; evenly spaced ones could fall on the same part of every volume."""
PIXELS = 100
"""Of each class in each domain, at most."""
BATCH = 8

Images = NDArray[np.float32]
Labels = NDArray[np.uint8]
Places = NDArray[np.int64]


def embedding(material: Material) -> Sheet:
    """Features of the trunk's last layer, by t-SNE. Raises `NotThereError` without data."""
    shown = material.shown
    source, target = _source(material), _target(material)
    domains = [(*source, _sample(source[1], material, "source")), (*target[:2], _sample(target[1], material, "target"))]
    labels = np.concatenate([own[tuple(places.T)] for _, own, places in domains])
    is_target = np.repeat([False, True], [len(places) for *_, places in domains])
    if len(labels) < 8:
        raise NotThereError("too few pixels with a class")
    panels = {}
    names = {"before: " + shown.before: shown.before, "after: " + shown.main: shown.main} if shown.before else {}
    for heading, name in (names or {shown.main: shown.main}).items():
        network = material.network(name)
        features = np.concatenate([_features(network, images, places, material) for images, _, places in domains])
        panels[heading] = Points(project(features), labels, is_target)
    return embedding_figure(
        panels,
        shown.structures,
        source=shown.direction.src,
        target=shown.direction.tgt,
        note=f"t-SNE of the same pixels in each network; {target[2]}",
        palette=material.options.palette,
        title=shown.title,
    )


def _drawn(count: int, material: Material, which: str) -> Places:
    """Rising indices of slices."""
    draws = np.random.default_rng(derive_seed(int(material.shown.run.metrics["seed"]), "figures", which))
    return np.sort(draws.choice(count, size=min(count, SLICES), replace=False)).astype(np.int64)


def _source(material: Material) -> tuple[Images, Labels]:
    slices, _ = source_validation_slices(material.store, material.shown.direction.src, material.structures)
    index = _drawn(len(slices), material, "source")
    return slices.take(index), slices.take_labels(index)


def _target(material: Material) -> tuple[Images, Labels, str]:
    """Slices of the test volumes with their classes, and whence these are."""
    shown, store = material.shown, material.store
    domain = shown.direction.tgt
    images = store.images(domain, "test")
    wanted = _drawn(len(images), material, "target")
    files = case_names(material.test_cases, shown.run.anonymised)
    labels, said = [], "classes by reference labels"
    for record in material.test_cases.values():
        inside = wanted[(wanted >= record.start) & (wanted < record.stop)] - record.start
        if not len(inside):
            continue
        truth = case_truth(store, domain, record, material.structures)
        if truth is None:
            said = f"target's classes as predicted by {shown.main}: it has no labels"
            if files[record.id] not in shown.run.predictions():
                raise NotThereError("no predicted volumes, and no labels")
            truth = read_prediction(shown.run, files[record.id])
        labels.append(truth[inside])
    if not labels:
        raise NotThereError("the target has no test volumes")
    return np.array(images[wanted], dtype=np.float32), np.concatenate(labels), said


def _sample(labels: Labels, material: Material, which: str) -> Places:
    """`(P, 3)` places of pixels, of every class as many as there are, at most `PIXELS`."""
    found = []
    for label in range(len(material.structures) + 1):
        own = np.argwhere((labels == label) & (labels != IGNORED))
        draws = np.random.default_rng(derive_seed(int(material.shown.run.metrics["seed"]), "figures", which, label))
        found.append(own[np.sort(draws.choice(len(own), size=min(PIXELS, len(own)), replace=False))])
    return np.concatenate(found)


@torch.inference_mode()
def _features(network: Segmenter, images: Images, places: Places, material: Material) -> NDArray[np.float32]:
    """`(P, D)` of the trunk's cells that the pixels lie in."""
    height, width = images.shape[2:]
    found: NDArray[np.float32] | None = None
    for start in range(0, len(images), BATCH):
        inside = (places[:, 0] >= start) & (places[:, 0] < start + BATCH)
        levels = network.trunk(torch.from_numpy(images[start : start + BATCH]).to(material.device)).float()
        if found is None:
            found = np.empty((len(places), levels.shape[1]), dtype=np.float32)
        slices, rows, columns = (places[inside] - [start, 0, 0]).T
        rows, columns = rows * levels.shape[2] // height, columns * levels.shape[3] // width
        found[inside] = levels[slices, :, rows, columns].cpu().numpy()
    assert found is not None  # there are slices
    return found
