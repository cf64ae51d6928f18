import numpy as np
import pytest

from seasa_da.errors import UserError
from seasa_da.evaluation.scores import StructureScore, read_scores, score_case, summarise, write_scores

NAMES = ("AA", "MYO")


def volumes():
    pred, truth = np.zeros((2, 2, 4, 4), dtype=np.uint8)
    pred[0, 0, 0], truth[0, 0, 2] = 1, 1  # AA two columns apart
    truth[1, 1:3, 1:3] = 2  # MYO missed
    return pred, truth


def test_score_case():
    pred, truth = volumes()
    aa, myo = score_case(pred, truth, case_id="p1", class_names=NAMES, spacing_mm=(5, 1, 0.75))
    assert aa == StructureScore("p1", "AA", 0.0, 1.5, 1, 1)
    assert myo == StructureScore("p1", "MYO", 0.0, None, 4, 0)
    (voxel, _) = score_case(pred, truth, case_id="p1", class_names=NAMES, spacing_mm=None)
    assert voxel.asd == 2
    (only,) = score_case(pred, truth, case_id="p1", class_names=NAMES, spacing_mm=None, structures=["MYO"])
    assert only == myo


def test_score_case_refuses_other_shapes():
    pred, truth = volumes()
    with pytest.raises(ValueError, match="p1"):
        score_case(pred, truth[:1], case_id="p1", class_names=NAMES, spacing_mm=None)


def test_ignored_voxels_count_neither_way():
    pred, truth = volumes()
    truth[0, 0, 0] = 255  # under the prediction of AA: no false positive
    truth[1, 1, 1:3] = 255  # half of MYO
    pred[1, 2, 1:3] = pred[1, 1, 1:3] = 2
    aa, myo = score_case(pred, truth, case_id="p1", class_names=NAMES, spacing_mm=(5, 1, 0.75))
    assert aa == StructureScore("p1", "AA", 0.0, None, 1, 0)
    assert myo == StructureScore("p1", "MYO", 100.0, 0.0, 2, 2)
    assert pred[0, 0, 0] == 1 and truth[0, 0, 0] == 255  # the caller's arrays stay


def test_summary_is_the_mean_over_cases_then_over_structures():
    scores = [
        StructureScore("p1", "AA", 80.0, 1.0, 10, 10),
        StructureScore("p2", "AA", 60.0, 3.0, 10, 10),
        StructureScore("p1", "MYO", 0.0, None, 10, 0),
        StructureScore("p2", "MYO", 50.0, 4.0, 10, 10),
    ]
    assert summarise(scores, NAMES) == {
        "dice": {"AA": 70.0, "MYO": 25.0, "mean": 47.5},
        "asd": {"AA": 2.0, "MYO": 4.0, "mean": 3.0},
        "asd_undefined": {"AA": 0, "MYO": 1},
    }


def test_to_miss_a_structure_everywhere_leaves_no_mean_distance():
    scores = [StructureScore("p1", "AA", 80.0, 1.0, 9, 9), StructureScore("p1", "MYO", 0.0, None, 9, 0)]
    summary = summarise(scores, NAMES)
    assert summary["asd"] == {"AA": 1.0, "MYO": None, "mean": None}
    assert summary["dice"]["mean"] == 40.0
    assert summarise(scores[1:], ["MYO"])["asd"] == {"MYO": None, "mean": None}


def test_no_labels_is_all_null():
    nothing = {"AA": None, "MYO": None}
    assert summarise([], NAMES) == {
        "dice": {**nothing, "mean": None},
        "asd": {**nothing, "mean": None},
        "asd_undefined": nothing,
    }


def test_csv_round_trip(tmp_path):
    scores = [
        StructureScore('a,"b"\nc', "AA", 100 / 3, 0.1 + 0.2, 10, 12),
        StructureScore("p2", "left, MYO", 0.0, None, 10, 0),
    ]
    path = tmp_path / "per_case.csv"
    write_scores(path, scores)
    assert read_scores(path) == scores
    text = path.read_text()
    assert text.startswith("case,structure,dice,asd,voxels_truth,voxels_pred\n")
    assert text.endswith('p2,"left, MYO",0.0,,10,0\n')
    assert [child.name for child in tmp_path.iterdir()] == ["per_case.csv"]
    write_scores(path, [])
    assert read_scores(path) == []


@pytest.mark.parametrize(
    "text", ["case,dice\np1,3\n", "case,structure,dice,asd,voxels_truth,voxels_pred\np1,AA,x,,1,1\n"]
)
def test_a_broken_csv_is_one_line(tmp_path, text):
    path = tmp_path / "per_case.csv"
    path.write_text(text)
    with pytest.raises(UserError, match="per_case") as raised:
        read_scores(path)
    assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match="cannot read"):
        read_scores(tmp_path / "none.csv")
