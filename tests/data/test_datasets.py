"""The classes of a run: the names that both domains have, and a name that none may have."""

import json

import numpy as np
import pytest

from seasa_da.data.datasets import (
    require_training_labels,
    shared_class_names,
    source_slices,
    source_validation_slices,
)
from seasa_da.data.labels import open_labels
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError

ALONE = (("b", "ct"), ("d", "ct"), ("e", "mri"))


@pytest.fixture
def store(own_store):
    """A function that gives the two domains' labels other names: `store(ct=[…], mri=[…])`."""

    def named(**label_names):
        path = own_store / "manifest.json"
        content = json.loads(path.read_text())
        for domain, names in label_names.items():
            content["domains"][domain]["label_names"] = names
            content["domains"][domain]["label_values"] = list(range(1, len(names) + 1))
        path.write_text(json.dumps(content))
        return SliceStore.open(own_store)

    return named


def test_the_names_that_both_have_in_the_sources_order(store):
    both = store(ct=["a", "b", "c", "d"], mri=["c", "a", "e"])
    names, lines = shared_class_names(both, "ct", "mri")
    assert names == ("a", "c")
    assert [line.split(":")[0] for line in lines] == [f"label {name!r} is only in {domain!r}" for name, domain in ALONE]


def test_a_target_without_names_takes_the_sources(store):
    assert shared_class_names(store(ct=["a", "b"], mri=[]), "ct", "mri") == (("a", "b"), [])


@pytest.mark.parametrize("target", [[], ["mean", "b"]])
def test_no_class_may_be_called_as_the_mean_over_classes_is(store, target):
    with pytest.raises(UserError, match=r"a label cannot be called 'mean'.*; rename it") as caught:
        shared_class_names(store(ct=["b", "mean"], mri=target), "ct", "mri")
    assert str(store().path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mean_that_is_background_in_the_run_may_stay(store):
    assert shared_class_names(store(ct=["b", "mean"], mri=["b"]), "ct", "mri")[0] == ("b",)


@pytest.mark.parametrize(
    ("src", "tgt", "said"),
    [
        ("ct", "mr", r"no domain 'mr'; --tgt has to be one of its domains: ct, mri"),
        ("t1", "mri", r"'t1'; --src has to"),
    ],
)
def test_a_domain_that_is_not_there_is_named_with_its_option(store, src, tgt, said):
    with pytest.raises(UserError, match=said):
        shared_class_names(store(), src, tgt)


def test_labels_are_wanted_of_the_domain_that_a_run_trains_on(own_store):
    store = SliceStore.open(own_store)
    require_training_labels(store, "ct", "mri", oracle=False)
    (own_store / "mri" / "train_labels.npy").unlink()
    require_training_labels(store, "ct", "mri", oracle=False)
    with pytest.raises(UserError, match=r"'mri' of .* no training labels; a source needs them \(swap"):
        require_training_labels(store, "mri", "ct", oracle=False)
    require_training_labels(store, "mri", "ct", oracle=True)
    with pytest.raises(UserError, match=r"'mri' of .* no training labels; the upper bound trains on the target's"):
        require_training_labels(store, "ct", "mri", oracle=True)


class TestSourceValidation:
    def test_the_labelled_test_slices(self, store):
        both = store()
        names = both.domain("ct").label_names
        slices, split = source_validation_slices(both, "ct", names)
        assert split == "test" and np.array_equal(slices.labels, open_labels(both, "ct", "test"))
        assert len(slices) == len(slices.labels) == len(both.images("ct", "test")) > 0

    def test_the_training_slices_where_there_are_none(self, store):
        both = store()
        names = both.domain("ct").label_names
        (both.path / "ct" / "test_labels.npy").unlink()
        slices, split = source_validation_slices(both, "ct", names)
        assert split == "train" and np.array_equal(slices.labels, open_labels(both, "ct", "train"))


def test_labels_are_the_runs_classes(store):
    both = store()
    own = both.domain("ct").label_names
    slices = source_slices(both, "ct", [own[2], own[0]])  # another order, and not all of them
    stored = open_labels(both, "ct", "train")
    indices = np.array([3, 0, 3, len(stored) - 1])
    labels = slices.take_labels(indices)
    assert labels.dtype == np.uint8 and labels.flags.writeable
    assert np.array_equal(labels, slices.to_class[stored[indices]])
    assert set(np.unique(labels)) == {0, 1, 2}
    assert slices.to_class[[0, 1, 2, 3, 4, 255]].tolist() == [0, 2, 0, 1, 0, 255]
