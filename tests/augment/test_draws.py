import torch

from seasa_da.augment.draws import uniform_draws

SEEDS = [5, 2**62 + 5, 2**63 - 1, 6]


def test_an_image_draws_the_same_wherever_it_stands():
    together = uniform_draws(torch.tensor(SEEDS), (3, 4), stream=1)
    assert together.shape == (4, 3, 4)
    for place, seed in enumerate(SEEDS):
        assert uniform_draws([seed], (3, 4), stream=1)[0].equal(together[place])


def test_seeds_that_share_their_low_bits_and_streams_differ():
    draws = uniform_draws([5, 5 + 2**32, 5 + 2**62], (4,), stream=1)
    assert draws.unique().numel() == 12
    assert not uniform_draws([5], (4,), stream=2)[0].equal(draws[0])


def test_more_along_the_first_axis_leave_the_others():
    assert uniform_draws(SEEDS, (7, 4), stream=1)[:, :3].equal(uniform_draws(SEEDS, (3, 4), stream=1))


def test_uniform_in_the_unit_interval():
    draws = uniform_draws(range(2000), (2,), stream=3)
    assert 0 <= draws.min() < 0.01 < 0.99 < draws.max() < 1
    assert (draws.mean(dim=0) - 0.5).abs().max() < 0.03


def test_no_image():
    assert uniform_draws([], (3,), stream=1).shape == (0, 3)
