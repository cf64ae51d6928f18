"""What validators see: drawn once, the same for every checkpoint and batch, and nothing of torch's is moved."""

import numpy as np
import pytest
import torch
from torch import nn

from seasa_da.config import ViewSettings
from seasa_da.validators import ValidationData, observation, observe, scores
from seasa_da.validators.data import evenly, label_frequencies
from tests.toys import CLASSES, SIZE, small_segmenter, tiny_models


class Slices:
    def __init__(self, images, labels=None):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def take(self, indices):
        return self.images[indices.reshape(-1)].reshape(*indices.shape, *self.images.shape[1:])

    def take_labels(self, indices):
        return self.labels[indices]


def toy_data(n=6, pixels=40, size=SIZE, seed=0):
    draws = np.random.default_rng(seed)
    images = draws.uniform(-1, 1, (n, 1, size, size)).astype(np.float32)
    labels = draws.integers(0, CLASSES, (n, size, size)).astype(np.uint8)
    labels[0] = 255
    source = Slices(images[::-1].copy(), labels)
    index = np.arange(n)
    prior = label_frequencies(source, index, CLASSES)
    return ValidationData(Slices(images), index, source, index, "test", source, prior, ViewSettings(), 7, pixels)


def test_slices_are_evenly_spaced():
    assert evenly(10, 2).tolist() == [2, 7]
    assert evenly(4, 9).tolist() == [0, 1, 2, 3]
    assert evenly(0, 3).tolist() == []


def test_frequencies_leave_ignored_pixels_out():
    labels = np.array([[[0, 0, 1, 255]], [[0, 2, 255, 255]]], dtype=np.uint8)
    slices = Slices(np.zeros((2, 1, 1, 4), np.float32), labels)
    assert label_frequencies(slices, np.arange(2), 3) == pytest.approx([3 / 5, 1 / 5, 1 / 5])
    assert label_frequencies(slices, np.arange(0), 4) == pytest.approx([1 / 4] * 4)


def test_predictions_and_samples_are_the_networks():
    data, models = toy_data(), tiny_models()
    seen = observe(models, data, "cpu")
    logits = models["C"](models["G"](torch.from_numpy(data.target.images))).detach()
    assert np.array_equal(seen.predicted, logits.argmax(dim=1).numpy())
    assert seen.reliable.shape == seen.predicted.shape and 0 < seen.reliable.mean() < 1
    plain = seen.data["target_train"]
    places = observation._plain(data, seen.predicted.size)
    expected = logits.permute(0, 2, 3, 1).reshape(-1, CLASSES)[places]
    assert torch.allclose(plain["logits"], expected, atol=1e-6)
    assert torch.allclose(plain["preds"].sum(dim=1), torch.ones(len(places)), atol=1e-5)
    balanced = seen.data["target_balanced"]
    counts = torch.bincount(balanced["logits"].argmax(dim=1), minlength=CLASSES)
    assert counts.tolist() == [data.pixels // CLASSES] * CLASSES
    # features where the head reads them: half the pixels each way
    n, y, x = np.unravel_index(observation._balanced(data, seen.predicted), seen.predicted.shape)
    levels = models["G"](torch.from_numpy(data.target.images)).detach()
    assert torch.allclose(balanced["features"], levels[n, :, y // 2, x // 2], atol=1e-6)


def test_the_source_is_counted_where_it_is_labelled():
    data, models = toy_data(), tiny_models()
    confusion = observe(models, data, "cpu").data["src_val"]["confusion"]
    found = models["C"](models["G"](torch.from_numpy(data.source.images))).argmax(dim=1).numpy()
    for truth in range(CLASSES):
        for label in range(CLASSES):
            assert confusion[truth, label] == ((data.source.labels == truth) & (found == label)).sum()
    assert confusion.sum() == 5 * SIZE * SIZE


def test_the_batch_does_not_matter_and_nothing_of_torchs_moves(monkeypatch):
    data, models = toy_data(), small_segmenter()
    models["G"].train()
    models["C"].eval()
    before = {key: value.clone() for key, value in models["G"].state_dict().items()}
    state = torch.random.get_rng_state()
    whole = observe(models, data, "cpu")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert models["G"].training and not models["C"].training
    assert all(torch.equal(value, before[key]) for key, value in models["G"].state_dict().items())
    monkeypatch.setattr(observation, "BATCH", 4)
    parts = observe(models, data, "cpu")
    assert np.array_equal(whole.predicted, parts.predicted) and np.array_equal(whole.reliable, parts.reliable)
    first, second = scores(whole), scores(parts)
    assert first.keys() == second.keys()
    assert all(first[name] == pytest.approx(second[name], abs=1e-4) for name in first)


class Constant(nn.Module):
    """A head that says background everywhere."""

    def forward(self, features):
        logits = torch.zeros(len(features), CLASSES, 2 * features.shape[2], 2 * features.shape[3])
        logits[:, 0] = 50
        return logits


def test_a_collapsed_network_is_scored_and_wins_by_no_more_than_its_certainty():
    data = toy_data()
    good = tiny_models()
    found, collapsed = (scores(observe({**good, "C": head}, data, "cpu")) for head in (good["C"], Constant()))
    assert all(value is not None for value in collapsed.values())
    assert collapsed["entropy"] > found["entropy"]  # why entropy alone is a poor judge
    for name in ("source-dice", "prototypes", "consistency"):
        assert collapsed[name] < found[name], name


def test_few_pixels_and_one_slice_are_enough():
    data = toy_data(n=2, pixels=2)
    assert all(value is not None for value in scores(observe(tiny_models(), data, "cpu")).values())
