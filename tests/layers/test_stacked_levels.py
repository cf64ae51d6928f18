import torch
import torch.nn.functional as F

from seasa_da.layers import stack_levels


def test_levels_then_scores_then_the_label_of_every_cell():
    levels = [torch.full((1, 1, 2, 2), 7.0), torch.full((1, 2, 2, 2), 8.0)]
    scores = torch.tensor([[[[3.0, 0.0], [0.0, 1.0]], [[0.0, 5.0], [0.0, 1.0]], [[1.0, 0.0], [2.0, 4.0]]]])
    logits = F.interpolate(scores, size=(4, 4), mode="bilinear", align_corners=True)  # as a head upsamples them
    stacked = stack_levels(levels, logits)
    assert stacked.shape == (1, 1 + 2 + 3 + 1, 2, 2)
    assert stacked[:, :1].equal(levels[0]) and stacked[:, 1:3].equal(levels[1])
    torch.testing.assert_close(stacked[:, 3:6], scores)
    assert stacked[0, 6].tolist() == [[0.0, 0.5], [1.0, 1.0]]  # classes 0, 1, 2, 2 of three


def test_gradient_reaches_levels_and_scores_and_not_the_label():
    level, logits = torch.randn(2, 3, 4, 4, requires_grad=True), torch.randn(2, 5, 8, 8, requires_grad=True)
    stacked = stack_levels([level], logits)
    stacked[:, :-1].sum().backward(retain_graph=True)
    assert level.grad.eq(1).all() and logits.grad.abs().sum() > 0
    before = logits.grad.clone()
    stacked[:, -1].sum().backward()
    assert logits.grad.equal(before)
