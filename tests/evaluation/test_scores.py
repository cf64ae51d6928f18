import numpy as np
import pytest

from seasa_da.errors import UserError
from seasa_da.evaluation.scores import COLUMNS, StructureScore, read_scores, score_case, summarise, write_scores

NAMES = ("AA", "MYO")


def volumes():
    pred, truth = np.zeros((2, 2, 4, 4), dtype=np.uint8)
    pred[0, 0, 0], truth[0, 0, 2] = 1, 1  # AA two columns apart
    truth[1, 1:3, 1:3] = 2  # MYO missed
    return pred, truth


def test_score_case():
    pred, truth = volumes()
    aa, myo = score_case(pred, truth, case_id="p1", class_names=NAMES, spacing_mm=(5, 1, 0.75))
    assert aa == StructureScore("p1", "AA", 0.0, 1.5, 1, 1, hd95=1.5, surface_dice=100.0, volume_error=0.0)
    assert myo == StructureScore("p1", "MYO", 0.0, None, 4, 0, hd95=None, surface_dice=0.0, volume_error=-100.0)
    (only,) = score_case(pred, truth, case_id="p1", class_names=NAMES, spacing_mm=(5, 1, 0.75), structures=["MYO"])
    assert only == myo


def test_units_are_of_distances_and_the_tolerance_stays_in_mm():
    pred, truth = volumes()
    known = {"case_id": "p1", "class_names": NAMES, "spacing_mm": (5, 1, 0.75)}
    voxel = score_case(pred, truth, units="voxel", **known)[0]
    assert (voxel.asd, voxel.hd95, voxel.surface_dice) == (2, 2, 100.0)
    near, far = (score_case(pred, truth, tolerance_mm=mm, units="voxel", **known)[0] for mm in (1.5, 1.49))
    assert (near.surface_dice, far.surface_dice) == (100.0, 0.0)


def test_score_case_refuses_other_shapes():
    pred, truth = volumes()
    with pytest.raises(ValueError, match="p1"):
        score_case(pred, truth[:1], case_id="p1", class_names=NAMES, spacing_mm=(1, 1, 1))


def test_ignored_voxels_count_neither_way():
    pred, truth = volumes()
    truth[0, 0, 0] = 255  # under the prediction of AA: no false positive
    truth[1, 1, 1:3] = 255  # half of MYO
    pred[1, 2, 1:3] = pred[1, 1, 1:3] = 2
    aa, myo = score_case(pred, truth, case_id="p1", class_names=NAMES, spacing_mm=(5, 1, 0.75))
    assert aa == StructureScore("p1", "AA", 0.0, None, 1, 0, None, 0.0, -100.0)
    assert myo == StructureScore("p1", "MYO", 100.0, 0.0, 2, 2, 0.0, 100.0, 0.0)
    assert pred[0, 0, 0] == 1 and truth[0, 0, 0] == 255  # the caller's arrays stay


def test_summary_is_the_mean_over_cases_then_over_structures():
    scores = [
        StructureScore("p1", "AA", 80.0, 1.0, 10, 12, 4.0, 90.0, 20.0),
        StructureScore("p2", "AA", 60.0, 3.0, 10, 9, 8.0, 70.0, -10.0),
        StructureScore("p1", "MYO", 0.0, None, 10, 0, None, 0.0, -100.0),
        StructureScore("p2", "MYO", 50.0, 4.0, 10, 10, 9.0, 40.0, 0.0),
    ]
    assert summarise(scores, NAMES) == {
        "dice": {"AA": 70.0, "MYO": 25.0, "mean": 47.5},
        "asd": {"AA": 2.0, "MYO": 4.0, "mean": 3.0},
        "asd_undefined": {"AA": 0, "MYO": 1},
        "hd95": {"AA": 6.0, "MYO": 9.0, "mean": 7.5},
        "hd95_undefined": {"AA": 0, "MYO": 1},
        "surface_dice": {"AA": 80.0, "MYO": 20.0, "mean": 50.0},
        "volume_error": {"AA": 15.0, "MYO": 50.0, "mean": 32.5},  # without their signs, which would cancel
    }


def test_what_an_earlier_version_did_not_look_at_is_unknown():
    scores = [StructureScore("p1", "AA", 80.0, 1.0, 10, 12), StructureScore("p2", "AA", 0.0, None, 0, 5)]
    summary = summarise(scores, ["AA"])
    assert summary["asd"]["AA"] == 1.0
    assert [summary[name]["AA"] for name in ("hd95", "surface_dice", "volume_error", "hd95_undefined")] == [None] * 4


def test_a_reference_without_the_structure_has_no_volume_to_be_wrong_about():
    scores = [
        StructureScore("p1", "AA", 80.0, 1.0, 10, 12, 2.0, 50.0, 20.0),
        StructureScore("p2", "AA", 0.0, None, 0, 5, None, 0.0),
    ]
    summary = summarise(scores, ["AA"])
    assert (summary["volume_error"]["AA"], summary["surface_dice"]["AA"], summary["hd95"]["AA"]) == (20.0, 25.0, 2.0)


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
        **{metric: {**nothing, "mean": None} for metric in ("hd95", "surface_dice", "volume_error")},
        "hd95_undefined": nothing,
    }


def test_csv_round_trip(tmp_path):
    scores = [
        StructureScore('a,"b"\nc', "AA", 100 / 3, 0.1 + 0.2, 10, 12, 1 / 3, 2 / 3, 20.0),
        StructureScore("p2", "left, MYO", 0.0, None, 10, 0, None, 0.0, -100.0),
    ]
    path = tmp_path / "per_case.csv"
    write_scores(path, scores)
    assert read_scores(path) == scores
    text = path.read_text()
    assert text.startswith("case,structure,dice,asd,voxels_truth,voxels_pred,hd95,surface_dice,volume_error\n")
    assert text.endswith('p2,"left, MYO",0.0,,10,0,,0.0,-100.0\n')
    assert [child.name for child in tmp_path.iterdir()] == ["per_case.csv"]
    write_scores(path, [])
    assert read_scores(path) == []


def test_tables_of_earlier_versions_are_read(tmp_path):
    path = tmp_path / "per_case.csv"
    path.write_text("case,structure,dice,asd,voxels_truth,voxels_pred\np1,AA,50.0,,10,0\n")
    assert read_scores(path) == [StructureScore("p1", "AA", 50.0, None, 10, 0)]


@pytest.mark.parametrize(
    "text",
    [
        "case,dice\np1,3\n",
        "case,structure,dice,asd,voxels_truth,voxels_pred\np1,AA,x,,1,1\n",
        f"{','.join(COLUMNS)}\np1,AA,50.0,1.5,10,1",  # cut off, not of an earlier version
    ],
)
def test_a_broken_csv_is_one_line(tmp_path, text):
    path = tmp_path / "per_case.csv"
    path.write_text(text)
    with pytest.raises(UserError, match="per_case") as raised:
        read_scores(path)
    assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match="cannot read"):
        read_scores(tmp_path / "none.csv")
