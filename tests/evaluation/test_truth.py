import numpy as np

from evaluation.stores import write_store
from seasa_da.data.case import IGNORED
from seasa_da.evaluation.truth import case_truth


def test_labels_of_one_case_in_the_classes_of_the_run(tmp_path):
    store = write_store(tmp_path)
    path = tmp_path / "mri" / "test_labels.npy"
    kept = np.load(path)
    kept[3, 0, :3] = [1, 2, IGNORED]
    np.save(path, kept)
    case = store.domain("mri").split_cases("test")[1]
    truth = case_truth(store, "mri", case, ["MYO"])
    assert truth.shape == (3, *kept.shape[1:])
    assert truth[0, 0, :3].tolist() == [0, 1, IGNORED]
    assert np.array_equal(truth[1] == 1, kept[4] == 2)


def test_without_labels_there_is_none(tmp_path):
    store = write_store(tmp_path)
    (tmp_path / "mri" / "test_labels.npy").unlink()
    assert case_truth(store, "mri", store.domain("mri").split_cases("test")[0], ["AA"]) is None
