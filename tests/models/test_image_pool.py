import torch

from seasa_da.models import ImagePool


def images(*values):
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1)


def test_while_it_fills_it_gives_the_fresh_image():
    pool = ImagePool(4, (1, 1, 1))
    fresh = images(1, 2, 3)
    assert pool.exchange(fresh, torch.arange(3)).equal(fresh)
    assert pool.count == 3 and pool.images.flatten().tolist() == [1, 2, 3, 0]


def test_then_half_are_exchanged_and_nothing_is_lost():
    pool = ImagePool(8, (1, 1, 1))
    given = images(*range(1, 401))
    out = pool.exchange(given, torch.arange(400))
    assert sorted([*out.flatten().tolist(), *pool.images.flatten().tolist()]) == sorted(
        [*given.flatten().tolist(), *range(1, 9)]
    )  # the first eight are both given back and kept
    earlier = (out != given).flatten()[8:].float().mean().item()
    assert 0.4 < earlier < 0.6
    assert pool.count == 8


def test_size_zero_gives_every_image_back():
    fresh = images(1, 2)
    assert ImagePool(0, (1, 1, 1)).exchange(fresh, torch.arange(2)).equal(fresh)


def test_draws_are_functions_of_seed_and_name():
    def out(name, seeds):
        pool = ImagePool(3, (1, 1, 1), name)
        pool.exchange(images(1, 2, 3), torch.arange(3))
        return pool.exchange(images(*range(10, 40)), seeds).flatten().tolist()

    seeds = torch.arange(100, 130)
    assert out("a", seeds) == out("a", seeds)
    assert out("a", seeds) != out("b", seeds)
    assert out("a", seeds) != out("a", seeds + 1000)


def test_one_batch_is_the_same_as_its_parts_in_order():
    whole, parts = ImagePool(3, (1, 1, 1)), ImagePool(3, (1, 1, 1))
    given, seeds = images(*range(20)), torch.arange(20)
    together = whole.exchange(given, seeds)
    apart = torch.cat([parts.exchange(given[i : i + 5], seeds[i : i + 5]) for i in range(0, 20, 5)])
    assert together.equal(apart) and whole.images.equal(parts.images)


def test_it_goes_on_from_a_checkpoint():
    pool, given, seeds = ImagePool(3, (1, 1, 1)), images(*range(1, 11)), torch.arange(10)
    pool.exchange(given[:2], seeds[:2])
    again = ImagePool(3, (1, 1, 1))
    again.exchange(given[5:6], seeds[5:6])  # has a count of its own by now
    again.load_state_dict(pool.state_dict())
    assert again.exchange(given[2:], seeds[2:]).equal(pool.exchange(given[2:], seeds[2:]))


def test_no_gradient_goes_in():
    fresh = images(1.0).requires_grad_()
    assert not ImagePool(2, (1, 1, 1)).exchange(fresh, torch.arange(1)).requires_grad
