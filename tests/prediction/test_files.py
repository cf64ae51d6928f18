"""Many volumes: skipping, failing, maps, and nothing half-written."""

import gzip
import math

import nibabel
import numpy as np
import pytest

from seasa_da.errors import UserError
from seasa_da.prediction.files import Maps, predict_files
from seasa_da.prediction.segmenter import Segmenter

from .standins import CT, Threshold, ball, image_of, recipe, segmenter

TRUTH = ball((18, 20, 22), (2, 2, 2), 15.0)


@pytest.fixture
def volumes(tmp_path):
    """Three volumes in a folder: int16 zipped, float32, and one in micrometres."""
    folder = tmp_path / "in"
    folder.mkdir()
    nibabel.save(image_of(TRUTH, dtype=np.int16), folder / "a.nii.gz")
    nibabel.save(image_of(TRUTH[::-1]), folder / "b_0000.nii")
    nibabel.save(image_of(TRUTH, np.diag([2e3, 2e3, 2e3, 1]), unit="micron"), folder / "c.nii.gz")
    return folder


def voxels(path):
    return np.asarray(nibabel.load(path).dataobj)


def test_segmentations_and_maps(volumes, tmp_path):
    out, said, counted = tmp_path / "new" / "out", [], []
    found = predict_files(
        segmenter(network=Threshold(1.0)),
        [volumes],
        out,
        maps=Maps(probs=True, entropy=True),
        say=said.append,
        on_start=counted.append,
        on_case=lambda: counted.append("case"),
    )
    assert (found.done, found.skipped, found.failed) == (("a", "b", "c"), (), {})
    assert said == [] and counted == [3, "case", "case", "case"]
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == sorted(
        f"{folder}{case}.nii.gz" for folder in ("", "entropy/", "probs/background/", "probs/disc/") for case in "abc"
    )
    np.testing.assert_array_equal(voxels(out / "a.nii.gz"), np.where(TRUTH, 820, 0))
    np.testing.assert_array_equal(voxels(out / "b.nii.gz"), np.where(TRUTH[::-1], 820, 0))
    np.testing.assert_array_equal(voxels(out / "c.nii.gz"), voxels(out / "a.nii.gz"))
    disc, ground = voxels(out / "probs" / "disc" / "a.nii.gz"), voxels(out / "probs" / "background" / "a.nii.gz")
    assert disc.dtype == np.float32
    sure = 1 / (1 + math.exp(-2))  # logits are 1 and -1
    np.testing.assert_allclose(disc, np.where(TRUTH, sure, 1 - sure), atol=1e-3)
    np.testing.assert_allclose(disc + ground, 1, atol=1e-6)
    expected = -sure * math.log(sure) - (1 - sure) * math.log(1 - sure)
    np.testing.assert_allclose(voxels(out / "entropy" / "a.nii.gz"), expected, atol=2e-3)
    units = {case: nibabel.load(out / f"{case}.nii.gz").header.get_xyzt_units()[0] for case in "abc"}
    assert units == {"a": "mm", "b": "mm", "c": "micron"}


def test_what_is_finished_is_skipped_until_it_is_to_be_overwritten(volumes, tmp_path):
    out, network = tmp_path / "out", Threshold()
    own = segmenter(network=network)
    predict_files(own, [volumes / "a.nii.gz"], out)
    first = (out / "a.nii.gz").stat().st_mtime_ns
    found = predict_files(own, [volumes], out)
    assert (found.done, found.skipped) == (("b", "c"), ("a",))
    assert (out / "a.nii.gz").stat().st_mtime_ns == first
    network.seen.clear()
    assert predict_files(own, [volumes], out).skipped == ("a", "b", "c") and network.seen == []
    # a map that is not there yet makes a case unfinished
    assert predict_files(own, [volumes], out, maps=Maps(entropy=True)).done == ("a", "b", "c")
    assert predict_files(own, [volumes], out, overwrite=True).done == ("a", "b", "c")


