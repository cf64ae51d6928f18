"""One phantom as MM-WHS's and nnU-Net's folders, SIFA's records and SE_ASA's lists: the same slices."""

import json

import numpy as np
import pytest

from data.conftest import COARSE
from data.sifa import write_slice, write_test_volume
from seasa_da.config import DataSettings
from seasa_da.data.case import IGNORED, SPLITS
from seasa_da.data.labels import open_labels
from seasa_da.data.phantom import make_phantom
from seasa_da.data.prepare import prepare
from seasa_da.data.readers import find_reader
from seasa_da.data.readers.nifti import read_grid
from seasa_da.data.resample import resample_image, resample_label
from seasa_da.data.slice_grid import slice_grid
from seasa_da.data.store import SliceStore

# the crop lies within every field of view, as records have no outside
WINDOWS = {"ct": "window:-200,500", "mri": "window:0,1200"}
SETTINGS = DataSettings(size=64, depth_mm=8.0, axis="coronal", intensity=WINDOWS)
PREFIX = {"ct": "ct", "mri": "mr"}
SIFA_VALUES = np.array([0, 4, 2, 3, 1], dtype=np.float32)  # of AA 1, LAC 2, LVC 3, MYO 4
RIGHT_VENTRICLE = 600
STANDARDISED = {"ct": (-2.8, 3.2), "mri": (-1.8, 4.4)}  # what SIFA's code maps to [-1, 1]


def other_structure(files, grid):
    """Where a structure is that is background for our MM-WHS reader; the twin calls it 5. (S, H, W)."""
    import nibabel

    label = nibabel.load(files.label)
    return resample_label((np.asarray(label.dataobj) == RIGHT_VENTRICLE).astype(np.uint8), label.affine, grid) > 0


def write_sifa_twin(mmwhs, raw):
    """The slices of the MM-WHS phantom in its own units: records of training slices, test volumes."""
    reader = find_reader(mmwhs)
    tested = json.loads((mmwhs / "splits.json").read_text())
    for domain in reader.scan(mmwhs).domains:
        prefix = PREFIX[domain.name]
        for files in domain.cases:
            case = reader.load(files)
            header = read_grid(files.image)
            grid = slice_grid(header.shape, header.affine, SETTINGS, "coronal")
            image = np.moveaxis(resample_image(case.image, case.affine, grid)[0], 0, 2)  # (H, W, S)
            label = SIFA_VALUES[np.moveaxis(resample_label(case.label, case.affine, grid), 0, 2)]
            label[np.moveaxis(other_structure(files, grid), 0, 2)] = 5
            if files.id in tested[domain.name]["test"]:
                write_test_volume(raw / f"test_{prefix}" / f"image_{prefix}_{files.id}.nii.gz.npz", image, label)
                continue
            last = image.shape[2] - 1
            for place in range(last + 1):
                stack = [max(place - 1, 0), place, min(place + 1, last)]
                name = f"{prefix}_train_slice{files.id}{place:03}.tfrecords"
                options = {"quirks": place % 2 == 0}  # most of the release's files have negative bias_dim and a mask
                write_slice(raw / f"{prefix}_train_tfs" / name, image[:, :, stack], label[:, :, stack], **options)


def write_npy_twin(store, raw):
    """The slices of a store: arrays in [-1, 1] and lists that name them; test volumes as SIFA's standardised ones."""
    for name, prefix in PREFIX.items():
        images, labels = sifa_arrays(store, name, "train")
        lines = {"": [], "_gt": []}
        for place in range(len(images)):
            for ending, array in (("", images[place]), ("_gt", labels[place])):
                path = raw / f"{ending[1:]}train_{prefix}" / f"{prefix}_train_slice{place:04}{ending}.npy"
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, array)
                lines[ending].append(f"{path.parent.name}/{path.name}\n")
        for ending, listed in lines.items():
            (raw / f"train_{prefix}{ending}.txt").write_text("".join(listed))
        images, labels = sifa_arrays(store, name, "test")
        lo, hi = STANDARDISED[name]
        volume = raw / f"test_{prefix}" / f"image_{prefix}_1003.nii.gz.npz"
        write_test_volume(volume, np.moveaxis(lo + (images + 1) * (hi - lo) / 2, 0, 2), np.moveaxis(labels, 0, 2))
        (raw / f"test_{prefix}.txt").write_text(f"{volume}\n")


