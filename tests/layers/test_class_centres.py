import math

import pytest
import torch

from seasa_da.layers import class_cosines, nearest_centre

SEEN = torch.tensor([True, True, True])


def at(*degrees):
    """Unit vectors of the plane, `(n, 2)`."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def test_cosines_by_hand_whatever_the_lengths():
    features, centres = 3 * at(0, 90), at(60, 180) * torch.tensor([[0.1], [7.0]])
    expected = torch.tensor([[0.5, -1.0], [math.sqrt(3) / 2, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(class_cosines(features, centres), expected)
    grid = features.t().reshape(1, 2, 1, 2)
    torch.testing.assert_close(class_cosines(grid, centres), expected.t().reshape(1, 2, 1, 2))


def test_a_centre_that_is_not_there_is_at_a_right_angle_to_all():
    cosines = class_cosines(at(0, 90), torch.zeros(2, 2, dtype=torch.float64))
    assert cosines.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_half_precision_features_are_compared_in_single():
    features = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cosines = class_cosines(features.bfloat16(), features)
    assert cosines.dtype == torch.float32
    torch.testing.assert_close(cosines.diagonal(), torch.ones(5), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("confidence", "kept"), [(0.0, [True, True]), (0.3, [True, False]), (0.8, [False, False])])
def test_labels_and_their_lead_by_hand(confidence, kept):
    # Leads of 0.7 - 0.2 and of 0.1 - -0.1.
    cosines = torch.tensor([[0.2, 0.7, -0.5], [0.1, -0.1, -0.9]])
    for shape in ((2, 3), (2, 3, 1, 1)):
        labels, found = nearest_centre(cosines.reshape(shape), SEEN, confidence)
        assert labels.flatten().tolist() == [1, 0] and found.flatten().tolist() == kept
        assert labels.shape == found.shape == shape[:1] + shape[2:]


def test_the_lead_must_be_more_than_the_confidence():
    assert not nearest_centre(torch.tensor([[0.5, 0.25]]), SEEN[:2], 0.25)[1].item()


def test_a_class_without_a_centre_is_no_candidate():
    cosines = torch.tensor([[-0.9, 0.0, -0.2]])
    labels, kept = nearest_centre(cosines, torch.tensor([True, False, True]), 0.25)
    assert (labels.item(), kept.item()) == (2, True)
    labels, kept = nearest_centre(cosines, torch.tensor([False, False, True]), 0.25)
    assert (labels.item(), kept.item()) == (2, True)
    assert not nearest_centre(cosines, torch.tensor([False, False, False]), 0.0)[1].any()


def test_the_places_of_a_map_are_labelled_each_by_itself():
    features, centres = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(0)), torch.eye(4)
    labels, kept = nearest_centre(class_cosines(features, centres), torch.ones(4, dtype=torch.bool), 0.25)
    for n, y, x in ((0, 0, 0), (1, 2, 4), (0, 1, 3), (1, 0, 2)):
        cosines = features[n, :, y, x] / features[n, :, y, x].norm()
        top, second = cosines.sort(descending=True).values[:2]
        assert labels[n, y, x] == cosines.argmax() and kept[n, y, x] == (top - second > 0.25)
    assert 0 < kept.float().mean() < 1
