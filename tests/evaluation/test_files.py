"""Folders of label files, scored as runs are."""

import json

import nibabel
import numpy as np
import pytest

from seasa_da.errors import UserError
from seasa_da.evaluation.files import evaluate_files
from seasa_da.evaluation.scores import StructureScore
from seasa_da.evaluation.structures import Structures, assigned_structures

SPACING = (0.5, 2.0, 3.0)


def write(path, labels, spacing=SPACING, dtype=np.uint8):
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*spacing, 1.0]) if np.ndim(spacing) == 1 else spacing
    image = nibabel.Nifti1Image(np.asarray(labels).astype(dtype), affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def blank(**points):
    """A volume of (6, 5, 4) with single voxels by value."""
    labels = np.zeros((6, 5, 4), dtype=np.int32)
    for name, places in points.items():
        for place in places:
            labels[place] = int(name[1:])
    return labels


@pytest.fixture
def folders(tmp_path):
    """p1: 1 is two steps along x away (1 mm), 2 is one along z (3 mm); p2: 1 is right, 2 is missed."""
    pred, label = tmp_path / "pred", tmp_path / "raw" / "labelsTs"
    write(label / "p1.nii.gz", blank(v1=[(1, 1, 1)], v2=[(4, 4, 2)]))
    write(pred / "p1.nii.gz", blank(v1=[(3, 1, 1)], v2=[(4, 4, 3)]))
    write(label / "p2.nii", blank(v1=[(1, 1, 1)], v2=[(4, 4, 2), (4, 3, 2)]))
    write(pred / "p2.nii.gz", blank(v1=[(1, 1, 1)]), dtype=np.float32)
    return pred, label


def test_hand_computed_scores_of_anisotropic_voxels(folders):
    result = evaluate_files(*folders)
    assert result.structures.values == {"1": 1, "2": 2}
    assert result.scores == [
        StructureScore("p1", "1", 0.0, 1.0, 1, 1, 1.0, 100.0, 0.0),
        StructureScore("p1", "2", 0.0, 3.0, 1, 1, 3.0, 0.0, 0.0),
        StructureScore("p2", "1", 100.0, 0.0, 1, 1, 0.0, 100.0, 0.0),
        StructureScore("p2", "2", 0.0, None, 2, 0, None, 0.0, -100.0),
    ]
    assert result.summary == {
        "dice": {"1": 50.0, "2": 0.0, "mean": 25.0},
        "asd": {"1": 0.5, "2": 3.0, "mean": 1.75},
        "asd_undefined": {"1": 0, "2": 1},
        "hd95": {"1": 0.5, "2": 3.0, "mean": 1.75},
        "hd95_undefined": {"1": 0, "2": 1},
        "surface_dice": {"1": 100.0, "2": 0.0, "mean": 50.0},
        "volume_error": {"1": 0.0, "2": 50.0, "mean": 25.0},
    }
    assert evaluate_files(*folders, tolerance_mm=0.9).summary["surface_dice"]["1"] == 50.0
    with pytest.raises(UserError, match="tolerance of the surface Dice is -1 mm"):
        evaluate_files(*folders, tolerance_mm=-1)
    assert result.units == "mm"
    assert [score.asd for score in evaluate_files(*folders, units="voxel").scores] == [2.0, 1.0, 0.0, None]


def test_a_structure_that_no_label_has_is_said(folders):
    result = evaluate_files(*folders, structures=assigned_structures(["a=1", "typing error=9"]))
    assert result.summary["dice"]["typing error"] == 100.0
    assert "in no label: typing error; a case without the structure in its prediction, too, has a Dice of 100" in (
        result.notes
    )
    assert not any("in no label" in note for note in evaluate_files(*folders).notes)


def test_predictions_of_microscopy_lie_on_their_labels_or_are_refused(tmp_path):
    for folder, start in (("label", 0.0), ("pred", 4.0)):
        image = nibabel.Nifti1Image(blank(v1=[(1, 1, 1)]).astype(np.uint8), np.diag([0.2, 0.2, 0.2, 1.0]))
        image.affine[0, 3] = start
        image.header.set_xyzt_units("micron")
        (tmp_path / folder).mkdir()
        nibabel.save(image, tmp_path / folder / "a.nii.gz")
    with pytest.raises(UserError, match=r"lies up to 0\.004 mm away"):
        evaluate_files(tmp_path / "pred", tmp_path / "label")


def test_an_oblique_volume_is_measured_by_its_voxel_sizes(tmp_path):
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]) @ np.diag(SPACING)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn, (10, -20, 5)
    write(tmp_path / "label" / "p.nii.gz", blank(v1=[(1, 1, 1)]), affine)
    write(tmp_path / "pred" / "p.nii.gz", blank(v1=[(1, 3, 1)]), affine)
    (score,) = evaluate_files(tmp_path / "pred", tmp_path / "label").scores
    assert score.asd == pytest.approx(4.0)