def test_what_another_run_or_another_volume_left_is_refused(volumes, tmp_path):
    out = tmp_path / "out"
    predict_files(segmenter(), [volumes / "a.nii.gz"], out)
    before = (out / "a.nii.gz").read_bytes()
    for other in (segmenter(network=Threshold(3.0)), segmenter(domain="ct"), segmenter(size=32)):
        with pytest.raises(UserError, match=r"out/a\.nii\.gz is there already, but was not made by this run of .*in/a"):
            predict_files(other, [volumes], out)
    nibabel.save(image_of(TRUTH[:, ::-1]), volumes / "a.nii.gz")
    with pytest.raises(UserError, match="was not made by this run"):
        predict_files(segmenter(), [volumes], out)
    (out / "b.nii.gz").write_text("mine")
    with pytest.raises(UserError, match=r"b\.nii\.gz is there already"):
        predict_files(segmenter(), [volumes / "b_0000.nii"], out)
    assert (out / "a.nii.gz").read_bytes() == before
    assert predict_files(segmenter(), [volumes], out, overwrite=True).done == ("a", "b", "c")


def test_a_volume_that_was_edited_in_place_is_not_taken_for_finished(tmp_path):
    voxels = np.pad(TRUTH, 20).astype(np.float32)
    nibabel.save(image_of(voxels), tmp_path / "a.nii")
    predict_files(segmenter(), [tmp_path / "a.nii"], tmp_path / "out")
    size = (tmp_path / "a.nii").stat().st_size
    voxels[25:28, 20:23, 20:23] = 1  # neither at the file's beginning nor in its middle nor at its end
    nibabel.save(image_of(voxels), tmp_path / "a.nii")
    assert (tmp_path / "a.nii").stat().st_size == size
    with pytest.raises(UserError, match="was not made by this run"):
        predict_files(segmenter(), [tmp_path / "a.nii"], tmp_path / "out")


def test_maps_of_an_older_segmentation_do_not_stay_beside_a_new_one(volumes, tmp_path):
    out = tmp_path / "out"
    predict_files(segmenter(), [volumes], out, maps=Maps(probs=True, entropy=True))
    (out / "reliability").mkdir()
    (out / "reliability" / "a.nii.gz").write_text("mine")
    assert predict_files(segmenter(), [volumes], out).skipped == ("a", "b", "c")
    other = segmenter(network=Threshold(3.0))
    (out / "a.nii.gz").unlink()
    with pytest.raises(UserError, match=r"background/a\.nii\.gz is there already, but was not made by this run"):
        predict_files(other, [volumes / "a.nii.gz"], out)
    assert predict_files(other, [volumes / "a.nii.gz"], out, overwrite=True).done == ("a",)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("a.*")) == ["a.nii.gz", "reliability/a.nii.gz"]
    # the other cases keep theirs, and so does one that is done again by the same run
    assert predict_files(segmenter(), [volumes / "b_0000.nii"], out, overwrite=True).done == ("b",)
    assert len(list(out.rglob("b.nii.gz"))) == len(list(out.rglob("c.nii.gz"))) == 4


def test_a_bad_volume_does_not_stop_the_rest(volumes, tmp_path):
    content = gzip.decompress((volumes / "a.nii.gz").read_bytes())
    (volumes / "cut.nii.gz").write_bytes(gzip.compress(content[:-100]))
    (volumes / "short.nii.gz").write_bytes((volumes / "a.nii.gz").read_bytes()[:-20])
    (volumes / "text.nii.gz").write_text("not a volume")
    nan = TRUTH.astype(np.float32)
    nan[3, 4, 5] = np.nan
    nibabel.save(image_of(nan), volumes / "nan.nii")
    nibabel.save(image_of(np.zeros((4, 4, 4, 2))), volumes / "four.nii")
    nibabel.save(image_of(np.zeros((9, 9, 9))), volumes / "flat.nii")
    out, said = tmp_path / "out", []
    found = predict_files(segmenter(), [volumes], out, maps=Maps(entropy=True), say=said.append)
    assert found.done == ("a", "b", "c")
    assert list(found.failed) == ["cut", "flat", "four", "nan", "short", "text"]
    assert said == list(found.failed.values())
    for case, line in found.failed.items():
        assert str(volumes / case) in line and "\n" not in line
    assert "truncated" in found.failed["cut"] and "truncated" in found.failed["short"]
    assert "NaN" in found.failed["nan"] and "4D" in found.failed["four"]
    assert sorted(path.name for path in out.iterdir()) == ["a.nii.gz", "b.nii.gz", "c.nii.gz", "entropy"]
    assert len(list((out / "entropy").iterdir())) == 3


