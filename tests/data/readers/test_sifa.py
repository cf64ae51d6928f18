"""PnP-AdaNet's release: what is read, voxel by voxel, how it is divided, and every refusal with the file's name."""

import re

import numpy as np
import pytest

from data.sifa import random_pair, release_example, write_release, write_slice, write_test_volume
from data.tfrecord_writer import int64s, strings, write_records
from seasa_da.config import DataSettings, RawSettings
from seasa_da.data.case import IGNORED
from seasa_da.data.prepare import prepare
from seasa_da.data.raw_folder import open_raw
from seasa_da.data.readers import check_case, find_reader
from seasa_da.data.readers.sifa import SIFAReader
from seasa_da.data.resample import resample_image, resample_label
from seasa_da.data.slice_grid import slice_grid
from seasa_da.data.verify import verify
from seasa_da.errors import UserError

SMALL = DataSettings(size=16)
STORED = np.array([0, 4, 2, 3, 1, IGNORED], dtype=np.uint8)


@pytest.fixture
def raw(tmp_path):
    write_release(tmp_path / "raw")
    return tmp_path / "raw"


def by_id(domain):
    return {files.id: files for files in domain.cases}


def one(tmp_path, data: bytes, name="ct_train_slice0.tfrecords"):
    """The only case of a folder with that record."""
    write_records(tmp_path / "one" / name, data)
    return SIFAReader().scan(tmp_path / "one").domains[0].cases[0]


def faults(files):
    return [str(fault) for fault in check_case(SIFAReader(), files).faults]


def test_domains_and_splits(raw):
    found = find_reader(raw).scan(raw)
    assert find_reader(raw).name == "sifa"
    assert [domain.name for domain in found.domains] == ["ct", "mri"]
    ct = found.domains[0]
    assert {case: (files.split, files.home) for case, files in by_id(ct).items()} == {
        "ct_train_slice0": ("train", "train"),
        "ct_train_slice1": ("train", "train"),
        "ct_train_slice2": ("train", "train"),
        "ct_val_slice3": (None, "test"),
        "ct_val_slice4": (None, "test"),
        "image_ct_1003": ("test", "test"),
    }
    assert [files.id for files in ct.cases] == sorted(by_id(ct))
    assert (ct.label_names, ct.label_values, ct.ignored_values) == (("AA", "LAC", "LVC", "MYO"), (4, 2, 3, 1), (5,))
    assert [(d.axis, d.channels, d.intensity) for d in found.domains] == [
        ("coronal", ("CT",), "window:-2.8,3.2"),
        ("coronal", ("MRI",), "window:-1.8,4.4"),
    ]
    assert found.faults == ()
    assert found.notes[:2] == (
        "ct: 3 training slices name no patient; whether one is tested too cannot be checked",
        "not used: 2 validation slices of ct, which may be of the test volumes' patients",
    )


def test_the_middle_slice_comes_back_voxel_by_voxel(raw):
    reader = SIFAReader()
    image, label = random_pair(101)
    case = reader.load(by_id(reader.scan(raw).domains[1])["mr_train_slice1"])
    grid = slice_grid((20, 16, 1), case.affine, DataSettings(size=20), "coronal")
    assert grid.shape == (1, 20, 20)
    back = resample_image(case.image, case.affine, grid)[0, 0]
    assert np.array_equal(back[:, 2:18], image[:, :, 1])
    assert np.array_equal(resample_label(case.label, case.affine, grid)[0, :, 2:18], STORED[label[:, :, 1].astype(int)])
    assert np.array_equal(reader.grid(by_id(reader.scan(raw).domains[1])["mr_train_slice1"]).affine, case.affine)
    assert np.allclose(case.spacing_mm, 1)