def test_structures_of_a_dataset_json_above_the_labels(folders):
    pred, label = folders
    write(label / "p1.nii.gz", blank(v1=[(1, 1, 1)], v2=[(4, 4, 2)], v7=[(3, 1, 1)]))
    content = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "liver": 2, "spleen": 1, "ignore": 7},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    (label.parent / "dataset.json").write_text(json.dumps(content))
    result = evaluate_files(pred, label)
    assert result.structures.values == {"spleen": 1, "liver": 2} and result.structures.ignored == (7,)
    assert result.scores[0] == StructureScore(
        "p1", "spleen", 0.0, None, 1, 0, None, 0.0, -100.0
    )  # its voxel is ignored
    assert str(label.parent / "dataset.json") in result.notes[0]


def test_given_structures_and_what_they_leave_out_is_said(folders):
    pred, label = folders
    write(pred / "p1.nii.gz", blank(v1=[(1, 1, 1)], v9=[(3, 1, 1)], v300=[(0, 0, 0)]), dtype=np.int16)
    result = evaluate_files(pred, label, structures=assigned_structures(["tumour=1"]))
    assert result.scores == [
        StructureScore("p1", "tumour", 100.0, 0.0, 1, 1, 0.0, 100.0, 0.0),
        StructureScore("p2", "tumour", 100.0, 0.0, 1, 1, 0.0, 100.0, 0.0),
    ]
    assert result.notes == (
        "structures by --structure: tumour 1",
        "predictions have the values 9, 300, no structures: background (in p1)",
        "labels have the value 2, no structure: background (in p1, p2)",
    )


def test_a_binary_label_of_255_is_a_structure(tmp_path):
    write(tmp_path / "label" / "p.nii.gz", blank(v255=[(1, 1, 1)]))
    write(tmp_path / "pred" / "p.nii.gz", blank(v255=[(1, 1, 1)]))
    (score,) = evaluate_files(tmp_path / "pred", tmp_path / "label").scores
    assert score == StructureScore("p", "255", 100.0, 0.0, 1, 1, 0.0, 100.0, 0.0)


def test_the_empty_rule(tmp_path):
    write(tmp_path / "label" / "p.nii.gz", blank())
    write(tmp_path / "pred" / "p.nii.gz", blank(v2=[(1, 1, 1)]))
    structures = Structures({"a": 1, "b": 2}, (), "the test")
    a, b = evaluate_files(tmp_path / "pred", tmp_path / "label", structures=structures).scores
    assert (a.dice, a.asd, b.dice, b.asd) == (100.0, None, 0.0, None)
    with pytest.raises(UserError, match="no structure to score: the values in the labels have none"):
        evaluate_files(tmp_path / "pred", tmp_path / "label")


def test_the_names_of_mmwhs(tmp_path):
    """Images beside the labels are none; predictions may be called after either."""
    label, pred = tmp_path / "mr_train", tmp_path / "pred"
    for case in ("mr_train_1001", "mr_train_1002"):
        write(label / f"{case}_label.nii.gz", blank(v205=[(1, 1, 1)]), dtype=np.int16)
        write(label / f"{case}_image.nii.gz", blank(v1000=[(1, 1, 1)]), dtype=np.int16)
    write(pred / "mr_train_1001_image.nii.gz", blank(v205=[(1, 1, 1)]), dtype=np.int16)
    write(pred / "mr_train_1002.nii.gz", blank(v205=[(1, 1, 1)]), dtype=np.int16)
    result = evaluate_files(pred, label)
    assert [(score.case, score.structure, score.dice) for score in result.scores] == [
        ("mr_train_1001", "205", 100.0),
        ("mr_train_1002", "205", 100.0),
    ]


