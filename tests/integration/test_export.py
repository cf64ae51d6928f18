"""A run's network as a file that says what the run says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from seasa_da.cli import main
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.exporting.agreement import Agreement
from seasa_da.exporting.formats import FORMATS
from seasa_da.exporting.run import export_run
from seasa_da.training.run import RunResult

Smoke = Callable[..., RunResult]


@pytest.fixture
def run(smoke: Smoke, store: Path) -> Path:
    return smoke("source-only", data=store, overrides=["train.iterations=30", "train.checkpoint_every=30"]).folder


@pytest.mark.parametrize("kind", FORMATS)
def test_the_file_predicts_what_the_run_predicted(run: Path, store: Path, kind: str, tmp_path: Path) -> None:
    done = export_run(run, tmp_path / "net.file", kind=kind)
    assert done.agreement.holds
    network, opened = FORMATS[kind].load(done.file), SliceStore.open(store)
    images, foreground = opened.images("mri", "test"), 0
    for case in opened.domain("mri").split_cases("test"):
        with torch.inference_mode():
            labels = network(torch.from_numpy(images[case.start : case.stop])).argmax(dim=1).numpy()
        kept = np.asarray(nibabel.load(run / "predictions" / f"{case.id}.nii.gz").dataobj)
        assert (labels == kept).mean() > 0.999
        foreground += np.count_nonzero(kept)
    assert foreground


def test_the_description_is_all_that_a_stranger_needs(run: Path, tmp_path: Path) -> None:
    done = export_run(run, tmp_path / "net.pt", kind="torchscript")
    about = json.loads(done.description.read_text())
    assert about["classes"] == [
        {"index": 0, "name": "background", "label_value": 0},
        {"index": 1, "name": "AA", "label_value": 820},
        {"index": 2, "name": "LAC", "label_value": 420},
        {"index": 3, "name": "LVC", "label_value": 500},
        {"index": 4, "name": "MYO", "label_value": 205},
    ]
    recipe = json.loads((run / "inference.json").read_text())
    for name in ("ct", "mri"):
        (channel,) = recipe["domains"][name]["channels"]
        assert about["intensity"][name] == [{"channel": channel.pop("name"), **channel}]
    assert (about["axis"], about["size"], about["spacing_mm"], about["slice_mm"]) == ("coronal", 32, 6.0, 6.0)
    assert about["run"]["method"] == "source-only" and about["domain"] == "mri"


def test_it_is_checked_on_a_volume_where_the_data_are_gone(
    run: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "data": str(tmp_path / "gone")}))
    with pytest.raises(UserError, match=r"data are not at .*gone any more.*--volume FILE"):
        export_run(run, tmp_path / "net.pt", kind="torchscript")
    volume = next((phantom / "mr_train").glob("*_image.nii.gz"))
    command = ["export", str(run), "--format", "torchscript", "--out", str(tmp_path / "net.pt")]
    with pytest.raises(SystemExit) as done:
        main([*command, "--volume", str(volume)])
    assert not done.value.code
    assert "agrees with the run on real slices, 1 and 3 at once: largest difference" in capsys.readouterr().out
    with pytest.raises(UserError, match="1 channel: give as many --volume"):
        export_run(run, tmp_path / "second.pt", kind="torchscript", volume=[volume, volume])


def test_a_disagreement_is_an_error_and_leaves_nothing(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "seasa_da.exporting.network.agreement", lambda *args: Agreement(logits=2e-4, probs=0.0, batches=(1, 3))
    )
    (tmp_path / "out").mkdir()
    with pytest.raises(SystemExit) as done:
        main(["export", str(run), "--format", "torchscript", "--out", str(tmp_path / "out" / "net.pt")])
    err = capsys.readouterr().err
    assert done.value.code == 1 and err.count("\n") == 1 and "does not agree" in err and "2.0e-04" in err
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_user_can_get_wrong(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refusal(*args: str) -> str:
        with pytest.raises(SystemExit) as done:
            main(["export", *args])
        err = capsys.readouterr().err
        assert done.value.code == 2 and err.count("\n") == 1
        return err

    (tmp_path / "net.onnx").write_text("mine")
    assert "exists" in refusal(str(run), "--out", str(tmp_path / "net.onnx"))
    assert "formats: onnx, torchscript" in refusal(str(run), "--out", str(tmp_path / "a"), "--format", "tflite")
    assert "not a run's folder" in refusal(str(tmp_path), "--out", str(tmp_path / "a"))
    assert "--out" in refusal(str(run))
    assert "does not exist" in refusal(str(run), "--out", str(tmp_path / "a"), "--volume", str(tmp_path / "b.nii"))
    (run / "inference.json").unlink()
    assert "inference.json does not exist" in refusal(str(run), "--out", str(tmp_path / "a"))
    assert (tmp_path / "net.onnx").read_text() == "mine"
