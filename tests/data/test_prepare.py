"""From raw folder to store: contents, determinism, freedom from labels, refusals."""

import json
import shutil
import subprocess
import sys

import nibabel
import numpy as np
import pytest

from data.conftest import SMALL
from seasa_da.config import DataSettings
from seasa_da.data.labels import open_labels
from seasa_da.data.prepare import prepare
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError

TINY = DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0)


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_store_holds_every_case_in_range(phantom_folder, store_folder):
    store = SliceStore.open(store_folder)
    assert store.settings == SMALL
    assert store.domains == ("ct", "mri")
    for name in store.domains:
        domain = store.domain(name)
        assert domain.label_names == ("AA", "LAC", "LVC", "MYO")
        assert domain.channels == 1
        assert [case.split for case in domain.cases] == ["train", "train", "test"]
        for split in ("train", "test"):
            images, labels = store.images(name, split), open_labels(store, name, split)
            assert images.dtype == np.float32
            assert labels.dtype == np.uint8
            assert images.shape == (domain.split_cases(split)[-1].stop, 1, 24, 24)
            assert labels.shape == (len(images), 24, 24)
            assert images.min() >= -1
            assert images.max() <= 1
            assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
        train = store.images(name, "train")
        assert train.min() == -1
        assert train.max() > 0.95


def test_a_record_leads_back_to_the_original_volume(phantom_folder, store_folder):
    store = SliceStore.open(store_folder)
    for name, prefix in (("ct", "ct"), ("mri", "mr")):
        record = store.domain(name).cases[1]
        original = nibabel.load(phantom_folder / f"{prefix}_train" / f"{prefix}_train_{record.id}_label.nii.gz")
        assert record.original_shape == original.shape
        assert np.array_equal(np.array(record.original_affine), original.affine)
        assert record.spacing_mm == (8.0, 8.0, 8.0)
        # the label's centre is at the same place in both grids, to half a voxel
        labels = open_labels(store, name, "train")[record.start : record.stop]
        here = np.array(record.affine)[:3] @ np.append(np.argwhere(labels == 3).mean(axis=0), 1)
        there = original.affine[:3] @ np.append(np.argwhere(np.asarray(original.dataobj) == 500).mean(axis=0), 1)
        assert np.abs(here - there).max() < 4


def test_bytes_depend_on_neither_time_nor_workers(phantom_folder, store_folder, tmp_path):
    prepare(phantom_folder, tmp_path / "again", SMALL, workers=1)
    assert content(tmp_path / "again") == content(store_folder)


def test_hashes_in_the_manifest_are_those_of_the_files(store_folder):
    from seasa_da.files import sha256_file

    manifest = json.loads((store_folder / "manifest.json").read_text())
    for name, domain in manifest["domains"].items():
        assert len(domain["files"]) == 4
        for file, record in domain["files"].items():
            assert record["sha256"] == sha256_file(store_folder / name / file)
            assert record["bytes"] == (store_folder / name / file).stat().st_size


def test_deleting_the_targets_labels_changes_no_image(phantom_folder, store_folder, tmp_path):
    raw = shutil.copytree(phantom_folder, tmp_path / "raw")
    for path in (raw / "mr_train").glob("*_label.nii.gz"):
        path.unlink()
    prepare(raw, tmp_path / "store", SMALL)
    whole, bare = SliceStore.open(store_folder), SliceStore.open(tmp_path / "store")
    for split in ("train", "test"):
        file = f"mri/{split}_images.npy"
        assert (tmp_path / "store" / file).read_bytes() == (store_folder / file).read_bytes()
        assert open_labels(bare, "mri", split) is None
        assert not (tmp_path / "store" / "mri" / f"{split}_labels.npy").exists()
        assert open_labels(bare, "ct", split) is not None
    assert bare.intensity_range("mri") == whole.intensity_range("mri")
    files = [("ct", "train", "images"), ("ct", "train", "labels"), ("mri", "train", "images")]
    assert bare.fingerprint(files) == whole.fingerprint(files)