def sifa_arrays(store, domain, split):
    """Images and labels (S, H, W) of a store, the labels in the release's values."""
    labels = np.asarray(open_labels(store, domain, split)[:])
    values = np.where(labels == IGNORED, np.float32(5), SIFA_VALUES[np.where(labels == IGNORED, 0, labels)])
    return np.asarray(store.images(domain, split)[:])[:, 0], values


def stored(raw, out, settings=SETTINGS):
    prepare(raw, out, settings)
    return SliceStore.open(out)


@pytest.fixture(scope="module")
def stores(phantom_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twins")
    make_phantom(folder / "nnunet_raw", COARSE, layout="nnunet")
    write_sifa_twin(phantom_folder, folder / "sifa_raw")
    raws = {"mmwhs": phantom_folder, "nnunet": folder / "nnunet_raw", "sifa": folder / "sifa_raw"}
    assert {find_reader(raw).name: raw for raw in raws.values()} == raws
    made = {name: stored(raw, folder / name) for name, raw in raws.items()}
    write_npy_twin(made["sifa"], folder / "npy_raw")
    assert find_reader(folder / "npy_raw").name == "npy"
    made["npy"] = stored(folder / "npy_raw", folder / "npy", SETTINGS.model_copy(update={"intensity": "auto"}))
    return made


@pytest.mark.parametrize("domain", ["ct", "mri"])
@pytest.mark.parametrize("split", SPLITS)
def test_nnunets_twin_is_the_same_to_the_bit(stores, domain, split):
    mmwhs, twin = stores["mmwhs"], stores["nnunet"]
    assert mmwhs.domain(domain).label_names == twin.domain(domain).label_names == ("AA", "LAC", "LVC", "MYO")
    assert np.array_equal(mmwhs.images(domain, split)[:], twin.images(domain, split)[:])
    labels = np.asarray(open_labels(mmwhs, domain, split)[:])
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
    assert np.array_equal(labels, open_labels(twin, domain, split)[:])
    cases = [
        [(case.id, case.start, case.stop, case.affine) for case in store.domain(domain).cases if case.split == split]
        for store in (mmwhs, twin)
    ]
    assert cases[0] == cases[1]


@pytest.mark.parametrize("domain", ["ct", "mri"])
@pytest.mark.parametrize("split", SPLITS)
def test_sifas_twin_is_the_same_but_for_what_it_ignores(stores, domain, split):
    mmwhs, twin = stores["mmwhs"], stores["sifa"]
    assert twin.domain(domain).label_names == ("AA", "LAC", "LVC", "MYO")
    assert len(mmwhs.images(domain, split)) in (8, 16)
    assert np.array_equal(mmwhs.images(domain, split)[:], twin.images(domain, split)[:])
    labels, theirs = (np.asarray(open_labels(store, domain, split)[:]) for store in (mmwhs, twin))
    ignored = theirs == IGNORED
    assert ignored.any() and not ignored.all()
    assert (labels[ignored] == 0).all()
    assert np.array_equal(theirs[~ignored], labels[~ignored])


@pytest.mark.parametrize("domain", ["ct", "mri"])
@pytest.mark.parametrize("split", SPLITS)
def test_the_lists_twin_is_the_same_slices(stores, domain, split):
    records, lists = stores["sifa"], stores["npy"]
    images = np.asarray(records.images(domain, split)[:])
    assert images.std() > 0.1
    assert np.abs(images - lists.images(domain, split)[:]).max() < 1e-6
    assert np.array_equal(open_labels(records, domain, split)[:], open_labels(lists, domain, split)[:])


def test_a_record_is_a_case_of_one_slice_and_a_test_volume_keeps_its_order(stores):
    twin = stores["sifa"]
    cases = twin.domain("ct").cases
    assert {case.stop - case.start for case in cases if case.split == "train"} == {1}
    (volume,) = (case for case in cases if case.split == "test")
    assert (volume.id, volume.stop - volume.start) == ("image_ct_1003", 8)
    assert all(np.allclose(case.spacing_mm, 1) for case in cases)
