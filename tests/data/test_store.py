"""Opening stores, whole and broken."""

import json
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest

from seasa_da.data.labels import labels_exist, open_labels
from seasa_da.data.store import Manifest, SliceStore, _check_domain
from seasa_da.errors import UserError


def edit(store, change):
    path = store / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_arrays_are_read_only_maps(store_folder):
    store = SliceStore.open(store_folder)
    for array in (store.stored_images("ct", "train"), open_labels(store, "ct", "train")):
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_images_are_mapped_to_the_range_where_they_are_read(store_folder):
    store = SliceStore.open(store_folder)
    stored, images, [channel] = (
        store.stored_images("mri", "train"),
        store.images("mri", "train"),
        store.domain("mri").channels,
    )
    expected = np.clip(2 * (stored - channel.lo) / (channel.hi - channel.lo) - 1, -1, 1)
    assert images.shape == stored.shape
    assert len(images) == len(stored)
    np.testing.assert_allclose(np.asarray(images), expected, atol=1e-5)
    whole = np.asarray(images)
    numbers = (3, -1, np.int64(2), np.array([5, 0, 5]), np.array([-1, 2]), [1, 2], [], np.array([[1, 0], [2, 5]]))
    slices = (slice(2, 9), slice(None, None, -2), slice(4, 4), (slice(None), 0), (4, 0, slice(3, 5)))
    for index in (*numbers, *slices, np.arange(len(whole)) % 2 == 0):
        assert np.array_equal(images[index], whole[index])
        assert images[index].dtype == np.float32


def test_every_channel_has_its_own_range():
    from seasa_da.data.arrays import ScaledImages

    stored = np.stack([np.full((2, 4, 4), 5.0), np.full((2, 4, 4), 30.0)], axis=1).astype(np.float32)
    images = ScaledImages(stored, lo=[0, 20], hi=[10, 40])
    assert (images[:] == 0).all()
    assert (ScaledImages(stored, lo=[0, 20], hi=[20, 30])[1, :, 0, 0] == [-0.5, 1]).all()


def test_the_store_itself_has_no_way_to_labels():
    public = {name for name in vars(SliceStore) if not name.startswith("_")}
    assert public == {"open", "domain", "record", "records", "sealed", "images", "stored_images", "fingerprint"}


def test_cases_by_split(store_folder):
    domain = SliceStore.open(store_folder).domain("mri")
    assert [case.id for case in domain.split_cases("train")] == ["1004", "1005"]
    assert [case.id for case in domain.split_cases("test")] == ["1006"]


def test_unknown_names_list_the_right_ones(store_folder):
    store = SliceStore.open(store_folder)
    with pytest.raises(UserError, match="no domain 'pet'; its domains: ct, mri"):
        store.domain("pet")
    with pytest.raises(UserError, match="unknown split 'val'; splits: train, test"):
        store.images("ct", "val")


def test_fingerprints_tell_files_and_contents_apart(own_store):
    store = SliceStore.open(own_store)
    images, labels, target = ("ct", "train", "images"), ("ct", "train", "labels"), ("mri", "train", "images")
    fingerprint = store.fingerprint([images, labels, target])
    assert len(fingerprint) == 64
    assert fingerprint == store.fingerprint([target, labels, images])
    assert fingerprint != store.fingerprint([images, labels])
    (own_store / "mri" / "train_labels.npy").unlink()
    assert SliceStore.open(own_store).fingerprint([images, labels, target]) == fingerprint
    edit(own_store, lambda m: m["domains"]["ct"]["files"]["train_images.npy"].update(sha256="0" * 64))
    assert SliceStore.open(own_store).fingerprint([images, labels, target]) != fingerprint
    edit(own_store, lambda m: m["domains"]["mri"]["channels"][0].update(hi=9.0))
    assert SliceStore.open(own_store).fingerprint([target]) != store.fingerprint([target])


def set_in(*keys, value):
    def change(manifest):
        for key in keys[:-1]:
            manifest = manifest[key]
        manifest[keys[-1]] = value

    return change