def test_a_test_volume_comes_back_flipped_and_in_order(raw):
    reader = SIFAReader()
    files = by_id(reader.scan(raw).domains[0])["image_ct_1003"]
    image, label = random_pair(50, (20, 16, 4))
    case, grid = reader.load(files), reader.grid(files)
    assert grid.shape == (20, 16, 4)
    cut = slice_grid(grid.shape, grid.affine, DataSettings(size=20), "coronal")
    assert cut.shape == (4, 20, 20)
    assert np.array_equal(resample_image(case.image, case.affine, cut)[0, :, :, 2:18], np.moveaxis(image, 2, 0))
    assert np.array_equal(
        resample_label(case.label, case.affine, cut)[:, :, 2:18], STORED[np.moveaxis(label, 2, 0).astype(int)]
    )
    # rows head to feet, columns right to left, slices front to back
    assert np.array_equal(grid.affine[:3, :3], [[0, -1, 0], [0, 0, -1], [-1, 0, 0]])


def test_the_store_has_the_published_range_and_ignores_label_5(raw, tmp_path):
    prepare(raw, tmp_path / "store", SMALL)
    from seasa_da.data.labels import open_labels
    from seasa_da.data.store import SliceStore

    store = SliceStore.open(tmp_path / "store")
    assert store.axis == "coronal"
    for domain, seed, (lo, hi) in (("ct", 0, (-2.8, 3.2)), ("mri", 100, (-1.8, 4.4))):
        images = np.asarray(store.images(domain, "train")[:])
        for place in range(3):
            middle = random_pair(seed + place)[0][2:18, :, 1]
            expected = np.clip(2 * (middle - lo) / (hi - lo) - 1, -1, 1)
            assert np.abs(images[place, 0] - expected).max() < 1e-6
        assert (np.asarray(open_labels(store, domain, "test")[:]) == IGNORED).any()


def test_the_whole_folder_is_in_order(raw):
    settings = RawSettings()
    assert verify(open_raw(raw, settings), settings).faults == ()


def test_without_test_volumes_the_validation_slices_are_tested(raw):
    for path in raw.glob("test_*/*.npz"):
        path.unlink()
    domain = SIFAReader().scan(raw).domains[0]
    assert [files.id for files in domain.split_cases("test")] == ["ct_val_slice3", "ct_val_slice4"]
    assert domain.split_from.startswith("the validation slices, which cannot be checked")
    assert "ct has no test volume; its 2 validation slices are tested, each as a case" in SIFAReader().scan(raw).notes


def test_names_of_sifas_repository(tmp_path):
    for folder in ("training_ct", "training_mr", "validation_A"):
        write_slice(tmp_path / "data" / folder / "image_01.tfrecords", *random_pair(len(folder)))
    found = SIFAReader().scan(tmp_path)
    assert [(d.name, [files.id for files in d.cases]) for d in found.domains] == [
        ("ct", ["image_01"]),
        ("mri", ["image_01"]),
    ]
    assert any("what is in data/validation_A: no name says ct or mr" in note for note in found.notes)


def test_files_of_one_name_are_told_apart_by_their_folder(tmp_path):
    for folder in ("ct_train_tfs", "ct_val_tfs", "again/ct_train_tfs", "x/ct_train_tfs"):
        write_slice(tmp_path / folder / f"image_0{int(len(folder) > 16)}.tfrecords", *random_pair(len(folder)))
    found = SIFAReader().scan(tmp_path)
    assert [files.id for files in found.domains[0].cases] == ["ct_val_tfs_image_00", "image_01"]
    assert [str(fault.path.relative_to(tmp_path)) for fault in found.faults] == [
        "ct_train_tfs/image_00.tfrecords",
        "x/ct_train_tfs/image_00.tfrecords",
    ]


def test_other_files_links_and_circles(raw):
    (raw / "round").symlink_to(raw)
    (raw / "nowhere").symlink_to(raw / "gone")
    (raw / "circle").symlink_to(raw / "circle")
    (raw / "test_ct" / "image_ct_1008.nii.gz").write_bytes(b"")
    (raw / "test_ct" / "._image_ct_1003.nii.gz.npz").write_bytes(b"macOS")
    deep = raw / "a" / "b" / "c" / "d" / "e"
    write_slice(deep / "ct_train_slice9.tfrecords", *random_pair(9))
    found = SIFAReader().scan(raw)
    assert len(found.domains[0].cases) == 6
    assert [(fault.path.name, "leads nowhere" in fault.what) for fault in found.faults] == [
        ("circle", True),
        ("nowhere", True),
    ]
    assert any("1 NIfTI files (image_ct_1008.nii.gz)" in note for note in found.notes)


