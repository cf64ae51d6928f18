import numpy as np
import pytest

from seasa_da.errors import UserError
from seasa_da.prediction.disk_slices import DiskSlices


def test_boxes_are_what_was_written(tmp_path):
    maps = np.random.default_rng(0).random((5, 3, 7, 6)).astype(np.float16)
    with DiskSlices(maps.shape, tmp_path) as disk:
        assert list(tmp_path.iterdir()) == []  # it has no name that could be left behind
        disk.write(3, maps[3:])
        disk.write(0, maps[:3])
        for box in ((slice(0, 5), slice(0, 7), slice(0, 6)), (slice(1, 4), slice(2, 3), slice(4, 6))):
            found = disk.read(box)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, maps[box[0], :, box[1], box[2]].swapaxes(0, 1))


def test_what_does_not_fit_is_refused(tmp_path):
    with DiskSlices((2, 1, 3, 3), tmp_path) as disk, pytest.raises(ValueError, match="do not fit"):
        disk.write(1, np.zeros((2, 1, 3, 3), dtype=np.float16))


def test_a_full_disk_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"make a temporary file in .*nowhere"):
        DiskSlices((1, 1, 1, 1), tmp_path / "nowhere")
    with DiskSlices((1, 1, 1, 1), tmp_path) as disk:
        disk._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115, PTH123
        with pytest.raises(UserError, match="write a temporary file in"):
            disk.write(0, np.zeros((1, 1, 1, 1), dtype=np.float16))
