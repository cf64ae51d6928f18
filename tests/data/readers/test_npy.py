"""SE_ASA's lists of arrays: what they mean, and every refusal with the file's name."""

import re

import numpy as np
import pytest

from data.sifa import random_pair, write_test_volume
from seasa_da.config import DataSettings, RawSettings
from seasa_da.data.case import IGNORED
from seasa_da.data.prepare import prepare
from seasa_da.data.raw_folder import open_raw
from seasa_da.data.readers import check_case, find_reader
from seasa_da.data.readers.npy import NPYReader
from seasa_da.data.store import SliceStore
from seasa_da.data.verify import verify
from seasa_da.errors import UserError

THEIRS = "/mnt/of/the/authors/data_np"
STORED = np.array([0, 4, 2, 3, 1, IGNORED], dtype=np.uint8)


def pair(seed, shape=(20, 16)):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, shape).astype(np.float32), rng.integers(0, 6, shape).astype(np.float32)


def write_release(raw, data="data_np"):
    """Three training slices, a validation slice and a test volume for each domain; lists hold the authors' paths."""
    (raw / "datalist").mkdir(parents=True)
    for seed, modality in ((0, "ct"), (100, "mr")):
        for part, count in (("train", 3), ("val", 1)):
            lists = {"": [], "_gt": []}
            for place in range(count):
                name = f"{modality}_{part}_slice{place}"
                for ending, folder, array in zip(
                    lists, ("", "gt_"), pair(seed + place + 10 * (part == "val")), strict=True
                ):
                    path = raw / data / f"{folder}{part}_{modality}" / f"{name}{ending}.npy"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    np.save(path, array)
                    lists[ending].append(f"{THEIRS}/{folder}{part}_{modality}/{path.name}\n")
            for ending, lines in lists.items():
                (raw / "datalist" / f"{part}_{modality}{ending}.txt").write_text("".join(reversed(lines)))
        volume = raw / data / f"test_{modality}" / f"image_{modality}_1003.nii.gz.npz"
        write_test_volume(volume, *random_pair(seed + 50, (20, 16, 4)))
        (raw / "datalist" / f"test_{modality}.txt").write_text(f"{THEIRS}/test_{modality}/{volume.name}\n")


@pytest.fixture
def raw(tmp_path):
    write_release(tmp_path / "raw")
    return tmp_path / "raw"


def domain(raw, place=0):
    return NPYReader().scan(raw).domains[place]


def by_id(raw, place=0):
    return {files.id: files for files in domain(raw, place).cases}


def faults(files):
    return [str(fault) for fault in check_case(NPYReader(), files).faults]


def test_domains_splits_and_pairs(raw):
    found = find_reader(raw).scan(raw)
    assert find_reader(raw).name == "npy"
    assert [(d.name, d.channels, d.axis, d.intensity, d.ignored_values) for d in found.domains] == [
        ("ct", ("CT",), "coronal", "window:-1,1", (5,)),
        ("mri", ("MRI",), "coronal", "window:-1,1", (5,)),
    ]
    assert {case: (files.split, files.home, files.label.name) for case, files in by_id(raw, 1).items()} == {
        "image_mr_1003": ("test", "test", "image_mr_1003.nii.gz.npz"),
        "mr_train_slice0": ("train", "train", "mr_train_slice0_gt.npy"),
        "mr_train_slice1": ("train", "train", "mr_train_slice1_gt.npy"),
        "mr_train_slice2": ("train", "train", "mr_train_slice2_gt.npy"),
        "mr_val_slice0": (None, "test", "mr_val_slice0_gt.npy"),
    }
    assert found.faults == ()
    assert len(found.files) == 10
    assert verify(open_raw(raw, RawSettings()), RawSettings()).faults == ()