def test_what_is_not_this_layout(tmp_path):
    assert not SIFAReader().recognises(tmp_path)
    np.savez(tmp_path / "a.npz", np.zeros(3))
    assert not SIFAReader().recognises(tmp_path)  # anybody's arrays
    write_slice(tmp_path / "training_A" / "image_01.tfrecords", *random_pair(0))
    assert SIFAReader().recognises(tmp_path)
    with pytest.raises(UserError, match="no name says ct or mr"):
        SIFAReader().scan(tmp_path)


def test_a_label_of_one_slice_and_of_described_size(tmp_path):
    image, label = random_pair(0)
    for data in (
        release_example(image, label[:, :, 1:2]),
        release_example(image, label, lsize_dim2=int64s(1)),
    ):
        assert np.array_equal(SIFAReader().load(one(tmp_path, data)).label, STORED[label[:, :, 1:2].astype(int)])


def nan_middle(array):
    array = array.copy()
    array[3, 4, 1] = np.nan
    return array


IMAGE, LABEL = random_pair(0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (release_example(nan_middle(IMAGE), LABEL), "has 1 NaN or infinite voxels"),
        (release_example(IMAGE, nan_middle(LABEL)), "has a label with 1 NaN or infinite voxels"),
        (release_example(IMAGE, LABEL + 0.25), "has label values that are not whole numbers (0.25)"),
        (release_example(IMAGE, LABEL + 1), "has the label value 6; the published ones are 0 to 5"),
        (release_example(IMAGE, LABEL - 2), "has the label values -2, -1; the published ones"),
        (release_example(IMAGE, LABEL[:, 1:]), "has a label of shape (20, 15, 1) for an image of (20, 16, 1)"),
        (release_example(IMAGE, LABEL, label_vol=None), "has no label_vol, or not one"),
        (release_example(IMAGE, LABEL, label_vol=int64s(3)), "has no label_vol, or not one"),
        (release_example(IMAGE, LABEL, data_vol=strings(b"", b"")), "has no data_vol, or not one"),
        (release_example(IMAGE, LABEL, dsize_dim1=None), "has no dsize_dim1, or not one size"),
        (release_example(IMAGE, LABEL, dsize_dim1=int64s(-16)), "has no dsize_dim1, or not one size"),
        (release_example(IMAGE, LABEL, dsize_dim1=int64s(16, 16)), "has no dsize_dim1, or not one size"),
        (release_example(IMAGE, LABEL, dsize_dim1=int64s(1 << 40)), "bytes of data_vol, which do not fit 20 x 10995"),
        (release_example(IMAGE, LABEL, dsize_dim2=int64s(1)), "do not fit 20 x 16 x 1 float32 values"),
        (release_example(IMAGE[:, :, :2], LABEL), "has 2560 bytes of data_vol, which do not fit 20 x 16 x 2"),
        (release_example(IMAGE, LABEL, data_vol=strings(b"abc")), "has 3 bytes of data_vol"),
    ],
)
def test_what_is_wrong_in_a_record(tmp_path, data, reason):
    files = one(tmp_path, data)
    said = faults(files)
    assert len(said) == 1 and said[0].startswith(str(files.image)) and reason in said[0]
    with pytest.raises(UserError, match=re.escape(said[0])):
        SIFAReader().load(files)


def test_all_faults_of_a_record_at_once(tmp_path):
    files = one(tmp_path, release_example(nan_middle(IMAGE), nan_middle(LABEL[:, 1:]) + 1.5))
    assert len(faults(files)) == 4
    assert check_case(SIFAReader(), files).content is not None


def test_damaged_files_are_one_fault(tmp_path):
    files = one(tmp_path, release_example(IMAGE, LABEL))
    whole = files.image.read_bytes()
    for content, reason in (
        (whole[:-100], "record 0 is cut short"),
        (whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], "record 0 fails its checksum"),
        (whole + whole, "has 2 records"),
        (b"", "is empty"),
    ):
        files.image.write_bytes(content)
        checked = check_case(SIFAReader(), files)
        assert len(checked.faults) == 1 and reason in str(checked.faults[0]) and checked.content is None
        with pytest.raises(UserError, match=reason):
            SIFAReader().load(files)
    files.image.unlink()
    assert len(faults(files)) == 1 and "cannot be read: No such file" in faults(files)[0]


