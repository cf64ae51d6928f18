import pytest
import torch

from seasa_da.layers import PrototypeAlignmentLoss

SRC = torch.tensor([[3.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
TGT = torch.tensor([[0.0, 4.0], [0.0, 0.0], [9.0, 9.0]])


@pytest.mark.parametrize(
    ("distance", "valid", "expected"),
    [
        ("l2", [True, True, False], 5.0),
        ("mse", [True, True, False], 25 / 2),
        ("l2", [True, True, True], 5 + 128**0.5),
        ("mse", [True, True, True], (25 + 128) / 2),
        ("l2", [False, False, False], 0.0),
        ("mse", [False, False, False], 0.0),
    ],
)
def test_by_hand(distance, valid, expected):
    src, tgt = SRC.clone().requires_grad_(), TGT.clone().requires_grad_()
    loss = PrototypeAlignmentLoss(distance)(src, tgt, torch.tensor(valid))
    torch.testing.assert_close(loss, torch.tensor(expected))
    loss.backward()
    # class 1 is at distance 0, and what does not count gets nothing
    assert src.grad.isfinite().all()
    assert tgt.grad.equal(-src.grad)
    assert not src.grad[1].any()
    assert not src.grad[~torch.tensor(valid)].any()


def test_released_distance_is_torchs_mse_loss_of_each_class_in_turn():
    loss = PrototypeAlignmentLoss("mse")(SRC, TGT, torch.ones(3, dtype=torch.bool))
    by_class = [torch.nn.MSELoss()(src, tgt) for src, tgt in zip(SRC, TGT, strict=True)]
    torch.testing.assert_close(loss, torch.stack(by_class).sum())


def test_a_class_that_does_not_count_may_hold_anything():
    src = torch.tensor([[1.0], [float("inf")]], requires_grad=True)
    loss = PrototypeAlignmentLoss()(src, torch.zeros(2, 1), torch.tensor([True, False]))
    loss.backward()
    assert loss.item() == 1.0
    assert src.grad.tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize("distance", ["l2", "mse"])
def test_gradient(distance):
    src, tgt = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    valid = torch.tensor([True, False, True])
    assert torch.autograd.gradcheck(
        lambda s, t: PrototypeAlignmentLoss(distance)(s, t, valid), (src.requires_grad_(), tgt.requires_grad_())
    )


def test_unknown_distance_is_refused():
    with pytest.raises(ValueError, match="distance='l1'"):
        PrototypeAlignmentLoss("l1")