BROKEN_MANIFESTS = {
    "foreign": (lambda m: (m.clear(), m.update(name="else")), "not the manifest of a seasa-da slice store"),
    "version": (set_in("version", value=1), "format version 1, this program reads 2"),
    "no domains": (lambda m: m.pop("domains"), "broken at domains"),
    "setting": (set_in("settings", "size", value=-1), "broken at settings.size"),
    "name": (lambda m: m["domains"].update({"../ct": m["domains"]["ct"]}), "broken at domains"),
    "channels": (set_in("domains", "ct", "channels", value=[]), r"broken at domains\.ct\.channels"),
    "range": (set_in("domains", "ct", "channels", 0, "hi", value=-9.0), "the range of a channel is empty"),
    "values": (set_in("domains", "ct", "label_values", value=[1]), "4 label names, but 1 values"),
    "split": (set_in("domains", "ct", "cases", 0, "split", value="val"), r"broken at domains\.ct\.cases\.0\.split"),
    "gap": (set_in("domains", "ct", "cases", 1, "start", value=3), "case 1002 has slices 3 to"),
    "twice": (set_in("domains", "ct", "cases", 1, "id", value="1001"), "case 1001 is listed more than once"),
    "count": (set_in("domains", "ct", "files", "train_images.npy", "shape", value=[1, 1, 24, 24]), "cases have"),
    "no images": (lambda m: m["domains"]["ct"]["files"].pop("test_images.npy"), "test_images.npy is not listed"),
    "labels": (set_in("domains", "ct", "files", "test_labels.npy", "shape", value=[3]), r"test_labels\.npy has shape"),
}


@pytest.mark.parametrize("fault", BROKEN_MANIFESTS)
def test_a_broken_manifest_is_one_line(own_store, fault):
    change, message = BROKEN_MANIFESTS[fault]
    edit(own_store, change)
    with pytest.raises(UserError, match=message) as caught:
        SliceStore.open(own_store)
    assert str(own_store / "manifest.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_store_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        SliceStore.open(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"is not a store: it has no manifest\.json"):
        SliceStore.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        SliceStore.open(tmp_path)
    with pytest.raises(UserError, match="is a file"):
        SliceStore.open(tmp_path / "manifest.json")


def truncated(path):
    path.write_bytes(path.read_bytes()[:-10])


def other_header(path):
    content = path.read_bytes()
    path.write_bytes(content.replace(b"'<f4'", b"'<i4'").replace(b"'|u1'", b"'|i1'"))


def no_array(path):
    path.write_bytes(bytes(path.stat().st_size))


BROKEN_ARRAYS = {
    "truncated": (truncated, "bytes, its manifest says"),
    "other header": (other_header, "its manifest says"),
    "zeros": (no_array, "is not a NumPy array"),
}


@pytest.mark.parametrize("fault", BROKEN_ARRAYS)
def test_a_broken_array_is_one_line(own_store, fault):
    damage, message = BROKEN_ARRAYS[fault]
    store = SliceStore.open(own_store)
    for kind, read in (
        ("images", lambda: store.images("ct", "train")),
        ("labels", lambda: open_labels(store, "ct", "train")),
    ):
        damage(own_store / "ct" / f"train_{kind}.npy")
        with pytest.raises(UserError, match=message) as caught:
            read()
        assert f"train_{kind}.npy" in str(caught.value)
        assert "\n" not in str(caught.value)
    store.images("mri", "train")  # what is not broken stays readable


def test_missing_images_are_an_error_and_missing_labels_are_not(own_store):
    store = SliceStore.open(own_store)
    assert labels_exist(store, "mri", "train")
    (own_store / "mri" / "train_labels.npy").unlink()
    assert open_labels(store, "mri", "train") is None
    assert not labels_exist(store, "mri", "train")
    (own_store / "mri" / "train_images.npy").unlink()
    with pytest.raises(UserError, match=r"train_images\.npy is missing"):
        store.images("mri", "train")
    shutil.rmtree(own_store / "ct")
    with pytest.raises(UserError, match="is missing"):
        store.images("ct", "test")


def test_a_release_of_many_slices_is_checked_in_time(store_folder):
    manifest = Manifest.model_validate_json((store_folder / "manifest.json").read_text())
    domain = manifest.domains["ct"]
    first, count = domain.cases[0], 30_000
    cases = tuple(replace(first, id=f"slice{n}", start=n, stop=n + 1) for n in range(count))
    files = {}
    for name, record in domain.files.items():
        slices = count if name.startswith(first.split) else 0
        files[name] = replace(record, shape=(slices, *record.shape[1:]))
    start = time.process_time()
    _check_domain(store_folder, "ct", domain.model_copy(update={"cases": cases, "files": files}))
    assert time.process_time() - start < 3  # comparing every id with every other took a quarter of a minute