def test_test_volumes_do_not_move_the_range(raw, tmp_path):
    prepare(raw, tmp_path / "one", TINY)
    path = raw / "ct_train" / "ct_train_1003_image.nii.gz"
    image = nibabel.load(path)
    changed = np.asarray(image.dataobj) ** 2 // 1000
    nibabel.save(nibabel.Nifti1Image(changed.astype(np.int16), image.affine), path)
    prepare(raw, tmp_path / "two", TINY)
    one, two = SliceStore.open(tmp_path / "one"), SliceStore.open(tmp_path / "two")
    assert one.intensity_range("ct") == two.intensity_range("ct")
    assert np.array_equal(one.images("ct", "train"), two.images("ct", "train"))
    assert not np.array_equal(one.images("ct", "test"), two.images("ct", "test"))


def test_labels_in_a_part_of_a_split_are_refused(raw, tmp_path):
    (raw / "ct_train" / "ct_train_1002_label.nii.gz").unlink()
    with pytest.raises(UserError, match="case 1002 of domain ct has no label"):
        prepare(raw, tmp_path / "store", TINY)


def test_labels_in_one_split_only_are_fine(raw, tmp_path):
    (raw / "ct_train" / "ct_train_1003_label.nii.gz").unlink()
    prepare(raw, tmp_path / "store", TINY)
    store = SliceStore.open(tmp_path / "store")
    assert open_labels(store, "ct", "train") is not None
    assert open_labels(store, "ct", "test") is None


def test_one_volume_under_two_names_is_refused(raw, tmp_path):
    first = raw / "ct_train" / "ct_train_1001_image.nii.gz"
    third = raw / "ct_train" / "ct_train_1003_image.nii.gz"
    # packed again, so that the files differ and the voxels do not
    image = nibabel.load(first)
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj, dtype=np.float32), image.affine), third)
    assert first.read_bytes() != third.read_bytes()
    with pytest.raises(UserError, match=r"1003_image.*1001_image.* are the same volume"):
        prepare(raw, tmp_path / "store", TINY)
    assert not (tmp_path / "store").exists()


def test_a_bad_file_is_named_and_nothing_is_left(raw, tmp_path):
    path = raw / "ct_train" / "ct_train_1002_image.nii.gz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match=r"ct_train_1002_image\.nii\.gz"):
        prepare(raw, tmp_path / "store", TINY)
    assert [entry.name for entry in tmp_path.iterdir()] == ["raw"]


def test_an_occupied_out_is_refused_before_any_work(raw, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="store exists and is not empty"):
        prepare(raw, tmp_path / "store", TINY, on_case=pytest.fail)
    with pytest.raises(UserError, match="exists and is not empty"):
        prepare(raw, tmp_path / "store" / "mine.txt", TINY)
    with pytest.raises(UserError, match=r"mine\.txt"):
        prepare(raw, tmp_path / "store" / "mine.txt" / "below", TINY)


def test_progress_and_notes(raw, tmp_path):
    (raw / "mr_test").mkdir()
    steps, lines = [], []
    prepare(raw, tmp_path / "store", TINY, on_case=lambda: steps.append(1), say=lines.append)
    assert len(steps) == 3
    assert lines == ["not used: mr_test (the challenge's cases without labels)"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on a file's size there")
def test_a_full_disk_is_one_line_and_leaves_nothing(raw, tmp_path):
    script = """
import resource, sys
from pathlib import Path
from seasa_da.config import DataSettings
from seasa_da.data.prepare import prepare
from seasa_da.errors import UserError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    prepare(Path(sys.argv[1]), Path(sys.argv[2]), DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0))
except UserError as error:
    print(error)
"""
    command = [sys.executable, "-c", script, str(raw), str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"cannot write {tmp_path / 'store'}: File too large" in done.stdout
    assert done.stdout.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["raw"]
