import pytest
import torch

from seasa_da.layers import PrototypeBank, class_sums


def as_sums(rows, counts):
    """Sums and counts whose batch prototypes are `rows`."""
    counts = torch.tensor(counts, dtype=torch.float64)
    return torch.tensor(rows, dtype=torch.float64) * counts[:, None], counts


@pytest.mark.parametrize(("mode", "second"), [("straight-through", 0.75 * 2 + 0.25 * 6), ("released-code", 5.0)])
def test_values_by_hand(mode, second):
    bank = PrototypeBank(3, 1, alpha=0.25, mode=mode).double()
    first = bank.update(*as_sums([[2.0], [4.0], [9.0]], [5, 1, 0]))
    assert first.tolist() == [[2.0], [4.0], [0.0]]
    assert bank.seen.tolist() == [True, True, False]
    # class 0 moves, class 1 is absent, class 2 is new
    prototypes = bank.update(*as_sums([[6.0], [100.0], [7.0]], [2, 0, 1]))
    assert prototypes.tolist() == [[second], [4.0], [7.0]]
    assert bank.value.equal(prototypes)
    assert bank.seen.all()


@pytest.mark.parametrize(("mode", "scale"), [("straight-through", 1.0), ("released-code", 0.99)])
def test_gradient_reaches_the_batch_and_no_absent_class(mode, scale):
    bank = PrototypeBank(3, 2, alpha=0.01, mode=mode).double()
    bank.update(*as_sums([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1, 1, 0]))
    features = torch.randn(2, 2, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = torch.tensor([[[0, 0], [0, 2]], [[255, 0], [2, 2]]])  # 4 of class 0, none of 1, 3 of 2
    bank.update(*class_sums(features, labels, 3)).sum().backward()
    per_pixel = torch.zeros(2, 2, 2, dtype=torch.float64)
    per_pixel[labels == 0] = scale / 4
    per_pixel[labels == 2] = 1 / 3  # first seen: the batch's own prototype
    torch.testing.assert_close(features.grad, per_pixel[:, None].expand(-1, 2, -1, -1))


@pytest.mark.parametrize("mode", ["straight-through", "released-code"])
def test_absent_class_gets_zero_gradient(mode):
    bank = PrototypeBank(2, 1, mode=mode)
    sums = torch.tensor([[3.0], [0.0]], requires_grad=True)
    bank.update(sums, torch.tensor([3.0, 0.0]))[1].sum().backward()
    assert sums.grad.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("mode", ["straight-through", "released-code"])
def test_backward_after_a_later_update(mode):
    bank = PrototypeBank(1, 1, alpha=0.5, mode=mode)
    sums = torch.tensor([[2.0]], requires_grad=True)
    prototypes = bank.update(sums, torch.ones(1)).square().sum()
    bank.update(torch.ones(1, 1), torch.ones(1))
    prototypes.backward()
    assert sums.grad.tolist() == [[4.0]]


def test_ranks_add_up_before_dividing():
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(4, 3, generator=generator), torch.tensor([0, 0, 1, 0])
    whole = PrototypeBank(2, 3).update(*class_sums(features, labels, 2))
    mine, other = class_sums(features[:1], labels[:1], 2), class_sums(features[1:], labels[1:], 2)
    others = iter(other)
    parts = PrototypeBank(2, 3).update(*mine, all_reduce=lambda tensor: tensor + next(others))
    torch.testing.assert_close(parts, whole)


def test_saved_and_restored():
    bank = PrototypeBank(2, 1)
    bank.update(torch.tensor([[2.0], [0.0]]), torch.tensor([1.0, 0.0]))
    copy = PrototypeBank(2, 1)
    copy.load_state_dict(bank.state_dict())
    assert set(bank.state_dict()) == {"value", "seen"}
    batch = torch.tensor([[3.0], [5.0]]), torch.tensor([1.0, 1.0])
    assert copy.update(*batch).equal(bank.update(*batch))


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode='fast'"):
        PrototypeBank(2, 1, mode="fast")
