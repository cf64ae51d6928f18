"""The phantom as nnU-Net's folders: the twin of the MM-WHS one, case by case."""

import json

import nibabel
import numpy as np
import pytest

from data.conftest import COARSE
from seasa_da.data.phantom import make_phantom
from seasa_da.data.readers import find_reader

LABELS = {0: 0, 820: 1, 420: 2, 500: 3, 205: 4, 550: 0, 600: 0, 850: 0}


@pytest.fixture(scope="module")
def nnunet_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nnunet") / "raw"
    make_phantom(folder, COARSE, layout="nnunet")
    return folder


def test_names_and_descriptions(nnunet_folder):
    names = {str(path.relative_to(nnunet_folder)) for path in nnunet_folder.rglob("*.*")}
    expected = {"phantom.json"}
    for domain, ids in (("ct", (1001, 1002, 1003)), ("mri", (1004, 1005, 1006))):
        expected.add(f"{domain}/dataset.json")
        for case, part in zip(ids, ("Tr", "Tr", "Ts"), strict=True):
            expected |= {f"{domain}/images{part}/{case}_0000.nii.gz", f"{domain}/labels{part}/{case}.nii.gz"}
    assert names == expected
    assert json.loads((nnunet_folder / "mri" / "dataset.json").read_text()) == {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "AA": 1, "LAC": 2, "LVC": 3, "MYO": 4},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    assert json.loads((nnunet_folder / "phantom.json").read_text())["layout"] == "nnunet"


def test_the_same_voxels_affines_and_structures(phantom_folder, nnunet_folder):
    table = np.zeros(1000, dtype=np.uint8)
    for value, mine in LABELS.items():
        table[value] = mine
    pairs = [(path.name[9:13], path) for path in phantom_folder.glob("*/*_image.nii.gz")]
    assert len(pairs) == 6
    for case, path in pairs:
        (image,) = nnunet_folder.glob(f"*/images*/{case}_0000.nii.gz")
        (label,) = nnunet_folder.glob(f"*/labels*/{case}.nii.gz")
        assert image.read_bytes() == path.read_bytes()
        theirs = nibabel.load(str(path).replace("_image", "_label"))
        mine = nibabel.load(label)
        assert np.array_equal(mine.dataobj, table[np.asarray(theirs.dataobj)])
        assert np.array_equal(mine.affine, theirs.affine)


def test_the_reader_lists_the_same_cases_and_splits(phantom_folder, nnunet_folder):
    assert find_reader(nnunet_folder).name == "nnunet"
    found = find_reader(nnunet_folder).scan(nnunet_folder)
    splits = json.loads((phantom_folder / "splits.json").read_text())
    for domain in found.domains:
        assert [files.id for files in domain.split_cases("test")] == splits[domain.name]["test"]
        assert len(domain.split_cases("train")) == 2
        assert domain.label_names == ("AA", "LAC", "LVC", "MYO")
    assert found.faults == found.notes == ()


def test_what_describes_the_mmwhs_layout_is_as_it_was(phantom_folder):
    assert list(json.loads((phantom_folder / "phantom.json").read_text())) == ["version", "settings"]
    splits = {"ct": {"test": ["1003"]}, "mri": {"test": ["1006"]}}
    assert (phantom_folder / "splits.json").read_text() == json.dumps(splits, indent=2) + "\n"
