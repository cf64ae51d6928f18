"""From raw folder to store: contents, determinism, freedom from labels, refusals."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest

import seasa_da.data.prepare
from data.conftest import SMALL
from data.nnunet import write_case, write_domain
from data.volumes import write_volume
from seasa_da.config import DataSettings, RawSettings
from seasa_da.data.labels import open_labels
from seasa_da.data.prepare import prepare
from seasa_da.data.raw_folder import open_raw
from seasa_da.data.reuse import OlderStore, source_hashes
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError

TINY = DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0)


def add_case(raw, case, seed=7):
    rng = np.random.default_rng([seed, int(case)])
    stem = f"ct_train_{case}"
    write_volume(raw / "ct_train" / f"{stem}_image.nii.gz", rng.integers(0, 999, (10, 9, 8)).astype(np.int16))
    write_volume(raw / "ct_train" / f"{stem}_label.nii.gz", rng.choice(np.array([0, 500, 820], np.int16), (10, 9, 8)))


def change_case(raw, case):
    add_case(raw, case, seed=8)


def split_with_1004(tmp_path):
    path = tmp_path / "splits.json"
    path.write_text(json.dumps({"ct": {"test": ["1004"]}}))
    return path


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_store_holds_every_case_in_range(phantom_folder, store_folder):
    store = SliceStore.open(store_folder)
    assert store.settings == SMALL
    assert store.axis == "coronal"
    assert store.domains == ("ct", "mri")
    for name in store.domains:
        domain = store.domain(name)
        assert domain.label_names == ("AA", "LAC", "LVC", "MYO")
        assert [channel.rule for channel in domain.channels] == ["zscore:2"]
        assert [case.split for case in domain.cases] == ["train", "train", "test"]
        for split in ("train", "test"):
            images, labels = np.asarray(store.images(name, split)), open_labels(store, name, split)
            assert images.dtype == np.float32
            assert labels.dtype == np.uint8
            assert images.shape == (domain.split_cases(split)[-1].stop, 1, 24, 24)
            assert labels.shape == (len(images), 24, 24)
            assert images.min() >= -1
            assert images.max() <= 1
            assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
        train = np.asarray(store.images(name, "train"))
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
    assert bare.domain("mri").channels == whole.domain("mri").channels
    files = [("ct", "train", "images"), ("ct", "train", "labels"), ("mri", "train", "images")]
    assert bare.fingerprint(files) == whole.fingerprint(files)


def test_test_volumes_do_not_move_the_range(raw, tmp_path):
    prepare(raw, tmp_path / "one", TINY)
    path = raw / "ct_train" / "ct_train_1003_image.nii.gz"
    image = nibabel.load(path)
    changed = np.asarray(image.dataobj) ** 2 // 1000
    write_volume(path, changed.astype(np.int16), image.affine)
    prepare(raw, tmp_path / "two", TINY)
    one, two = SliceStore.open(tmp_path / "one"), SliceStore.open(tmp_path / "two")
    assert one.domain("ct").channels == two.domain("ct").channels
    assert np.array_equal(one.images("ct", "train"), two.images("ct", "train"))
    assert not np.array_equal(one.images("ct", "test"), two.images("ct", "test"))


def test_all_faults_are_refused_before_anything_is_written(raw, tmp_path):
    (raw / "ct_train" / "ct_train_1002_label.nii.gz").unlink()
    path = raw / "ct_train" / "ct_train_1003_image.nii.gz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError) as caught:
        prepare(raw, tmp_path / "store", TINY)
    message = str(caught.value)
    assert "1002" in message
    assert "ct_train_1003_image.nii.gz" in message
    assert "--exclude" in message
    assert "\n" not in message
    assert [entry.name for entry in tmp_path.iterdir()] == ["raw"]
    # a case left out by name is no fault any more
    add_case(raw, "1004")
    prepare(
        raw, tmp_path / "store", TINY, RawSettings(exclude=("ct/1002", "1003"), splits=str(split_with_1004(tmp_path)))
    )


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
    write_volume(third, np.asarray(image.dataobj, dtype=np.float32), image.affine)
    assert first.read_bytes() != third.read_bytes()
    with pytest.raises(UserError, match=r"100[13]_image.*same volume.*100[13]_image"):
        prepare(raw, tmp_path / "store", TINY)
    assert not (tmp_path / "store").exists()


def test_an_occupied_out_is_refused_before_any_work(raw, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="store exists and is no store"):
        prepare(raw, tmp_path / "store", TINY, progress=pytest.fail)
    with pytest.raises(UserError, match="exists and is no store"):
        prepare(raw, tmp_path / "store" / "mine.txt", TINY)
    with pytest.raises(UserError, match=r"mine\.txt"):
        prepare(raw, tmp_path / "store" / "mine.txt" / "below", TINY)


@pytest.mark.parametrize("own", ["mine.txt", "run/model.pt", "ct/notes.txt", ".git/config"])
def test_a_store_with_something_else_in_it_is_not_replaced(raw, tmp_path, own):
    prepare(raw, tmp_path / "store", TINY)
    (tmp_path / "store" / ".DS_Store").write_text("of no interest")
    path = tmp_path / "store" / own
    path.parent.mkdir(exist_ok=True)
    path.write_text("keep")
    add_case(raw, "1004")
    with pytest.raises(UserError, match="no part of a store"):
        prepare(raw, tmp_path / "store", TINY, progress=pytest.fail)
    assert path.read_text() == "keep"
    path.unlink()
    if own == ".git/config":
        path.parent.rmdir()
    prepare(raw, tmp_path / "store", TINY)


def test_a_manifest_of_something_else_is_no_store(raw, tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "manifest.json").write_text('{"name": "a web page"}')
    with pytest.raises(UserError, match=r"manifest\.json is no part of a store"):
        prepare(raw, tmp_path / "web", TINY)
    assert "web page" in (tmp_path / "web" / "manifest.json").read_text()


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a store"])
def test_a_store_may_lie_behind_a_link(raw, tmp_path, there):
    place, link = tmp_path / "disk" / "store", tmp_path / "link"
    place.parent.mkdir()
    if there == "an empty folder":
        place.mkdir()
    elif there == "a store":
        prepare(raw, place, TINY)
        add_case(raw, "1004")
    link.symlink_to(place)
    prepare(raw, link, TINY)
    assert link.is_symlink()
    assert [entry.name for entry in place.parent.iterdir()] == ["store"]
    assert len(SliceStore.open(link).domain("ct").cases) == (4 if there == "a store" else 3)


def test_the_folder_one_is_in_becomes_the_store(raw, tmp_path, monkeypatch):
    (tmp_path / "store").mkdir()
    monkeypatch.chdir(tmp_path / "store")
    prepare(raw, Path(), TINY)
    assert SliceStore.open(tmp_path / "store").domains == ("ct",)


def test_a_wrong_rule_is_refused_before_any_work(raw, tmp_path):
    with pytest.raises(UserError, match="intensity rule 'hu'"):
        prepare(raw, tmp_path / "store", TINY.model_copy(update={"intensity": "hu"}), progress=pytest.fail)


def test_which_cases_are_tested_moves_neither_slices_nor_images_of_training(tmp_path):
    raw = tmp_path / "raw"
    for seed, name in enumerate(("ct", "mr")):
        write_domain(raw / name, seed=seed)
    # test volumes that are coarse from front to back; without their labels they are not used
    for case in "efgh":
        write_case(raw / "mr", case, "Ts", affine=np.diag([2.0, 20.0, 2.0, 1.0]))
    prepare(raw, tmp_path / "all", TINY)
    for case in "efgh":
        (raw / "mr" / "labelsTs" / f"{case}.nii.gz").unlink()
    prepare(raw, tmp_path / "fewer", TINY)
    stores = [SliceStore.open(tmp_path / name) for name in ("all", "fewer")]
    assert [len(store.domain("mr").split_cases("test")) for store in stores] == [5, 1]
    assert [store.axis for store in stores] == ["axial", "axial"]
    files = [(name, "train", "images") for name in ("ct", "mr")]
    assert stores[0].fingerprint(files) == stores[1].fingerprint(files)


def test_progress_and_what_was_chosen(raw, tmp_path):
    (raw / "mr_test").mkdir()
    steps, lines = {}, []

    @contextmanager
    def progress(what, total):
        steps[what] = [total, 0]

        def step():
            steps[what][1] += 1

        yield step

    prepare(raw, tmp_path / "store", TINY, progress=progress, say=lines.append)
    assert steps == {"hashing": [3, 3], "verifying": [3, 3], "preparing": [3, 3]}
    assert lines == [
        "not used: mr_test (the challenge's cases without labels)",
        "slices: coronal, as this data is published with; data.axis or --axis changes it",
        "ct: 2 train and 1 test cases by splits.json; intensities: CT zscore:2",
    ]


class Loads:
    """Which cases were read, by their ids."""

    def __init__(self, monkeypatch):
        self.ids = []
        real = seasa_da.data.prepare.prepare_case

        def recorded(case, grid, rules):
            self.ids.append(case.id)
            return real(case, grid, rules)

        monkeypatch.setattr(seasa_da.data.prepare, "prepare_case", recorded)


def test_unchanged_cases_are_not_read_again(raw, tmp_path, monkeypatch):
    prepare(raw, tmp_path / "store", TINY)
    loads, before = Loads(monkeypatch), content(tmp_path / "store")
    lines = []
    prepare(raw, tmp_path / "store", TINY, say=lines.append)
    assert loads.ids == []
    assert "up to date" in lines[-1]
    assert content(tmp_path / "store") == before
    # one changed, one new, one moved to the other split
    add_case(raw, "1004")
    change_case(raw, "1001")
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": ["1002"]}}))
    prepare(raw, tmp_path / "store", TINY, say=lines.append)
    assert sorted(loads.ids) == ["1001", "1004"]
    assert any("2 of 4 cases did not change" in line for line in lines)
    prepare(raw, tmp_path / "fresh", TINY)
    assert content(tmp_path / "store") == content(tmp_path / "fresh")
    assert {entry.name for entry in tmp_path.iterdir()} == {"raw", "store", "fresh"}


def test_files_that_were_moved_are_not_read_again_and_named_where_they_are(tmp_path, monkeypatch):
    raw = tmp_path / "raw"
    for seed, name in enumerate(("ct", "mr")):
        write_domain(raw / name, seed=seed)
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": ["d"]}}))
    prepare(raw, tmp_path / "store", TINY)
    for kind, name in (("images", "d_0000.nii.gz"), ("labels", "d.nii.gz")):
        (raw / "ct" / f"{kind}Ts" / name).rename(raw / "ct" / f"{kind}Tr" / name)
    loads = Loads(monkeypatch)
    prepare(raw, tmp_path / "store", TINY)
    assert loads.ids == []
    prepare(raw, tmp_path / "fresh", TINY)
    assert content(tmp_path / "store") == content(tmp_path / "fresh")


OTHER_SETTINGS = {"size": 17, "spacing_mm": 2.5, "slice_mm": 4.0, "depth_mm": 10.0, "axis": "axial"}
OTHER_SETTINGS |= {"intensity": "percentiles", "histogram_cut_percent": 5.0}


@pytest.mark.parametrize("update", OTHER_SETTINGS.items(), ids=str)
def test_other_settings_read_all_cases_again(raw, tmp_path, monkeypatch, update):
    prepare(raw, tmp_path / "store", TINY)
    loads, settings = Loads(monkeypatch), TINY.model_copy(update=dict([update]))
    prepare(raw, tmp_path / "store", settings)
    assert sorted(loads.ids) == ["1001", "1002", "1003"]
    prepare(raw, tmp_path / "fresh", settings)
    assert content(tmp_path / "store") == content(tmp_path / "fresh")


def test_another_range_reads_none_again(raw, tmp_path, monkeypatch):
    prepare(raw, tmp_path / "store", TINY)
    loads, settings = Loads(monkeypatch), TINY.model_copy(update={"range_percentiles": (1.0, 99.0)})
    prepare(raw, tmp_path / "store", settings)
    assert loads.ids == []
    prepare(raw, tmp_path / "fresh", settings)
    assert content(tmp_path / "store") == content(tmp_path / "fresh")


def test_labels_deleted_from_a_store_are_made_again(raw, tmp_path, monkeypatch):
    prepare(raw, tmp_path / "store", TINY)
    before = content(tmp_path / "store")
    (tmp_path / "store" / "ct" / "train_labels.npy").unlink()
    loads = Loads(monkeypatch)
    prepare(raw, tmp_path / "store", TINY)
    assert sorted(loads.ids) == ["1001", "1002"]
    assert content(tmp_path / "store") == before


def test_a_new_label_is_read_and_a_label_taken_away_is_gone(raw, tmp_path):
    label = raw / "ct_train" / "ct_train_1003_label.nii.gz"
    kept = label.read_bytes()
    prepare(raw, tmp_path / "with", TINY)
    label.unlink()
    prepare(raw, tmp_path / "without", TINY, reuse=tmp_path / "with")
    assert open_labels(SliceStore.open(tmp_path / "without"), "ct", "test") is None
    label.write_bytes(kept)
    prepare(raw, tmp_path / "again", TINY, reuse=tmp_path / "without")
    assert content(tmp_path / "again") == content(tmp_path / "with")


def test_a_broken_older_store_is_made_anew(raw, tmp_path):
    prepare(raw, tmp_path / "store", TINY)
    before = content(tmp_path / "store")
    (tmp_path / "store" / "manifest.json").write_text("{")
    prepare(raw, tmp_path / "store", TINY)
    assert content(tmp_path / "store") == before


@pytest.mark.parametrize("damage", ["missing", "truncated", "other bytes"])
def test_a_store_whose_arrays_are_not_what_was_written_is_made_anew(raw, tmp_path, damage):
    prepare(raw, tmp_path / "store", TINY)
    before = content(tmp_path / "store")
    path = tmp_path / "store" / "ct" / "train_images.npy"
    damaged = {
        "missing": None,
        "truncated": path.read_bytes()[:-4],
        "other bytes": path.read_bytes()[:-4] + b"\0\0\0\1",
    }
    path.unlink()
    if damaged[damage] is not None:
        path.write_bytes(damaged[damage])
    prepare(raw, tmp_path / "store", TINY)
    assert content(tmp_path / "store") == before


def test_an_older_store_stays_what_it_was_while_another_takes_its_place(raw, tmp_path):
    prepare(raw, tmp_path / "store", TINY)
    older = OlderStore.at(tmp_path / "store")
    domain = open_raw(raw, RawSettings()).data.domains[0]
    record = older.of_same_files(domain, domain.cases[0], source_hashes(raw, domain.cases[:1])[0])
    before = np.load(tmp_path / "store" / "ct" / "train_images.npy")[record.start : record.stop]
    prepare(raw, tmp_path / "store", TINY.model_copy(update={"intensity": "percentiles"}))
    images, labels = older.slices("ct", record)
    assert np.array_equal(images, before)
    assert labels.shape == (len(images), 16, 16)


def test_an_interrupted_update_leaves_the_older_store(raw, tmp_path, monkeypatch):
    prepare(raw, tmp_path / "store", TINY)
    before = content(tmp_path / "store")
    add_case(raw, "1004")

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(seasa_da.data.prepare, "prepare_case", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(raw, tmp_path / "store", TINY)
    assert content(tmp_path / "store") == before
    assert {entry.name for entry in tmp_path.iterdir()} == {"raw", "store"}


def test_a_volume_of_another_kind_is_told(raw, tmp_path):
    for number in range(1004, 1008):
        add_case(raw, str(number))
    path = raw / "ct_train" / "ct_train_1005_image.nii.gz"
    image = nibabel.load(path)
    write_volume(path, np.asarray(image.dataobj) * 30, image.affine)
    lines = []
    prepare(raw, tmp_path / "store", TINY, say=lines.append)
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert str(path) in warnings[0]


def test_volumes_larger_than_the_slices_are_told(raw, tmp_path):
    lines = []
    prepare(raw, tmp_path / "store", TINY.model_copy(update={"spacing_mm": 1.0}), say=lines.append)
    assert any("3 of 3 volumes are larger than the slices, 16 x 16 mm" in line for line in lines)


def test_volumes_deeper_than_what_is_kept_are_told(raw, tmp_path):
    lines = []
    prepare(raw, tmp_path / "store", TINY.model_copy(update={"depth_mm": 10.0}), say=lines.append)
    assert any("ct: 3 of 3 volumes are deeper than the 10 mm" in line for line in lines)


def test_a_crop_that_never_fits_into_memory_is_refused(raw, tmp_path, monkeypatch):
    memory = SimpleNamespace(total=10_000, available=10_000)
    monkeypatch.setattr(seasa_da.data.prepare.psutil, "virtual_memory", lambda: memory)
    with pytest.raises(UserError, match="9 slices of 16 x 16 pixels, more than fit into memory; set wider"):
        prepare(raw, tmp_path / "store", TINY)
    assert not (tmp_path / "store").exists()


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
