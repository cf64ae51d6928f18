"""`seasa-da predict` as it is typed: what it prints, and its exit codes."""

import json
import os
import signal

import nibabel
import numpy as np
import pytest
from prediction.standins import TRUTH_SHAPE, ball, image_of, segmenter

import seasa_da
from seasa_da import cli
from seasa_da.prediction.segmenter import Segmenter
from seasa_da.training.run_folder import RECORD_KEYS


@pytest.fixture
def typed(capsys, monkeypatch, tmp_path):
    """Types a command line in a folder with two volumes, where RUN is a segmenter without training."""
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / "run", tmp_path / "some" / "run"):
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("addons: []\n")
        (folder / "run.json").write_text(json.dumps(dict.fromkeys(RECORD_KEYS)))
        (folder / "metrics.json").write_text("{}")
    asked = []

    def load(run, device=None, *, domain=None):
        asked.append((str(run), device, domain))
        return segmenter(domain=domain)

    monkeypatch.setattr(Segmenter, "load", load)
    truth = ball(TRUTH_SHAPE, (2, 2, 2), 15.0)
    for name in ("in/a.nii.gz", "in/b.nii.gz"):
        (tmp_path / "in").mkdir(exist_ok=True)
        nibabel.save(image_of(truth), tmp_path / name)

    def run(*args):
        with pytest.raises(SystemExit) as caught:
            cli.main(["predict", *args])
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    run.asked = asked
    return run


def test_segmentations_then_nothing_left_to_do(typed, tmp_path):
    assert typed("run", "in", "--out", "out", "--entropy") == (0, "2 volumes segmented in out\n", "")
    assert np.asarray(nibabel.load(tmp_path / "out" / "a.nii.gz").dataobj).max() == 820
    assert (tmp_path / "out" / "entropy" / "b.nii.gz").is_file()
    code, out, _ = typed("run", "in/*.nii.gz", "--out", "out")
    assert (code, out) == (0, "0 volumes segmented in out, 2 were there already (--overwrite predicts them again)\n")
    assert typed("run", "in", "--out", "out", "--overwrite")[:2] == (0, "2 volumes segmented in out\n")


def test_a_run_under_way_is_said_to_be_one(typed, tmp_path):
    (tmp_path / "run" / "metrics.json").unlink()
    line = "run is not finished: its newest checkpoint is used (--resume run goes on)\n"
    assert typed("run", "in", "--out", "out") == (0, "2 volumes segmented in out\n", line)
    (tmp_path / "run" / "validation.json").write_text("{}")  # the result is chosen: it only was not scored yet
    assert typed("run", "in", "--out", "out")[2] == ""


def test_options_reach_the_segmenter(typed, tmp_path):
    code, _, err = typed("some/run", "in/a.nii.gz", "--out", "out", "--domain", "ct", "--device", "cpu", "--probs")
    assert (code, err) == (0, "")
    assert typed.asked == [("some/run", "cpu", "ct")]
    assert np.asarray(nibabel.load(tmp_path / "out" / "a.nii.gz").dataobj).max() == 7
    assert sorted(path.name for path in (tmp_path / "out" / "probs").iterdir()) == ["background", "disc"]


def test_what_a_job_scheduler_ends_leaves_nothing_half_written(typed, tmp_path, monkeypatch):
    def blocks(self, case, **options):
        assert len(list((tmp_path / "out").rglob(".*.partial"))) == 3
        os.kill(os.getpid(), signal.SIGTERM)
        yield

    # where the command does not see to it, the signal ends this test, not the tests
    before = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("nobody waited for it"))
    monkeypatch.setattr(Segmenter, "blocks", blocks)
    try:
        assert typed("run", "in", "--out", "out", "--probs")[0] not in (0, None)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_a_bad_volume_is_said_at_once_and_again_at_the_end(typed, tmp_path):
    (tmp_path / "in" / "aa[bold].nii.gz").write_text("no volume")
    code, out, err = typed("run", "in", "--out", "out")
    assert (code, out) == (1, "2 volumes segmented in out, 1 failed\n")
    first, title, second = err.splitlines()
    assert title == "failed:" and second == f"  {first}" and first.startswith("in/aa[bold].nii.gz is not a NIfTI")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run", "nowhere", "--out", "out"], "nowhere does not exist"),
        (["run", "in", "in/../in/a.nii.gz", "--out", "in"], "is one of the volumes to be segmented"),
        (["run", "in", "--out", "out", "--domain", "pet"], "the run knows no domain 'pet'"),
        (["run", "in", "--out", "out", "--reliability"], "no source slices"),
        (["run", "in"], "--out"),
        (["run", "--out", "out"], "VOLUME"),
    ],
)
def test_wrong_usage_is_one_line(typed, tmp_path, args, message):
    code, out, err = typed(*args)
    assert code == 2 and out == "" and message in err
    assert err.count("\n") == 1 and err.startswith("seasa-da: error: ")
    assert not (tmp_path / "out").exists()


def test_from_python():
    assert seasa_da.Segmenter is Segmenter