def test_a_failure_that_nobody_thought_of_names_the_volume_and_its_kind(volumes, tmp_path, monkeypatch):
    blocks = Segmenter.blocks

    def failing(self, case, **options):
        if case.id == "b":
            raise RuntimeError("the cat sat\non the keyboard")
        return blocks(self, case, **options)

    monkeypatch.setattr(Segmenter, "blocks", failing)
    found = predict_files(segmenter(), [volumes], tmp_path / "out")
    assert found.done == ("a", "c")
    assert found.failed == {"b": f"{volumes / 'b_0000.nii'}: RuntimeError: the cat sat on the keyboard"}


def test_a_stop_leaves_nothing_half_written(volumes, tmp_path):
    class Stops(Threshold):
        def forward(self, images):
            if len(self.seen) == 1:
                raise KeyboardInterrupt
            return super().forward(images)

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        predict_files(segmenter(network=Stops()), [volumes], out, maps=Maps(probs=True))
    assert [path.name for path in out.rglob("*.gz*")] == ["a.nii.gz"] * 3  # labels and two maps of the first
    assert not list(out.rglob(".*"))


def test_a_volume_of_another_modality_is_warned_of_and_segmented(volumes, tmp_path):
    nibabel.save(image_of(np.where(TRUTH, 60, -1000) + 999.5), volumes / "ct.nii.gz")
    said = []
    found = predict_files(segmenter(), [volumes], tmp_path / "out", say=said.append)
    assert found.done == ("a", "b", "c", "ct")
    assert len(said) == 1 and said[0].startswith(f"warning: {volumes / 'ct.nii.gz'}: MRI: intensities")


def test_channels_in_files_of_their_own_and_in_one(tmp_path):
    domains = {
        name: domain.model_copy(update={"channels": domain.channels * 2, "usual": None})
        for name, domain in recipe().domains.items()
    }
    own = segmenter(recipe().model_copy(update={"domains": domains}))
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, TRUTH.shape)
    first, second = TRUTH + noise, TRUTH - noise
    nibabel.save(image_of(first), tmp_path / "a_0000.nii.gz")
    nibabel.save(image_of(second), tmp_path / "a_0001.nii.gz")
    nibabel.save(image_of(np.stack([first, second], axis=3)), tmp_path / "b.nii.gz")
    nibabel.save(image_of(first), tmp_path / "c_0000.nii.gz")
    nibabel.save(image_of(first), tmp_path / "d_0000.nii.gz")
    nibabel.save(image_of(second[1:]), tmp_path / "d_0001.nii.gz")
    found = predict_files(own, [tmp_path], tmp_path / "out")
    assert found.done == ("a", "b") and list(found.failed) == ["c", "d"]
    assert "lacks channel 0001" in found.failed["c"]
    for case in ("a", "b"):
        image = nibabel.load(tmp_path / "out" / f"{case}.nii.gz")
        assert image.shape == TRUTH.shape
        np.testing.assert_array_equal(np.asarray(image.dataobj) == 820, TRUTH)


def test_names_of_classes_become_names_of_folders(volumes, tmp_path):
    source = CT.model_copy(update={"label_names": ("left/right", "left right", "disc"), "label_values": (1, 2, 3)})
    own = recipe(src=source, tgt=source).model_copy(update={"class_names": ("left/right", "left right")})

    class Three(Threshold):
        def forward(self, images):
            bright = images.mean(dim=1)
            return super().forward(images)[:, [0, 1, 1]] * bright.new_tensor([1.0, 1.0, 0.5]).view(1, 3, 1, 1)

    predict_files(segmenter(own, network=Three()), [volumes / "a.nii.gz"], tmp_path / "out", maps=Maps(probs=True))
    folders = sorted(path.name for path in (tmp_path / "out" / "probs").iterdir())
    assert folders == ["background", "left-right", "left-right-2"]


def test_outputs_beside_inputs_of_the_same_name_are_refused(volumes):
    with pytest.raises(UserError, match="is one of the volumes to be segmented"):
        predict_files(segmenter(), [volumes / "a.nii.gz"], volumes)
    assert np.asarray(nibabel.load(volumes / "a.nii.gz").dataobj).max() == 1


def test_a_folder_that_cannot_be_made_is_one_line(volumes, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write to"):
        predict_files(segmenter(), [volumes], tmp_path / "file" / "out")
