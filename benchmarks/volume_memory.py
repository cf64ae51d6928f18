"""Peak memory of `prepare` and `predict` on a volume of 512x512x600 voxels: both must stay under 3 GiB.

    python benchmarks/volume_memory.py [--shape 512 512 600] [--axis axial|coronal|sagittal] [--maps] [--keep DIR]

Writes a raw folder of two domains with one large int16 `.nii.gz` each for training and small ones for testing, prepares
it, makes a run's folder with an untrained network of the smoke preset, and predicts the large volume, each in a process
of its own. Reported is the largest resident memory of that process and its seconds; exit code 1 where it is too much.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT_GIB = 3.0
SMALL = (64, 64, 48)
SPACING_MM = (0.7, 0.7, 0.6)
SIZE, CHANNELS = 256, {"ct": "CT", "mri": "MRI"}


def write_volume(path: Path, shape: tuple[int, ...], spacing: tuple[float, ...], seed: int, *, label: bool) -> None:
    """A ball in noise (or its label), slice by slice, so that making it does not take what is to be measured."""
    import nibabel
    import numpy as np

    header = nibabel.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(np.uint8 if label else np.int16)
    header.set_sform(np.diag([*spacing, 1.0]), code=1)
    header.set_xyzt_units("mm")
    header["vox_offset"], header["magic"] = header.single_vox_offset, b"n+1"
    x, y = np.ogrid[: shape[0], : shape[1]]
    plane = ((x / shape[0] - 0.5) ** 2 + (y / shape[1] - 0.5) ** 2)[..., None]
    rng = np.random.default_rng(seed)
    noise = rng.integers(-60, 60, (shape[0], shape[1], 8), dtype=np.int16)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.binaryblock + b"\0" * 4)
        for z in range(shape[2]):
            ball = plane[..., 0] + (z / shape[2] - 0.5) ** 2 < 0.09
            voxels = ball if label else np.where(ball, 120, -300) + noise[..., z % 8]
            file.write(voxels.astype(header.get_data_dtype()).tobytes(order="F"))


def make_raw(raw: Path, shape: tuple[int, ...]) -> None:
    """Two nnU-Net folders; each has a large training case and small test cases."""
    for seed, (name, channel) in enumerate(CHANNELS.items()):
        cases = {"large": ("Tr", shape, SPACING_MM), "small": ("Ts", SMALL, (5.0, 5.0, 6.0))}
        for split in ("Tr", "Ts"):
            (raw / name / f"images{split}").mkdir(parents=True)
            (raw / name / f"labels{split}").mkdir()
        for case, (split, own, spacing) in cases.items():
            image = raw / name / f"images{split}" / f"{case}_0000.nii.gz"
            write_volume(image, own, spacing, seed, label=False)
            write_volume(raw / name / f"labels{split}" / f"{case}.nii.gz", own, spacing, seed, label=True)
        about = {
            "channel_names": {"0": channel},
            "labels": {"background": 0, "ball": 1},
            "numTraining": 1,
            "file_ending": ".nii.gz",
        }
        (raw / name / "dataset.json").write_text(json.dumps(about))


def prepare_volumes(folder: Path, options: argparse.Namespace) -> None:
    """As `seasa-da data prepare`."""
    from seasa_da.config import DataSettings
    from seasa_da.data.prepare import prepare

    settings = DataSettings(size=SIZE, axis=options.axis, depth_mm=1000.0)
    prepare(folder / "raw", folder / "store", settings)


def make_run(folder: Path, options: argparse.Namespace) -> None:
    """A run of one update, that there is a checkpoint."""
    from seasa_da.training.run import train

    overrides = ["train.iterations=1", "train.batch_size=1"]
    train(
        "source-only",
        preset="smoke",
        data=folder / "store",
        out=folder / "run",
        tracking_uri="none",
        reference=False,
        overrides=overrides,
    )


def predict_volume(folder: Path, options: argparse.Namespace) -> None:
    """As `seasa-da predict`."""
    from seasa_da.prediction.files import Maps, predict_files
    from seasa_da.prediction.segmenter import Segmenter

    maps = Maps(probs=True, entropy=True, reliability=True) if options.maps else Maps()
    volume = folder / "raw" / "mri" / "imagesTr" / "large_0000.nii.gz"
    found = predict_files(Segmenter.load(folder / "run", "cpu"), [volume], folder / "predicted", maps=maps)
    assert found.done == ("large",), found


STEPS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "prepare": prepare_volumes,
    "run": make_run,
    "predict": predict_volume,
}


def measured(step: str, folder: Path, options: argparse.Namespace) -> tuple[float, float]:
    """Peak GiB and seconds of a step in a process of its own."""
    command: list[Any] = [sys.executable, __file__, "--step", step, "--keep", folder, "--axis", options.axis]
    started = time.monotonic()
    done = subprocess.run([*command, *(["--maps"] if options.maps else [])], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1]) / 2**20, time.monotonic() - started


def main() -> None:
    """Make the volumes, measure, print a line a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", type=int, nargs=3, default=(512, 512, 600))
    parser.add_argument("--axis", default="coronal")
    parser.add_argument("--maps", action="store_true", help="also probabilities, entropy and reliability")
    parser.add_argument("--keep", type=Path, help="folder to work in; its raw volumes are used again")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        STEPS[options.step](options.keep, options)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    with tempfile.TemporaryDirectory() as own:
        folder = options.keep or Path(own)
        if not (folder / "raw").exists():
            make_raw(folder / "raw", tuple(options.shape))
        peaks = {}
        for step in STEPS:
            peaks[step], seconds = measured(step, folder, options)
            print(f"{step:8} {peaks[step]:5.2f} GiB {seconds:6.0f} s", flush=True)
    sys.exit(1 if max(peaks["prepare"], peaks["predict"]) > LIMIT_GIB else 0)


if __name__ == "__main__":
    main()
