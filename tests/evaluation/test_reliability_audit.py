"""What masks are worth, by hand, and that labels are read through the one door."""

import numpy as np
import pytest

from seasa_da.errors import UserError
from seasa_da.evaluation import reliability_audit
from seasa_da.evaluation.reliability_audit import audit_masks, mask_figures


class Info:
    label_names = ("A", "C")


class Store:
    """The part of a store that is asked."""

    def domain(self, name):
        assert name == "mri"
        return Info()


def masks(path, predicted, reliable, slices=(2,)):
    np.savez_compressed(
        path,
        names=np.array(["000-adapt-00000004"]),
        updates=np.array([4]),
        slices=np.array(slices),
        predicted=np.array(predicted, dtype=np.uint8)[None],
        reliable=np.array(reliable, dtype=bool)[None],
    )
    return path


def test_by_hand():
    right = np.array([1, 1, 1, 0, 0, 0, 1, 0], dtype=bool)
    reliable = np.array([1, 1, 1, 1, 0, 0, 0, 0], dtype=bool)
    assert mask_figures(right, reliable) == {
        "pixels": 8,
        "reliable": 4 / 8,
        "accuracy_reliable": 3 / 4,
        "accuracy_unreliable": 1 / 4,
        "recall_right": 3 / 4,
        "precision_errors": 3 / 4,
        "recall_errors": 3 / 4,
    }


def test_what_there_is_nothing_to_say_of_is_null():
    found = mask_figures(np.ones(3, bool), np.ones(3, bool))
    assert (found["accuracy_unreliable"], found["precision_errors"], found["recall_errors"]) == (None, None, None)
    assert found["accuracy_reliable"] == found["recall_right"] == 1
    assert set(mask_figures(np.ones(0, bool), np.ones(0, bool)).values()) == {0, None}


def test_against_the_hidden_labels_of_the_right_slices(tmp_path, monkeypatch):
    # the domain's labels: 1 is A, 2 is C; the run's classes are C and A
    labels = np.zeros((3, 1, 5), dtype=np.uint8)
    labels[2] = [[0, 1, 2, 1, 255]]
    asked = []

    def open_labels(store, domain, split):
        asked.append((domain, split))
        return labels

    monkeypatch.setattr(reliability_audit, "open_labels", open_labels)
    # in the run's classes the reference is 0 2 1 2 (ignored)
    file = masks(tmp_path / "masks.npz", [[[0, 2, 2, 0, 1]]], [[[1, 1, 0, 1, 1]]])
    content = audit_masks(file, Store(), "mri", ["C", "A"])
    assert asked == [("mri", "train")]
    (found,) = content["candidates"]
    assert (found["name"], found["updates"], content["slices"]) == ("000-adapt-00000004", 4, 1)
    assert found["all"]["pixels"] == 4
    assert found["all"]["accuracy_reliable"] == pytest.approx(2 / 3)
    assert found["all"]["accuracy_unreliable"] == 0
    assert found["foreground"]["pixels"] == 3 and found["foreground"]["accuracy_reliable"] == 0.5
    assert found["structures"]["C"] == mask_figures(np.array([False]), np.array([False]))
    assert found["structures"]["A"]["pixels"] == 3


def test_a_target_without_training_labels_has_no_audit(tmp_path, monkeypatch):
    monkeypatch.setattr(reliability_audit, "open_labels", lambda *args: None)
    assert audit_masks(tmp_path / "not there", Store(), "mri", ["A"]) is None


@pytest.mark.parametrize("content", [b"", b"no zip", "other"])
def test_damage_is_named(tmp_path, monkeypatch, content):
    monkeypatch.setattr(reliability_audit, "open_labels", lambda *args: np.zeros((3, 1, 2), np.uint8))
    file = tmp_path / "masks.npz"
    if content == "other":
        masks(file, [[[0, 2]]], [[[1]]])
    else:
        file.write_bytes(content)
    with pytest.raises(UserError, match=r"masks\.npz is damaged"):
        audit_masks(file, Store(), "mri", ["A"])
