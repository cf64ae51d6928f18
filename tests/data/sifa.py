"""Writing small folders of PnP-AdaNet's release, with its quirks."""

from pathlib import Path

import numpy as np

from data.tfrecord_writer import example, int64s, strings, write_records


def release_example(image: np.ndarray, label: np.ndarray, quirks: bool = True, **changes: bytes | None) -> bytes:
    """An Example of three adjacent slices (H, W, 3) each; what is given as `None` is left out."""
    features = {"data_vol": strings(image.astype("<f4").tobytes()), "label_vol": strings(label.astype("<f4").tobytes())}
    for prefix, shape in (("dsize_dim", image.shape), ("lsize_dim", label.shape)):
        features |= {f"{prefix}{axis}": int64s(size, packed=axis != 1) for axis, size in enumerate(shape)}
    if quirks:
        features |= {f"bias_dim{axis}": int64s(-3 * axis) for axis in range(3)}
        features |= {"mask_scale": int64s(4), "mask_vol": strings(np.zeros((64, 64), "<f4").tobytes())}
    features |= changes
    # the release's map is in no order
    return example(**{name: features[name] for name in sorted(features, reverse=True) if features[name] is not None})


def write_slice(path: Path, image: np.ndarray, label: np.ndarray, **options: object) -> None:
    """A record file."""
    write_records(path, release_example(image, label, **options))


def write_test_volume(path: Path, image: np.ndarray, label: np.ndarray) -> None:
    """A `.npz` file of (H, W, D) arrays that lie as the records do; in the file, axes 0 and 1 run the other way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, *(np.flip(array, (0, 1)).astype(np.float32) for array in (image, label)))


def random_pair(seed: int, shape: tuple[int, int, int] = (20, 16, 3)) -> tuple[np.ndarray, np.ndarray]:
    """Standardised intensities, and labels of 0 to 5."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, shape).astype(np.float32), rng.integers(0, 6, shape).astype(np.float32)


def write_release(raw: Path) -> None:
    """Three training slices, two validation slices and a test volume for each domain."""
    for seed, modality in ((0, "ct"), (100, "mr")):
        for place in range(5):
            part = "train" if place < 3 else "val"
            path = raw / "train_n_val" / f"{modality}_{part}_tfs" / f"{modality}_{part}_slice{place}.tfrecords"
            write_slice(path, *random_pair(seed + place), quirks=place != 1)
        volume = raw / f"test_{modality}" / f"image_{modality}_1003.nii.gz.npz"
        write_test_volume(volume, *random_pair(seed + 50, (20, 16, 4)))
