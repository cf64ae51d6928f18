import pytest
import torch

from seasa_da.layers import majority_agreement, reliability_masks


def test_votes_by_hand():
    clean = torch.tensor([[[1, 1], [0, 2]]])  # (1, 2, 2)
    views = torch.tensor([[[[1, 1], [0, 0]]], [[[1, 0], [0, 1]]], [[[1, 2], [3, 2]]]])  # (3, 1, 2, 2)
    # agreeing views: 3, 1 / 2, 1 of 3
    assert majority_agreement(clean, views).tolist() == [[[True, False], [True, False]]]


def test_two_of_four_is_refused():
    with pytest.raises(ValueError, match="odd number of views, not 4"):
        majority_agreement(torch.zeros(2), torch.zeros(4, 2))


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="cannot vote"):
        majority_agreement(torch.zeros(2, 4, 4), torch.zeros(3, 4, 4))


@pytest.mark.parametrize("shape", [(7,), (2, 6, 5)])
@pytest.mark.parametrize("n_views", [1, 3, 5])
def test_masks_partition_the_image(shape, n_views):
    generator = torch.Generator().manual_seed(n_views)
    clean = torch.randint(0, 3, shape, generator=generator)
    random, fourier = torch.randint(0, 3, (2, n_views, *shape), generator=generator)
    masks = reliability_masks(clean, random, fourier)
    assert masks.reliable.shape == shape
    assert (masks.reliable | masks.unreliable).all()
    assert not (masks.reliable & masks.unreliable).any()
    for place, label in enumerate(clean.flatten().tolist()):
        votes = [
            sum(view.flatten()[place].item() == label for view in family) > n_views / 2 for family in (random, fourier)
        ]
        assert masks.agrees_random.flatten()[place].item() is votes[0]
        assert masks.agrees_fourier.flatten()[place].item() is votes[1]
        assert masks.reliable.flatten()[place].item() is all(votes)
        assert masks.unreliable.flatten()[place].item() is not all(votes)


def test_identical_views_leave_nothing_unreliable():
    clean = torch.randint(0, 5, (2, 4, 4), generator=torch.Generator().manual_seed(0))
    masks = reliability_masks(clean, clean.expand(3, -1, -1, -1), clean.expand(5, -1, -1, -1))
    assert masks.reliable.all()
    assert not masks.unreliable.any()
