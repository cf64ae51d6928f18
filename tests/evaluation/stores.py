"""A slice store on disk, written by hand."""

import json

import numpy as np

from seasa_da.config import DataSettings
from seasa_da.data.store import SliceStore

SIZE = 16


def write_store(path, *, domains=("ct", "mri"), size=SIZE, axis="coronal", channel=None, channels=1, **settings):
    """Two cases of three slices a split and domain; `channel` overrides fields of every channel."""
    described = {}
    for name in domains:
        files = {}
        cases = []
        for split in ("train", "test"):
            kinds = {"images": ((6, channels, size, size), "<f4"), "labels": ((6, size, size), "|u1")}
            for kind, (shape, dtype) in kinds.items():
                rng = np.random.default_rng(len(files))
                array = rng.normal(size=shape) if kind == "images" else rng.integers(0, 3, shape)
                file = path / name / f"{split}_{kind}.npy"
                file.parent.mkdir(parents=True, exist_ok=True)
                np.save(file, array.astype(dtype))
                files[file.name] = {"sha256": "0", "bytes": file.stat().st_size, "shape": shape, "dtype": dtype}
            cases += [case_record(f"{split}{number}", split, 3 * number, size) for number in range(2)]
        described[name] = {
            "label_names": ["AA", "MYO"],
            "label_values": [820, 205],
            "ignored_values": [],
            "channels": [{"name": "MRI", "rule": "zscore:2", "lo": -2.0, "hi": 2.0, **(channel or {})}] * channels,
            "split_from": "the test",
            "cases": cases,
            "files": files,
        }
    manifest = {
        "format": "seasa-da slice store",
        "version": 2,
        "settings": DataSettings(size=size, **settings).model_dump(mode="json"),
        "axis": axis,
        "made_by": "the test",
        "domains": described,
    }
    (path / "manifest.json").write_text(json.dumps(manifest))
    return SliceStore.open(path)


def case_record(name, split, start, size):
    affine = np.eye(4).tolist()
    return {
        "id": name,
        "split": split,
        "start": start,
        "stop": start + 3,
        "spacing_mm": [1, 1, 1],
        "original_shape": [size, 3, size],
        "original_affine": affine,
        "affine": affine,
        "sources": {},
        "content": name,
        "intensities": [],
    }