def test_images_come_back_voxel_by_voxel_and_volumes_in_the_same_range(raw):
    prepare(raw, raw.parent / "store", DataSettings(size=16))
    store = SliceStore.open(raw.parent / "store")
    for name, seed, (lo, hi) in (("ct", 0, (-2.8, 3.2)), ("mri", 100, (-1.8, 4.4))):
        images = np.asarray(store.images(name, "train")[:])
        for place in range(3):
            assert np.abs(images[place, 0] - pair(seed + place)[0][2:18]).max() < 1e-6
        volume = np.moveaxis(random_pair(seed + 50, (20, 16, 4))[0], 2, 0)[:, 2:18]
        expected = np.clip(2 * (volume - lo) / (hi - lo) - 1, -1, 1)
        assert np.abs(np.asarray(store.images(name, "test")[:])[:, 0] - expected).max() < 1e-6


def test_labels(raw):
    case = NPYReader().load(by_id(raw)["ct_train_slice2"])
    assert np.array_equal(case.label[:, :, 0], STORED[pair(2)[1].astype(int)])
    assert NPYReader().grid(by_id(raw)["ct_train_slice2"]).shape == case.label.shape == (20, 16, 1)


def test_paths_count_from_their_list(raw):
    lists = raw / "datalist"
    (raw / "elsewhere" / "train_ct").mkdir(parents=True)
    np.save(raw / "elsewhere" / "train_ct" / "ct_train_slice0.npy", pair(77)[0])
    absolute = raw / "data_np" / "train_ct" / "ct_train_slice1.npy"
    (lists / "train_ct.txt").write_text(
        f"\n../elsewhere/train_ct/ct_train_slice0.npy  \n\n{absolute}\n", encoding="utf-8"
    )
    (lists / "train_ct_gt.txt").write_text(
        "../data_np/gt_train_ct/ct_train_slice0_gt.npy\n../data_np/gt_train_ct/ct_train_slice1_gt.npy"
    )
    cases = by_id(raw)
    assert NPYReader().load(cases["ct_train_slice0"]).image[0, 0, 0, 0] == pair(77)[0][0, 0]
    assert cases["ct_train_slice1"].image == absolute
    assert NPYReader().scan(raw).faults == ()


def test_a_path_that_may_mean_two_files(raw):
    (raw / "copy" / "train_ct").mkdir(parents=True)
    np.save(raw / "copy" / "train_ct" / "ct_train_slice0.npy", pair(77)[0])
    said = [str(fault) for fault in NPYReader().scan(raw).faults]
    assert len(said) == 1
    assert f"may be meant by {THEIRS}/train_ct/ct_train_slice0.npy in train_ct.txt, and so may" in said[0]


def test_a_list_without_labels(raw):
    (raw / "datalist" / "train_mr_gt.txt").unlink()
    assert [files.label for files in domain(raw, 1).split_cases("train")] == [None] * 3
    assert NPYReader().load(by_id(raw, 1)["mr_train_slice0"]).label is None
    assert verify(open_raw(raw, RawSettings()), RawSettings()).faults == ()


def test_missing_files_are_named(raw):
    for name in ("train_ct/ct_train_slice1.npy", "gt_train_ct/ct_train_slice0_gt.npy"):
        (raw / "data_np" / name).unlink()
    said = [str(fault) for fault in verify(open_raw(raw, RawSettings()), RawSettings()).faults]
    assert len(said) == 2
    for name in ("train_ct/ct_train_slice1.npy", "gt_train_ct/ct_train_slice0_gt.npy"):
        assert any(line.startswith(f"{THEIRS}/{name} cannot be read: No such file") for line in said)


def test_no_file_at_all(raw):
    for path in [*raw.glob("data_np/*/*")]:
        path.unlink()
    with pytest.raises(UserError, match="none of the files that they name"):
        NPYReader().scan(raw)


def test_lists_that_do_not_pair(raw):
    lists = raw / "datalist"
    (lists / "train_ct_gt.txt").write_text("a_gt.npy\n")
    (lists / "train_mr_gt.txt").write_text("".join((lists / "train_mr_gt.txt").read_text().splitlines(True)[::-1]))
    said = [str(fault) for fault in NPYReader().scan(raw).faults]
    assert said[0].endswith("train_ct_gt.txt names 1 files, train_ct.txt 3; they must be pairs, line by line")
    assert len(said) == 3  # the middle line of three stays where it was
    assert "mr_train_slice2.npy is paired with mr_train_slice0_gt.npy by its line in train_mr_gt.txt" in said[1]


