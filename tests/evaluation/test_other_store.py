"""What another store must have to be scored by a run, and what is said of the rest."""

import json

import numpy as np
import pytest

from seasa_da.data.recipe import Recipe
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.evaluation.other_store import fitting_images

from .stores import write_store


@pytest.fixture
def recipe(tmp_path):
    return Recipe.of_store(write_store(tmp_path / "own"), "ct", "mri", ("AA", "MYO"))


def edited(store, change):
    path = store.path / "manifest.json"
    content = json.loads(path.read_text())
    change(content["domains"]["mri"])
    path.write_text(json.dumps(content))
    return SliceStore.open(store.path)


def test_a_store_like_the_runs_own_is_taken_as_it_is(recipe, tmp_path):
    store = write_store(tmp_path / "other", domains=("mri",))
    images, notes = fitting_images(store, recipe, "test")
    assert notes == ()
    assert np.array_equal(np.asarray(images), np.asarray(store.images("mri", "test")))


def test_intensities_are_in_the_runs_range(recipe, tmp_path):
    store = write_store(tmp_path / "other", channel={"lo": -1.0, "hi": 3.0})
    images, (note,) = fitting_images(store, recipe, "train")
    stored = store.stored_images("mri", "train")
    np.testing.assert_allclose(np.asarray(images), np.clip(stored / 2, -1, 1), atol=1e-6)
    assert "scaled by the run's range, -2 to 2, not by that of 'mri'" in note and note.endswith("-1 to 3")


def test_what_differs_is_said(recipe, tmp_path):
    store = write_store(tmp_path / "other", channel={"name": "T2"}, spacing_mm=0.5, depth_mm=90.0)
    _, notes = fitting_images(store, recipe, "test")
    where = f"'mri' of {store.path}"
    assert notes == (
        f"{where} was prepared with pixels of 0.5 mm, the run's data with pixels of 1 mm",
        f"{where} was prepared with slices 0.5 mm apart, the run's data with slices 1 mm apart",
        f"{where} was prepared with a depth of 90 mm, the run's data with a depth of 256 mm",
        f"channel 'T2' of {where} is taken for the run's 'MRI'",
    )


@pytest.mark.parametrize(
    ("differs", "what"),
    [
        ({"size": 24}, r"has slices of 24x24; prepare it again with --size 16"),
        ({"axis": "axial"}, r"has axial slices, the run coronal ones; prepare it again with --axis coronal"),
        ({"channels": 2}, r"has 2 channels, the run 1 \(MRI\)"),
        ({"channel": {"rule": "window:0,9"}}, r"window:0,9, the run's by zscore:2; .*--intensity mri=zscore:2"),
        ({"domains": ("ct", "mr")}, r"has no domain 'mri'; its domains: ct, mr"),
    ],
)
def test_what_does_not_fit_is_refused(recipe, tmp_path, differs, what):
    with pytest.raises(UserError, match=what):
        fitting_images(write_store(tmp_path / "other", **differs), recipe, "test")


def test_classes_are_joined_by_name(recipe, tmp_path):
    store = edited(write_store(tmp_path / "other"), lambda domain: domain.update(label_names=["MYO", "LV"]))
    fitting_images(store, recipe, "test")
    store = edited(store, lambda domain: domain.update(label_names=["liver", "LV"]))
    with pytest.raises(UserError, match="has labels liver, LV, the run knows AA, MYO: none in common"):
        fitting_images(store, recipe, "test")


def test_images_have_no_axis(recipe, tmp_path):
    def flatten(domain):
        for case in domain["cases"]:
            case["original_shape"] = [16, 16, 1]

    store = edited(write_store(tmp_path / "other", axis="axial"), flatten)
    fitting_images(store, recipe, "test")


def test_a_split_without_volumes_is_refused(recipe, tmp_path):
    def drop(domain):
        domain["cases"] = [case for case in domain["cases"] if case["split"] == "test"]
        for kind in ("images", "labels"):
            domain["files"][f"train_{kind}.npy"]["shape"][0] = 0

    store = edited(write_store(tmp_path / "other"), drop)
    np.save(store.path / "mri" / "train_images.npy", np.zeros((0, 1, 16, 16), dtype=np.float32))
    size = (store.path / "mri" / "train_images.npy").stat().st_size
    store = edited(store, lambda domain: domain["files"]["train_images.npy"].update(bytes=size))
    with pytest.raises(UserError, match=r"has no train volumes; choose the other --split"):
        fitting_images(store, recipe, "train")
