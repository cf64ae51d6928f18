import torch

from seasa_da.layers import predicted_labels


def test_labels_are_those_of_argmax_ties_included() -> None:
    generator = torch.Generator().manual_seed(0)
    # few different values, so that ties are common
    logits = torch.randint(0, 3, (4, 5, 9, 7), generator=generator).float()
    assert torch.equal(predicted_labels(logits), logits.argmax(dim=1))
    assert torch.equal(predicted_labels(logits[..., 0, 0]), logits[..., 0, 0].argmax(dim=1))


def test_another_axis_can_hold_the_classes() -> None:
    views = torch.tensor([[[0.0, 2.0, 1.0]], [[3.0, 2.0, 3.0]]])
    assert predicted_labels(views, dim=2).tolist() == [[1], [0]]
