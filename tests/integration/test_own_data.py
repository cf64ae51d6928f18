"""Anybody's two domains, by the commands that README prints."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from click.testing import CliRunner, Result

from seasa_da.cli import cli
from seasa_da.config import PhantomSettings, load_preset
from seasa_da.data.phantom import make_phantom

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def raw(own_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke phantom in nnU-Net's layout. Shared: copy it before changing anything."""
    folder = tmp_path_factory.mktemp("nnunet") / "RAW"
    make_phantom(folder, PhantomSettings(**load_preset("smoke")["phantom"]), layout="nnunet")
    return folder


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def test_readmes_commands_go_from_raw_volumes_to_scored_segmentations(tmp_path: Path) -> None:
    [block] = re.findall(r"<!-- own data commands -->\n```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    phantom = load_preset("smoke")["phantom"]
    size = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in phantom.items())
    # as printed, but for the sizes
    commands = block.replace("--layout nnunet", f"--layout nnunet {size}").replace("--preset quick", "--preset smoke")
    assert commands.count("--preset smoke") == 2
    assert size in commands
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-e", "-c", commands], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names = sorted(path.name for path in (tmp_path / "RAW" / "mri" / "labelsTs").iterdir())
    assert sorted(path.name for path in (tmp_path / "SEGMENTED").glob("*.nii.gz")) == names
    for name in names:
        image, found = (nibabel.load(tmp_path / folder / name) for folder in ("RAW/mri/labelsTs", "SEGMENTED"))
        assert found.shape == image.shape
        np.testing.assert_allclose(found.affine, image.affine, atol=1e-5)
        assert found.header.get_xyzt_units()[0] == "mm"
        assert set(np.unique(found.dataobj)) <= {0, 1, 2, 3, 4}
    table = done.stdout[done.stdout.index("SEGMENTED, scored against RAW/mri/labelsTs") :]
    assert all(name in table for name in ("AA", "LAC", "LVC", "MYO", "mean"))


def test_a_target_without_any_label_goes_the_same_way(raw: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(raw, tmp_path / "RAW"))
    for name in ("labelsTr", "labelsTs"):
        shutil.rmtree(own / "mri" / name)
    about = json.loads((own / "mri" / "dataset.json").read_text(encoding="utf-8"))
    (own / "mri" / "dataset.json").write_text(json.dumps({**about, "labels": {"background": 0}}), encoding="utf-8")
    assert "nothing wrong" in invoke("data", "verify", own).output
    store, run = tmp_path / "STORE", tmp_path / "RUN"
    invoke("data", "prepare", own, "--out", store, "--preset", "smoke")
    quiet = ("--preset", "smoke", "--tracking-uri", "none")
    trained = invoke("train", "--method", "ours", "--data", store, "--out", run, "--no-reference", *quiet)
    assert "no test labels, so nothing to score against" in trained.output
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert set(metrics["dice"].values()) == {None}
    assert metrics["label_free"]["entropy"] > 0
    assert "nothing to score" in invoke("evaluate", run).output
    compared = invoke("compare", "--methods", "source-only,ours", "--data", store, "--out", tmp_path / "TABLE", *quiet)
    assert "no labels to score against" in compared.output
    invoke("predict", run, own / "mri" / "imagesTs", "--out", tmp_path / "SEGMENTED")
    # in the source's values, as the target's files have none
    volumes = sorted((own / "mri" / "imagesTs").iterdir())
    for image in volumes:
        found = nibabel.load(tmp_path / "SEGMENTED" / image.name.replace("_0000", ""))
        assert found.shape == nibabel.load(image).shape
        assert set(np.unique(found.dataobj)) <= {0, 1, 2, 3, 4}
    assert len(volumes) == 2


