import numpy as np
import pytest

from seasa_da.evaluation.evaluate import evaluate_domain

from .standins import Case, Domain, Store, threshold_labels, threshold_segment

NAMES = ("AA", "MYO")


@pytest.fixture(autouse=True)
def door(monkeypatch):
    """Labels come through `open_labels` alone."""

    def open_labels(store, domain, split):
        store.opened.append((domain, split))
        return store.labels

    monkeypatch.setattr("seasa_da.evaluation.evaluate.open_labels", open_labels)


def make_store(label_names=("MYO", "RV", "AA"), labelled=True):
    """Labels of the store are numbered MYO 1, RV 2, AA 3; the run's prediction AA 1, MYO 2 is right everywhere."""
    images = np.random.default_rng(0).uniform(-1, 1, (9, 1, 8, 7)).astype(np.float32)
    right = threshold_labels(images)
    labels = np.select([right == 1, right == 2], [3, 1], 0).astype(np.uint8)
    cases = (Case("p1", 0, 4), Case("p2", 4, 9), Case("seen", 0, 9, split="train"))
    return Store(Domain(label_names, cases), images, labels if labelled else None)


def test_truth_is_mapped_by_name():
    store = make_store()
    result = evaluate_domain(threshold_segment, store, "mri", NAMES)
    assert store.opened == [("mri", "test")]
    assert [(score.case, score.structure) for score in result.scores] == [
        ("p1", "AA"), ("p1", "MYO"), ("p2", "AA"), ("p2", "MYO"),
    ]  # fmt: skip
    assert all(score.dice == 100 and score.asd == 0 for score in result.scores)
    assert result.summary["dice"] == {"AA": 100, "MYO": 100, "mean": 100}
    assert result.labelled and result.units == "mm" and result.notes == ()
    assert {case: labels.shape for case, labels in result.predictions.items()} == {"p1": (4, 8, 7), "p2": (5, 8, 7)}


def test_a_label_that_is_no_class_is_background():
    store = make_store()
    store.labels[store.labels == 0] = 2  # RV
    result = evaluate_domain(threshold_segment, store, "mri", NAMES)
    assert result.summary["dice"]["mean"] == 100


def test_ignored_voxels_are_not_scored():
    store = make_store()
    store.slices[:, 0, :4] = 0.9  # MYO
    store.labels[:, :4] = 255
    seen = []
    result = evaluate_domain(threshold_segment, store, "mri", NAMES, on_case=seen.append)
    assert result.summary["dice"] == {"AA": 100, "MYO": 100, "mean": 100}
    assert (seen[0].truth[:, :4] == 255).all()


def test_a_class_without_labels_in_the_domain_is_not_scored():
    store = make_store(label_names=("MYO", "RV", "other"))
    result = evaluate_domain(threshold_segment, store, "mri", NAMES)
    assert result.summary["dice"] == {"AA": None, "MYO": 100, "mean": 100}
    assert {score.structure for score in result.scores} == {"MYO"}
    assert result.notes == ("'AA' is no label of 'mri' of store: not scored",)


@pytest.mark.parametrize(("units", "expected"), [("mm", 1.0), ("voxel", 2.0)])
def test_units(units, expected):
    store = make_store()
    store.labels[:] = 0
    store.labels[:, 2, 5] = 3
    store.slices[:] = -1
    store.slices[:, 0, 2, 3] = 0  # two columns of 0.5 mm away
    result = evaluate_domain(threshold_segment, store, "mri", NAMES, units=units)
    assert result.summary["asd"]["AA"] == expected
    assert result.summary["dice"] == {"AA": 0, "MYO": 100, "mean": 50}
    assert result.summary["asd_undefined"] == {"AA": 0, "MYO": 2}


def test_without_labels():
    result = evaluate_domain(threshold_segment, make_store(label_names=(), labelled=False), "mri", NAMES)
    assert not result.labelled
    assert result.notes == ("'mri' of store has no test labels: nothing to score",)
    assert result.scores == []
    assert result.summary["dice"] == {"AA": None, "MYO": None, "mean": None}
    assert set(result.predictions) == {"p1", "p2"}


def test_cases_one_by_one():
    seen = []
    store = make_store()
    result = evaluate_domain(
        threshold_segment, store, "mri", NAMES, keep_predictions=False, entropy=True, on_case=seen.append
    )
    assert result.predictions == {}
    assert len(result.scores) == 4
    assert [item.case.id for item in seen] == ["p1", "p2"]
    np.testing.assert_array_equal(seen[1].labels, threshold_labels(store.slices[4:]))
    np.testing.assert_array_equal(seen[1].truth, seen[1].labels)
    assert seen[1].entropy.shape == (5, 8, 7)
    evaluate_domain(threshold_segment, make_store(labelled=False), "mri", NAMES, on_case=seen.append)
    assert seen[-1].truth is None and seen[-1].entropy is None