def test_all_missing_predictions_are_named_and_surplus_ones_noted(folders):
    pred, label = folders
    write(pred / "more.nii.gz", blank())
    assert "predictions without a label, not scored: more.nii.gz" in evaluate_files(pred, label).notes
    for path in pred.iterdir():
        path.unlink()
    write(pred / "more.nii.gz", blank())
    with pytest.raises(UserError, match=r"no prediction for 2 of the 2 cases in .*: p1, p2$"):
        evaluate_files(pred, label)


def test_predictions_elsewhere_are_refused_before_anything_is_scored(folders):
    pred, label = folders
    write(pred / "p2.nii.gz", blank()[:5])
    with pytest.raises(UserError, match=r"pred/p2.nii.gz has shape \(5, 5, 4\), its label .*p2.nii \(6, 5, 4\)"):
        evaluate_files(pred, label)
    affine = np.diag([*SPACING, 1.0])
    affine[0, 3] = 0.5
    for case in ("p1", "p2"):
        write(pred / f"{case}.nii.gz", blank(), affine)
    with pytest.raises(UserError, match=r"p1.nii.gz lies up to 0.5 mm away .* \(the same with p2.nii.gz\)"):
        evaluate_files(pred, label, on_case=pytest.fail)
    affine[0, 3] = 0.001  # written by another program
    for case in ("p1", "p2"):
        write(pred / f"{case}.nii.gz", blank(), affine)
    assert len(evaluate_files(pred, label).scores) == 4


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan, 1e6])
def test_values_that_are_no_labels_are_refused(folders, value):
    pred, label = folders
    labels = blank(v1=[(1, 1, 1)]).astype(np.float32)
    labels[2, 2, 2] = value
    write(pred / "p2.nii.gz", labels, dtype=np.float32)
    with pytest.raises(UserError, match=r"p2.nii.gz has the value .*; labels are whole numbers"):
        evaluate_files(pred, label)


def test_folders_that_do_not_do(folders, tmp_path):
    pred, label = folders
    write(pred / "p1.nii", blank())
    with pytest.raises(UserError, match=r"p1.nii and p1.nii.gz are both of case p1"):
        evaluate_files(pred, label)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty holds no .nii.gz or .nii file"):
        evaluate_files(tmp_path / "empty", label)
    with pytest.raises(UserError, match="is not there"):
        evaluate_files(tmp_path / "nowhere", label)
    with pytest.raises(UserError, match="is not a folder"):
        evaluate_files(label / "p2.nii", label)


@pytest.mark.parametrize(
    ("assignments", "what"),
    [
        (["liver"], "not of the form"),
        (["=3"], "not of the form"),
        (["liver=one"], "not of the form"),
        (["liver=0"], "from 1 to 65535"),
        (["liver=70000"], "from 1 to 65535"),
        (["liver=1" + "0" * 5000], "from 1 to 65535"),
        (["liver=1", "liver=2"], "given once"),
        (["liver=1", "spleen=1"], "given once"),
        (["mean=1"], "cannot be called 'mean'"),
        (["ignore=3"], "no structure to score"),
    ],
)
def test_structures_that_cannot_be(assignments, what):
    with pytest.raises(UserError, match=what):
        assigned_structures(assignments)


def test_assigned_structures_keep_their_order_and_an_ignored_value():
    structures = assigned_structures(["b = c=5", "a=3", "ignore=255"])
    assert structures.values == {"b = c": 5, "a": 3} and structures.ignored == (255,)
    assert structures.table()[[0, 1, 3, 5, 255]].tolist() == [0, 0, 2, 1, 255]
    assert structures.undeclared([0, 3, 5, 7, 255, 6]) == [6, 7]
