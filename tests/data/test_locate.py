"""Which store a run reads, and that nothing is made twice."""

import shutil
import threading

import nibabel
import numpy as np
import pytest

import seasa_da.data.phantom
import seasa_da.data.prepare
from data.conftest import SMALL
from data.nnunet import write_case, write_dataset_json
from seasa_da.config import DataSettings, PhantomSettings, RawSettings
from seasa_da.data.locate import locate_store
from seasa_da.errors import UserError

PHANTOM = PhantomSettings(train_cases=1, test_cases=1, voxel_mm=12.0)
TINY = DataSettings(size=16, spacing_mm=12.0, depth_mm=48.0)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("SEASA_DA_CACHE", str(folder))
    return folder


@pytest.fixture
def calls(monkeypatch):
    """Counts what is really made."""
    made = []
    for module, name in ((seasa_da.data.phantom, "make_phantom"), (seasa_da.data.prepare, "prepare")):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, _real=real, _name=name, **k: (made.append(_name), _real(*a, **k)))
    return made


def test_the_phantom_is_made_and_prepared_once(cache, calls):
    lines = []
    store = locate_store(None, TINY, PHANTOM, say=lines.append)
    assert calls == ["make_phantom", "prepare"]
    assert len(lines) == 2
    again = locate_store(None, TINY, PHANTOM, say=lines.append)
    assert again.path == store.path
    assert calls == ["make_phantom", "prepare"]
    assert len(lines) == 2
    # other preprocessing of the same phantom, then another phantom
    locate_store(None, TINY.model_copy(update={"size": 20}), PHANTOM, say=lines.append)
    assert calls == ["make_phantom", "prepare", "prepare"]
    locate_store(None, TINY, PHANTOM.model_copy(update={"development": True}), say=lines.append)
    assert calls == ["make_phantom", "prepare", "prepare", "make_phantom", "prepare"]
    assert {path.name.split("-")[0] for path in cache.iterdir()} == {"phantom", "stores"}


def test_a_store_is_opened_as_it_is(cache, calls, store_folder):
    lines = []
    assert locate_store(store_folder, SMALL, PHANTOM, say=lines.append).path == store_folder
    assert lines == []
    store = locate_store(store_folder, SMALL.model_copy(update={"size": 64}), PHANTOM, say=lines.append)
    assert store.settings == SMALL
    assert len(lines) == 1
    assert "size=24 (not 64)" in lines[0]
    assert calls == []
    assert not cache.exists()


def test_a_raw_folder_is_prepared_once_by_content(cache, calls, raw):
    settings = DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0)
    store = locate_store(raw, settings, PHANTOM, say=str)
    assert locate_store(raw, settings, PHANTOM, say=str).path == store.path
    moved = raw.rename(raw.parent / "moved")
    assert locate_store(moved, settings, PHANTOM, say=str).path == store.path
    assert calls == ["prepare"]
    (moved / "splits.json").write_text('{"ct": {"test": ["1001"]}}')
    other = locate_store(moved, settings, PHANTOM, say=str)
    assert other.path != store.path
    assert [case.id for case in other.domain("ct").split_cases("test")] == ["1001"]
    (moved / "ct_train" / "ct_train_1001_label.nii.gz").unlink()
    assert locate_store(moved, settings, PHANTOM, say=str).path not in (store.path, other.path)


def test_two_at_once_end_with_one_whole_store(cache):
    stores, faults = [], []
    barrier = threading.Barrier(3)

    def locate():
        barrier.wait()
        try:
            stores.append(locate_store(None, TINY, PHANTOM, say=str))
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=locate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len({store.path for store in stores}) == 1
    assert np.isfinite(stores[0].images("ct", "train")).all()
    assert list(cache.rglob("*.partial")) == []


def test_a_broken_store_in_the_cache_says_what_to_remove(cache):
    store = locate_store(None, TINY, PHANTOM, say=str)
    (store.path / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match=f"remove the folder {store.path}"):
        locate_store(None, TINY, PHANTOM, say=str)


