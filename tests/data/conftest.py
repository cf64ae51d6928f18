"""Small raw folders and stores: volumes of a few thousand voxels."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from data.volumes import write_volume
from seasa_da.config import DataSettings, PhantomSettings

COARSE = PhantomSettings(train_cases=2, test_cases=1, voxel_mm=7.0)
SMALL = DataSettings(size=24, spacing_mm=8.0, depth_mm=96.0)


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory) -> Path:
    """The phantom of `COARSE`. Shared: copy it before changing anything."""
    from seasa_da.data.phantom import make_phantom

    folder = tmp_path_factory.mktemp("phantom") / "raw"
    make_phantom(folder, COARSE)
    return folder


@pytest.fixture(scope="session")
def store_folder(phantom_folder, tmp_path_factory) -> Path:
    """`phantom_folder`, prepared with `SMALL`. Shared: copy it before changing anything."""
    from seasa_da.data.prepare import prepare

    folder = tmp_path_factory.mktemp("store") / "store"
    prepare(phantom_folder, folder, SMALL)
    return folder


@pytest.fixture
def own_store(store_folder, tmp_path) -> Path:
    """A copy of the store for one test to break."""
    return Path(shutil.copytree(store_folder, tmp_path / "own_store"))


@pytest.fixture
def raw(tmp_path) -> Path:
    """An MM-WHS folder with three CT cases of 10x9x8 voxels, 1003 for testing."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "raw"
    (folder / "ct_train").mkdir(parents=True)
    for case in ("1001", "1002", "1003"):
        stem = folder / "ct_train" / f"ct_train_{case}"
        write_volume(stem.with_name(f"{stem.name}_image.nii.gz"), rng.integers(0, 999, (10, 9, 8)).astype(np.int16))
        values = rng.choice(np.array([0, 205, 420, 421, 500, 550, 600, 820, 850], dtype=np.int16), (10, 9, 8))
        write_volume(stem.with_name(f"{stem.name}_label.nii.gz"), values)
    (folder / "splits.json").write_text(json.dumps({"ct": {"test": ["1003"]}}), encoding="utf-8")
    return folder
