import pytest
import torch
import torch.nn.functional as F

from seasa_da.layers import resize_labels


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_the_same_size_changes_nothing(dtype):
    labels = torch.randint(0, 2, (2, 5, 7), generator=torch.Generator().manual_seed(0)).to(dtype)
    resized = resize_labels(labels, (5, 7))
    assert resized.dtype == dtype
    assert resized.equal(labels)


def test_cells_take_the_pixels_of_aligned_corners():
    ramp = torch.arange(256).expand(1, 256, 256)
    expected = [int(i * 255 / 32 + 0.5) for i in range(33)]
    assert resize_labels(ramp, (33, 33))[0, 0].tolist() == expected
    assert resize_labels(ramp.transpose(1, 2), (33, 3))[0, :, 1].tolist() == expected
    assert resize_labels(ramp, (1, 1)).tolist() == [[[127]]]


def test_pseudo_labels_come_back_to_the_cells_that_predicted_them():
    logits = torch.randn(2, 5, 9, 9, generator=torch.Generator().manual_seed(0))
    upsampled = F.interpolate(logits, size=(65, 65), mode="bilinear", align_corners=True)
    assert resize_labels(upsampled.argmax(dim=1), (9, 9)).equal(logits.argmax(dim=1))


def test_labels_of_samples_stay():
    labels = torch.tensor([3, 1])
    assert resize_labels(labels, torch.Size([])) is labels