def test_progress_steps_once_a_volume(cache):
    from contextlib import contextmanager

    shown = {}

    @contextmanager
    def progress(what, total):
        shown[what] = [0, total]

        def step():
            shown[what][0] += 1

        yield step

    locate_store(None, TINY, PHANTOM, say=str, progress=progress)
    assert shown == {name: [4, 4] for name in ("making the phantom", "hashing", "verifying", "preparing")}


def test_a_case_more_reads_only_that_one(cache, raw, monkeypatch):
    settings = DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0)
    first = locate_store(raw, settings, PHANTOM, say=str)
    stem, new = raw / "ct_train" / "ct_train_1001", raw / "ct_train" / "ct_train_1004"
    shutil.copy(f"{stem}_label.nii.gz", f"{new}_label.nii.gz")
    image = nibabel.load(f"{stem}_image.nii.gz")
    changed = nibabel.Nifti1Image(np.asarray(image.dataobj) + 1, image.affine, image.header)
    nibabel.save(changed, f"{new}_image.nii.gz")
    lines = []
    second = locate_store(raw, settings, PHANTOM, say=lines.append)
    assert second.path != first.path
    assert any("3 of 4 cases did not change" in line for line in lines)
    # a broken pointer to the last store is no obstacle
    next((cache / "latest").iterdir()).write_text("{")
    other = locate_store(raw, settings.model_copy(update={"depth_mm": 10.0}), PHANTOM, say=lines.append)
    assert other.settings.depth_mm == 10.0


def test_what_is_neither_store_nor_raw_is_refused(cache, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        locate_store(tmp_path / "nowhere", TINY, PHANTOM, say=str)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no domain"):
        locate_store(tmp_path / "empty", TINY, PHANTOM, say=str)


def test_a_path_that_the_system_refuses_is_one_line(cache, tmp_path):
    from seasa_da.data.prepare import prepare
    from seasa_da.data.readers import find_reader
    from seasa_da.data.store import SliceStore

    path = tmp_path / ("x" * 300)
    for use in (
        lambda: locate_store(path, TINY, PHANTOM, say=str),
        lambda: find_reader(path),
        lambda: SliceStore.open(path),
        lambda: prepare(tmp_path, path, TINY),
    ):
        with pytest.raises(UserError, match="too long"):
            use()


def test_an_unwritable_cache_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SEASA_DA_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"cannot write .*file.cache"):
        locate_store(None, TINY, PHANTOM, say=str)


def test_a_cached_store_is_no_excuse_for_faults(cache, tmp_path):
    raw, settings = tmp_path / "raw", DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0)
    for seed, name in enumerate(("a", "b")):
        write_dataset_json(raw / name, channel_names={"0": "T1", "1": "T2"})
        for case in "xyz":
            write_case(raw / name, case, seed=seed, channels=2)
        write_case(raw / name, "t", "Ts", seed=seed, channels=2)
    (raw / "a" / "imagesTr" / "z_0001.nii.gz").unlink()
    locate_store(raw, settings, PHANTOM, RawSettings(exclude=("a/z",)), say=str)
    # the same cases are left, since one that is not whole is not listed
    with pytest.raises(UserError, match=r"z_0001\.nii\.gz is missing"):
        locate_store(raw, settings, PHANTOM, say=str)


def test_a_folder_in_place_of_splits_json_is_one_line(cache, raw):
    (raw / "splits.json").unlink()
    (raw / "splits.json").mkdir()
    with pytest.raises(UserError, match=r"splits\.json cannot be read"):
        locate_store(raw, TINY, PHANTOM, say=str)


def test_raw_settings_that_come_too_late_are_told(cache, store_folder):
    lines = []
    locate_store(store_folder, SMALL, PHANTOM, RawSettings(exclude=("ct/1001",)), say=lines.append)
    assert lines == [
        f"raw.exclude=('ct/1001',): of no effect on the store {store_folder}, whose cases and splits are what they are"
    ]
    locate_store(None, TINY, PHANTOM, RawSettings(test_fraction=0.5), say=lines.append)
    assert "raw.test_fraction=0.5: of no effect on the phantom" in lines[1]