def test_target_labels_change_no_slice_and_no_choice(raw: Path, tmp_path: Path) -> None:
    """Deleting the target's labels leaves its images, their range, the axis and what is said as they were."""
    bare = Path(shutil.copytree(raw, tmp_path / "bare"))
    for name in ("labelsTr", "labelsTs"):
        shutil.rmtree(bare / "mri" / name)
    said = {}
    for name, folder in (("with", raw), ("without", bare)):
        output = invoke("data", "prepare", folder, "--out", tmp_path / name, "--preset", "smoke").output
        said[name], seconds = re.subn(r"megavoxels in .* a second", "", output)
        assert seconds == 1
    assert said["with"].replace("with", "") == said["without"].replace("without", "")
    for file in ("mri/train_images.npy", "mri/test_images.npy", "ct/train_images.npy", "ct/train_labels.npy"):
        assert (tmp_path / "with" / file).read_bytes() == (tmp_path / "without" / file).read_bytes()
    domains = [json.loads((tmp_path / name / "manifest.json").read_text())["domains"] for name in said]
    assert domains[0]["mri"]["channels"] == domains[1]["mri"]["channels"]
    assert [case["intensities"] for case in domains[0]["mri"]["cases"]] == [
        case["intensities"] for case in domains[1]["mri"]["cases"]
    ]


def test_anonymised_patients_are_in_no_record(raw: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(raw, tmp_path / "RAW"))
    images = sorted((own / "mri").rglob("*.nii.gz"))
    for path in images:
        path.rename(path.with_name(f"Jane_Doe_{path.name}"))
    # a line of preparing would name one: it is fifty times as bright
    strange = nibabel.load(next(path for path in sorted((own / "mri" / "imagesTs").iterdir())))
    brighter = nibabel.Nifti1Image(np.asarray(strange.dataobj) * 50.0, strange.affine, strange.header)
    nibabel.save(brighter, strange.get_filename())
    uri = f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}"
    options = ("--preset", "smoke", "--data", own, "--tracking-uri", uri, "--anonymise")
    trained = invoke("train", "--method", "ours", "--out", tmp_path / "RUN", *options)
    compared = invoke("compare", "--methods", "ours", "--out", tmp_path / "TABLE", *options)
    assert "Jane" not in trained.output + compared.output
    written = [path for folder in ("RUN", "TABLE", "mlruns") for path in (tmp_path / folder).rglob("*")]
    assert len(written) > 30
    assert not [path for path in written if "Jane" in path.name]
    assert not [path for path in written if path.is_file() and b"Jane" in path.read_bytes()]
    assert {path.name for path in (tmp_path / "mlruns").rglob("*.png")} <= {"comparison.png"}  # scores, no patient
    assert (tmp_path / "RUN" / "predictions" / "case-01.nii.gz").is_file()


def test_two_channels_from_files_to_a_segmentation(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for domain in "ab":
        for number in range(5):
            tail = "Tr" if number < 3 else "Ts"
            label = np.zeros((20, 22, 9), dtype=np.uint8)
            label[5:13, 5:13, 2:7] = 3
            volumes = {f"labels{tail}/{domain}{number}": label}
            for channel, sign in enumerate((40, -40)):
                noisy = rng.normal(300, 20, label.shape) + sign * label.astype(float)
                volumes[f"images{tail}/{domain}{number}_000{channel}"] = noisy.astype(np.float32)
            for name, voxels in volumes.items():
                image = nibabel.Nifti1Image(voxels, np.diag([6.0, 6.0, 6.0, 1.0]))
                image.header.set_xyzt_units("mm")
                path = tmp_path / "RAW" / domain / f"{name}.nii.gz"
                path.parent.mkdir(parents=True, exist_ok=True)
                nibabel.save(image, path)
        about = {"channel_names": {"0": "T1", "1": "T2"}, "labels": {"background": 0, "box": 3}, "numTraining": 3}
        (tmp_path / "RAW" / domain / "dataset.json").write_text(json.dumps(about), encoding="utf-8")
    run = tmp_path / "RUN"
    options = ("--preset", "smoke", "--data", tmp_path / "RAW", "--tracking-uri", "none", "--no-reference")
    invoke("train", "--method", "ours", "--src", "a", "--tgt", "b", "--out", run, *options)
    assert json.loads((run / "metrics.json").read_text(encoding="utf-8"))["dice"].keys() == {"box", "mean"}
    invoke("predict", run, tmp_path / "RAW" / "b" / "imagesTs", "--out", tmp_path / "SEGMENTED", "--entropy")
    found = {path.name: nibabel.load(path) for path in (tmp_path / "SEGMENTED").glob("*.nii.gz")}
    assert found.keys() == {"b3.nii.gz", "b4.nii.gz"}
    for image in found.values():
        assert image.shape == (20, 22, 9)
        assert set(np.unique(image.dataobj)) <= {0, 3}
