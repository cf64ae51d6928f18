"""Calibration by hand, and against a computation voxel by voxel."""

import math

import numpy as np
import pytest
import torch

from seasa_da.data.case import IGNORED
from seasa_da.evaluation.calibration import BINS, LOW_ENTROPY, Calibration, summary


def logits_of(probs):
    """`(B, K, 1, V)` logits of probabilities `(V, K)` of one slice."""
    return torch.tensor(probs).double().log().T[None, :, None, :]


def counted(probs, truth, names=("A",), structures=None):
    found = Calibration(names, structures)
    found.add(logits_of(probs), np.array([[truth]], dtype=np.uint8))
    return found


def random_case(classes=4, n=3, size=16, seed=0):
    draws = np.random.default_rng(seed)
    logits = torch.from_numpy(draws.normal(scale=2, size=(n, classes, size, size))).float()
    truth = draws.integers(0, classes, (n, size, size)).astype(np.uint8)
    truth[draws.random(truth.shape) < 0.1] = IGNORED
    return logits, truth


def by_voxel(confidence, right):
    """Expected calibration error by Guo et al., bin after bin."""
    error = 0.0
    for place in range(BINS):
        low, high = place / BINS, (place + 1) / BINS
        own = (confidence > low) & (confidence <= high)
        if own.any():
            error += own.mean() * abs(right[own].mean() - confidence[own].mean())
    return error


def test_by_hand():
    # 0.9 sure and right, right, wrong; 0.6 sure and right
    found = counted([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.4, 0.6]], [0, 0, 1, 1])
    assert found.region("all").error() == pytest.approx(0.75 * abs(2 / 3 - 0.9) + 0.25 * 0.4, abs=1e-6)
    # the one voxel that is called the structure: 0.6 sure, and right
    assert found.region("foreground").error() == pytest.approx(0.4, abs=1e-6)
    assert found.region("A").error() == pytest.approx(0.4, abs=1e-6)
    content = found.content()
    assert content["all"]["voxels"] == 4 and content["all"]["accuracy"] == 0.75
    assert sum(one["count"] for one in content["all"]["bins"]) == 4
    filled = [one for one in content["all"]["bins"] if one["count"]]
    assert [(one["count"], one["accuracy"]) for one in filled] == [(1, 1.0), (3, pytest.approx(2 / 3))]
    assert all(one["accuracy"] is None for one in content["all"]["bins"] if not one["count"])


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_as_voxel_by_voxel(classes):
    names = [f"S{place}" for place in range(1, classes)]
    logits, truth = random_case(classes)
    found = Calibration(names)
    found.add(logits, truth)
    probs = logits.double().softmax(dim=1).permute(0, 2, 3, 1).numpy()[truth != IGNORED]
    scored = truth[truth != IGNORED]
    label = probs.argmax(axis=1)
    assert found.region("all").error() == pytest.approx(by_voxel(probs.max(axis=1), label == scored), abs=1e-5)
    shown = label > 0
    expected = by_voxel(probs.max(axis=1)[shown], (label == scored)[shown])
    assert found.region("foreground").error() == pytest.approx(expected, abs=1e-5)
    for place, name in enumerate(names, start=1):
        own = label == place
        assert found.region(name).error() == pytest.approx(by_voxel(probs[own, place], scored[own] == place), abs=1e-5)
    entropy = -(probs * np.log(probs)).sum(axis=1)
    low, wrong = entropy < LOW_ENTROPY * math.log(classes), label != scored
    content = found.content()
    assert content["confident_errors"]["of_errors"] == pytest.approx(low[wrong].mean())
    assert content["confident_errors"]["of_confident"] == pytest.approx(wrong[low].mean())
    assert content["entropy"]["wrong"] == pytest.approx(entropy[wrong].mean(), rel=1e-5)
    assert content["entropy"]["right"] == pytest.approx(entropy[~wrong].mean(), rel=1e-5)


def test_batches_do_not_matter():
    logits, truth = random_case(n=5)
    whole, parts = Calibration("ABC"), Calibration("ABC")
    whole.add(logits, truth)
    for start in (0, 2, 4):
        parts.add(logits[start : start + 2], truth[start : start + 2])
    one, other = whole.content(), parts.content()
    for region in ("all", "foreground"):
        assert [bin_["count"] for bin_ in one[region]["bins"]] == [bin_["count"] for bin_ in other[region]["bins"]]
        assert one[region]["ece"] == pytest.approx(other[region]["ece"], abs=1e-9)


def test_who_is_as_right_as_certain_has_no_error_and_who_is_too_certain_has():
    draws = np.random.default_rng(0)
    sure = draws.uniform(0.5, 1, 40_000)
    truth = np.where(draws.random(len(sure)) < sure, 1, 0).astype(np.uint8)
    honest = Calibration(["A"])
    honest.add(logits_of(np.stack([1 - sure, sure], axis=1)), truth[None, None])
    assert honest.region("all").error() < 0.01
    boaster = Calibration(["A"])
    boaster.add(logits_of(np.tile([0.001, 0.999], (len(sure), 1))), truth[None, None])
    assert boaster.region("all").error() == pytest.approx(0.999 - truth.mean(), abs=1e-4)


def test_ignored_voxels_count_nowhere():
    some = counted([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [0, 1, IGNORED])
    assert some.content() == counted([[0.9, 0.1], [0.2, 0.8]], [0, 1]).content()


def test_what_is_not_defined_is_null():
    right = counted([[0.9, 0.1]] * 3, [0, 0, 0]).content()
    assert right["foreground"]["ece"] is None and right["structures"]["A"]["ece"] is None
    assert right["confident_errors"] == {"of_errors": None, "of_confident": None}
    assert right["entropy"]["wrong"] is None
    wrong = counted([[0.999, 0.001]] * 3, [1, 1, 1]).content()
    assert wrong["confident_errors"] == {"of_errors": 1.0, "of_confident": 1.0}
    assert wrong["entropy"]["right"] is None
    nothing = Calibration(["A"]).content()
    assert nothing["all"]["ece"] is None and nothing["all"]["voxels"] == 0


def test_structures_that_the_reference_does_not_know_are_left_out():
    found = counted([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]], [0, 2], names=("A", "B"), structures=["B"])
    assert list(found.content()["structures"]) == ["B"]
    assert summary(found.content())["ece"].keys() == {"all", "foreground", "B"}
    with pytest.raises(KeyError):
        found.region("A")


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not go with"):
        Calibration(["A"]).add(torch.zeros(1, 2, 4, 4), np.zeros((1, 4, 5), np.uint8))
    with pytest.raises(ValueError, match="do not go with"):
        Calibration(["A"]).add(torch.zeros(1, 3, 4, 4), np.zeros((1, 4, 4), np.uint8))
