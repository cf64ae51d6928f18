import math

import numpy as np
import pytest
import torch

from seasa_da.layers import ClassThresholds, class_thresholds


def by_sorting(confidences, labels, num_classes, portion):
    """The same with numpy, by a full sort."""
    confidences, labels = confidences.numpy(), labels.numpy()
    found = np.ones(num_classes, dtype=np.float32)
    for label in range(num_classes):
        falling = np.sort(confidences[labels == label])[::-1]
        if falling.size:
            found[label] = falling[min(int(np.floor(portion * falling.size)), falling.size - 1)]
    return torch.from_numpy(found)


def test_by_hand():
    confidences = torch.tensor([0.5, 0.9, 0.7, 0.6, 0.8, 0.95, 0.4])
    labels = torch.tensor([0, 0, 0, 0, 0, 1, 1], dtype=torch.uint8)
    # Class 0, falling: 0.9 0.8 0.7 0.6 0.5, rank floor(0.4 * 5) = 2; class 1: rank floor(0.8) = 0; class 2: nothing.
    assert class_thresholds(confidences, labels, 3, 0.4).tolist() == pytest.approx([0.7, 0.95, 1.0])


@pytest.mark.parametrize("portion", [0.01, 0.2, 0.25, 0.5, 0.999, 1.0])
def test_against_a_sort(portion):
    generator = torch.Generator().manual_seed(0)
    confidences = 1 - torch.rand(5000, generator=generator) ** 4
    labels = torch.randint(4, (5000,), generator=generator) ** 2  # 0, 1, 4, 9; 9 is no class, 2 and 3 do not occur
    labels = labels.to(torch.uint8)
    found = class_thresholds(confidences, labels, 5, portion)
    assert found.equal(by_sorting(confidences, labels, 5, portion))
    assert found[[2, 3]].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("portion", [0.05, 0.2, 0.5])
def test_about_the_portion_of_each_class_reaches_its_threshold(portion):
    generator = torch.Generator().manual_seed(1)
    labels = torch.tensor([0] * 9000 + [1] * 1000)
    confidences = torch.where(labels == 0, 0.9, 0.5) + 0.1 * torch.rand(10000, generator=generator)
    thresholds = class_thresholds(confidences, labels, 2, portion)
    for label in range(2):
        own = confidences[labels == label]
        assert (own >= thresholds[label]).sum().item() == math.floor(portion * len(own)) + 1


def test_order_does_not_matter():
    confidences, labels = torch.rand(100), torch.arange(100) % 3
    order = torch.randperm(100)
    one, other = (
        class_thresholds(confidences, labels, 3, 0.3),
        class_thresholds(confidences[order], labels[order], 3, 0.3),
    )
    assert one.equal(other)


def test_confidences_next_to_one_are_told_apart():
    confidences = 1 - torch.arange(1, 11) * 2.0**-24  # half precision has nothing between 1 - 2^-11 and 1
    assert class_thresholds(confidences, torch.zeros(10, dtype=torch.long), 1, 0.3).equal(confidences[3:4])
    assert confidences.half().unique().numel() == 1


def test_thresholds_before_the_survey_are_refused():
    thresholds = ClassThresholds(3)
    with pytest.raises(RuntimeError, match="survey"):
        thresholds()
    other = ClassThresholds(3)
    other.value.copy_(torch.tensor([0.5, 0.6, 1.0]))
    assert other().equal(other.value)
    thresholds.load_state_dict(other.state_dict())
    assert thresholds().tolist() == pytest.approx([0.5, 0.6, 1.0])