def test_one_volume_under_two_names_has_one_content(tmp_path):
    contents = []
    for seed, name in ((0, "a"), (0, "b"), (1, "c")):
        image, label = random_pair(seed)
        image[:, :, 0] = len(contents)  # only the middle slice counts
        contents.append(check_case(SIFAReader(), one(tmp_path / name, release_example(image, label))).content)
    assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"arr_0": np.zeros((4, 4, 2))}, "has no array arr_1"),
        ({"arr_1": np.zeros((4, 4, 2))}, "has no array arr_0"),
        ({"arr_0": np.zeros((4, 4)), "arr_1": np.zeros((4, 4, 2))}, "has arr_0 of shape (4, 4)"),
        ({"arr_0": np.zeros((4, 4, 0)), "arr_1": np.zeros((4, 4, 2))}, "has arr_0 of shape (4, 4, 0)"),
        ({"arr_0": np.zeros((4, 4, 3)), "arr_1": np.zeros((4, 4, 2))}, "has a label of shape (4, 4, 2)"),
        ({"arr_0": np.full((4, 4, 2), np.inf), "arr_1": np.zeros((4, 4, 2))}, "has 32 NaN or infinite voxels"),
        ({"arr_0": np.zeros((4, 4, 2)), "arr_1": np.full((4, 4, 2), 9)}, "has the label value 9"),
        ({"arr_0": np.zeros((4, 4, 2)), "arr_1": np.array([[[{}]]])}, "its values are Python objects, not numbers"),
        ({"arr_0": np.zeros((4, 4, 2), complex), "arr_1": np.zeros((4, 4, 2))}, "its values are complex128"),
    ],
)
def test_what_is_wrong_in_a_test_volume(raw, arrays, reason):
    path = raw / "test_ct" / "image_ct_1003.nii.gz.npz"
    np.savez(path, **arrays)
    files = by_id(SIFAReader().scan(raw).domains[0])["image_ct_1003"]
    said = faults(files)
    assert len(said) == 1 and str(path) in said[0] and reason in said[0]


def test_a_damaged_test_volume(raw):
    path = raw / "test_ct" / "image_ct_1003.nii.gz.npz"
    files = by_id(SIFAReader().scan(raw).domains[0])["image_ct_1003"]
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"text", whole[:300] + b"\0\1\2\3" + whole[304:]):
        path.write_bytes(content)
        said = faults(files)
        assert len(said) == 1 and f"{path} is damaged or no .npz file" in said[0]
    with pytest.raises(UserError, match="damaged or no"):
        SIFAReader().load(files)
    path.write_bytes(b"text")
    with pytest.raises(UserError, match="damaged or no"):
        SIFAReader().grid(files)


def test_a_compressed_test_volume_and_whole_numbers(tmp_path):
    image, label = random_pair(0, (8, 6, 2))
    path = tmp_path / "ct_test" / "v.npz"
    write_test_volume(path, image, label)
    np.savez_compressed(
        path, np.asfortranarray(image[::-1, ::-1].astype(np.float64)), label[::-1, ::-1].astype(np.int16)
    )
    files = SIFAReader().scan(tmp_path).domains[0].cases[0]
    case = SIFAReader().load(files)
    assert np.array_equal(case.image[0], image) and case.image.dtype == np.float32
    assert np.array_equal(case.label, STORED[label.astype(int)])


def test_slices_alike_are_no_fault_unless_one_is_tested(raw):
    folder = raw / "train_n_val" / "ct_train_tfs"
    slices = sorted(folder.iterdir())
    (folder / "ct_train_slice9.tfrecords").write_bytes(slices[0].read_bytes())
    opened = open_raw(raw, RawSettings())
    assert verify(opened, RawSettings()).faults == ()
    volumes = sorted((raw / "test_ct").iterdir())
    volumes[0].with_name("image_ct_1099.nii.gz.npz").write_bytes(volumes[0].read_bytes())
    opened = open_raw(raw, RawSettings())
    assert ["is the same volume as" in fault.what for fault in verify(opened, RawSettings()).faults] == [True]
