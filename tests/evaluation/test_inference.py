import math

import numpy as np
import pytest
import torch

from seasa_da.evaluation.inference import predict_volumes

from .standins import Case, threshold_labels, threshold_segment


def slices(count):
    return np.random.default_rng(0).uniform(-1, 1, (count, 1, 6, 5)).astype(np.float32)


@pytest.mark.parametrize("batch_size", [1, 5, 32, 100])
def test_every_slice_counts(batch_size):
    images = slices(33 + 7)
    cases = [Case("a", 0, 33), Case("b", 33, 40)]
    results = list(predict_volumes(threshold_segment, images, cases, batch_size=batch_size))
    assert [case.id for case, _, _ in results] == ["a", "b"]
    assert [labels.shape for _, labels, _ in results] == [(33, 6, 5), (7, 6, 5)]
    assert all(labels.dtype == np.uint8 for _, labels, _ in results)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels, _ in results]), threshold_labels(images))


def test_a_network_in_evaluation_mode_agrees_at_batch_1_and_32():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.nn.Conv2d(8, 4, 1))
    net.eval()
    images = slices(33)
    (one,) = predict_volumes(net, images, [Case("a", 0, 33)], batch_size=1)
    (many,) = predict_volumes(net, images, [Case("a", 0, 33)], batch_size=32)
    np.testing.assert_array_equal(one[1], many[1])


def test_entropy_in_nats():
    images = slices(3)

    def segment(batch):  # a pixel's class probabilities are (1/4, 3/4)
        return torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1).expand(len(batch), 2, 6, 5)

    ((case, labels, entropy),) = predict_volumes(segment, images, [Case("a", 0, 3)], batch_size=2, entropy=True)
    expected = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert (case.id, entropy.dtype, entropy.shape) == ("a", np.float16, (3, 6, 5))
    np.testing.assert_allclose(entropy, expected, atol=5e-4)
    assert (labels == 1).all()


def test_sure_logits_have_no_entropy():
    def segment(batch):
        return torch.tensor([0.0, 1e4, -1e4]).view(1, 3, 1, 1).expand(len(batch), 3, 6, 5)

    ((_, _, entropy),) = predict_volumes(segment, slices(1), [Case("a", 0, 1)], entropy=True)
    assert (entropy == 0).all()


def test_only_the_forward_runs_in_inference_mode():
    modes = []

    def segment(batch):
        modes.append(torch.is_inference_mode_enabled())
        return threshold_segment(batch)

    for _ in predict_volumes(segment, slices(4), [Case("a", 0, 2), Case("b", 2, 4)]):
        modes.append(torch.is_inference_mode_enabled())
    assert modes == [True, False, True, False]


def test_a_read_only_memory_map(tmp_path):
    np.save(tmp_path / "images.npy", slices(3))
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    with np.errstate(all="raise"):
        ((_, labels, nothing),) = predict_volumes(lambda x: threshold_segment(x.add_(0)), images, [Case("a", 0, 3)])
    np.testing.assert_array_equal(labels, threshold_labels(images))
    assert nothing is None


def test_logits_of_another_size_are_refused():
    with pytest.raises(ValueError, match="B, K, H, W"):
        list(predict_volumes(lambda x: threshold_segment(x)[..., ::2], slices(2), [Case("a", 0, 2)]))
    with pytest.raises(ValueError, match="batch_size"):
        list(predict_volumes(threshold_segment, slices(2), [Case("a", 0, 2)], batch_size=0))


def test_a_batch_that_does_not_fit_is_halved_for_good():
    images, sizes = slices(13), []

    def segment(batch):
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return threshold_segment(batch)

    cases = [Case("a", 0, 9), Case("b", 9, 13)]
    found = list(predict_volumes(segment, images, cases, batch_size=8))
    assert sizes == [8, 4, 2, 2, 2, 2, 1, 2, 2]  # the second case begins with what fitted
    for case, result in zip(cases, found, strict=True):
        np.testing.assert_array_equal(result.labels, threshold_labels(images[case.start : case.stop]))


def test_one_slice_that_does_not_fit_is_an_error_and_so_is_any_other_failure():
    def out_of_memory(batch):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(torch.OutOfMemoryError):
        list(predict_volumes(out_of_memory, slices(2), [Case("a", 0, 2)], batch_size=2))

    def wrong(batch):
        raise RuntimeError("size mismatch")

    with pytest.raises(RuntimeError, match="size mismatch"):
        list(predict_volumes(wrong, slices(2), [Case("a", 0, 2)], batch_size=2))
