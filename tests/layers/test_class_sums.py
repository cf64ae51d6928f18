import pytest
import torch

from seasa_da.layers import class_sums


def loops(features, labels, num_classes, mask=None):
    sums, counts = torch.zeros(num_classes, features.shape[1], dtype=features.dtype), [0] * num_classes
    vectors = features.movedim(1, -1).reshape(-1, features.shape[1])
    kept = torch.ones_like(labels, dtype=torch.bool) if mask is None else mask
    for vector, label, keep in zip(vectors, labels.flatten().tolist(), kept.flatten().tolist(), strict=True):
        if keep and 0 <= label < num_classes:
            sums[label] += vector
            counts[label] += 1
    return sums, torch.tensor(counts, dtype=features.dtype)


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize("masked", [False, True])
def test_sums_by_loops(shape, masked):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(shape, dtype=torch.float64, generator=generator)
    grid = (shape[0], *shape[2:])
    labels = torch.randint(-1, 5, grid, generator=generator)  # -1 and 4 belong to none of 4 classes
    mask = torch.rand(grid, generator=generator) < 0.5 if masked else None
    for got, expected in zip(class_sums(features, labels, 4, mask), loops(features, labels, 4, mask), strict=True):
        torch.testing.assert_close(got, expected)


def test_255_belongs_to_no_class():
    labels = torch.tensor([0, 255, 1], dtype=torch.uint8)
    sums, counts = class_sums(torch.tensor([[1.0], [10.0], [100.0]]), labels, 2)
    assert sums.tolist() == [[1.0], [100.0]]
    assert counts.tolist() == [1.0, 1.0]


def test_one_hot_features_reproduce_the_class_means():
    labels = torch.randint(0, 3, (2, 4, 4), generator=torch.Generator().manual_seed(0))
    features = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()
    sums, counts = class_sums(features, labels, 3)
    assert (sums / counts[:, None]).equal(torch.eye(3))


def test_masking_nothing_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(2, 3, 4, 4, generator=generator), torch.randint(0, 3, (2, 4, 4), generator=generator)
    everything = torch.ones_like(labels, dtype=torch.bool)
    for one, other in zip(class_sums(features, labels, 3), class_sums(features, labels, 3, everything), strict=True):
        assert one.equal(other)


@pytest.mark.parametrize("shape", [(5, 2), (2, 2, 2, 2)])
def test_gradient(shape):
    features = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = torch.randint(0, 4, (shape[0], *shape[2:]), generator=torch.Generator().manual_seed(1))
    assert torch.autograd.gradcheck(lambda x: class_sums(x, labels, 3)[0], features)


def test_half_precision_is_summed_in_single():
    features = torch.full((1, 1, 64, 64), 1.01, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        sums, counts = class_sums(features, torch.zeros(1, 64, 64, dtype=torch.long), 1)
    assert sums.dtype == counts.dtype == torch.float32
    torch.testing.assert_close(sums[0, 0] / 4096, features[0, 0, 0, 0].float())


def test_shapes_must_fit():
    with pytest.raises(ValueError, match=r"must be \(2, 4, 4\)"):
        class_sums(torch.zeros(2, 3, 4, 4), torch.zeros(2, 8, 8), 3)
    with pytest.raises(ValueError, match=r"must be \(2,\)"):
        class_sums(torch.zeros(2, 3), torch.zeros(2), 3, torch.ones(1, dtype=torch.bool))
