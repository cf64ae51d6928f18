import numpy as np

from seasa_da.data.label_map import label_map


def test_labels_are_joined_by_name_and_the_rest_is_background() -> None:
    table = label_map(("MYO", "RV", "AA"), ("AA", "MYO"))
    np.testing.assert_array_equal(table[:5], [0, 2, 0, 1, 0])
    assert table.shape == (256,) and table.dtype == np.uint8
    assert not table[4:255].any()


def test_what_is_ignored_stays_ignored() -> None:
    assert label_map(("MYO",), ("MYO",))[255] == 255
    names = [f"structure {number}" for number in range(254)]
    table = label_map(names, names)
    np.testing.assert_array_equal(table, np.arange(256))