def test_a_slice_in_two_lists_and_a_volume_of_the_other_domain(raw):
    lists = raw / "datalist"
    with (lists / "test_ct.txt").open("a") as file:
        file.write(f"{THEIRS}/train_ct/ct_train_slice0.npy\n{THEIRS}/test_mr/image_mr_1003.nii.gz.npz\n")
    found = NPYReader().scan(raw).faults
    assert [(fault.domain, fault.case) for fault in found] == [("ct", "image_mr_1003"), ("ct", "ct_train_slice0")]
    assert "is listed in test_ct.txt, but its name or folder does not say so" in found[0].what
    assert "is listed twice, in train_ct.txt too" in found[1].what


def test_two_lists_of_the_same_and_unreadable_ones(raw):
    (raw / "datalist" / "train_mri.txt").write_text("x\n")
    with pytest.raises(UserError, match=r"train_mri\.txt and .*train_mr\.txt are lists of the same"):
        NPYReader().scan(raw)
    (raw / "datalist" / "train_mri.txt").unlink()
    (raw / "datalist" / "train_ct.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"cannot read .*train_ct\.txt"):
        NPYReader().scan(raw)


def test_lines_that_no_system_takes_for_a_path(raw):
    for name in ("train_ct.txt", "train_ct_gt.txt"):
        (raw / "datalist" / name).write_text("x" * 5000 + "\na\0b.npy\n")
    said = [str(fault) for fault in verify(open_raw(raw, RawSettings()), RawSettings()).faults]
    assert len(said) >= 2 and all("\n" not in line for line in said)


@pytest.mark.parametrize(
    ("image", "label", "reasons"),
    [
        (np.zeros((4, 5, 3)), np.zeros((4, 5)), ["has shape (4, 5, 3); a slice has rows and columns"]),
        (np.zeros(4), np.zeros((4, 5)), ["has shape (4,)"]),
        (np.zeros((0, 5)), np.zeros((4, 5)), ["has shape (0, 5)"]),
        (np.zeros((4, 5)), np.zeros((5, 4)), ["has a label of shape (5, 4, 1) for an image of (4, 5, 1)"]),
        (np.full((4, 5), np.nan), np.full((4, 5), 7), ["has 20 NaN or infinite voxels", "has the label value 7"]),
        (np.zeros((4, 5)), np.array([[{}]]), ["damaged or no .npy file (its values are Python objects, not numbers)"]),
    ],
)
def test_what_is_wrong_in_arrays(raw, image, label, reasons):
    files = by_id(raw)["ct_train_slice0"]
    np.save(files.image, image)
    np.save(files.label, label)
    said = faults(files)
    assert len(said) == len(reasons)
    assert all(reason in line for reason, line in zip(reasons, said, strict=True))
    with pytest.raises(UserError, match=re.escape(said[0])):
        NPYReader().load(files)


def test_damaged_arrays(raw):
    files = by_id(raw)["ct_train_slice0"]
    whole = files.image.read_bytes()
    for content in (b"", b"text", whole[:-1], whole + b"1", whole[:50], whole.replace(b"(20, 16)", b"(99999, )")):
        files.image.write_bytes(content)
        said = faults(files)
        assert len(said) == 1 and said[0].startswith(f"{files.image} is damaged or no .npy file")
        with pytest.raises(UserError, match="damaged or no"):
            NPYReader().grid(files)
    files.image.write_bytes(whole)
    assert faults(files) == []
    np.save(files.image, np.asfortranarray(pair(0)[0][:, :, None].astype(np.float64)))
    assert np.array_equal(NPYReader().load(files).image[0, :, :, 0], pair(0)[0])
