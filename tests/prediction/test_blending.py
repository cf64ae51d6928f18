from itertools import chain

import numpy as np
import pytest
import torch

from seasa_da.errors import UserError
from seasa_da.prediction.blending import Blender, Place, as_half, class_probs, keep_winner
from seasa_da.prediction.windows import Windows

CPU = torch.device("cpu")


def slices(count, height, width, channels=2):
    return np.random.default_rng(1).uniform(-1, 1, (count, channels, height, width)).astype(np.float32)


def test_what_all_windows_agree_on_stays_as_it_is():
    images = slices(3, 20, 33)

    def answer(windows, places):
        return torch.stack([windows[:, 0], windows[:, 1] ** 2], dim=1)

    blended = Blender(answer, 2, CPU)(images, 0, Windows.over(20, 33, 8))
    np.testing.assert_allclose(blended, np.stack([images[:, 0], images[:, 1] ** 2], axis=1), atol=1e-6)


def test_windows_that_disagree_are_averaged_by_their_weights():
    windows = Windows.over(8, 12, 8)  # columns from 0, the crop's, and from 4

    def answer(images, places):
        return torch.tensor([float(place.column) for place in places]).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)

    blended = Blender(answer, 1, CPU)(slices(1, 8, 12), 0, windows)[0, 0]
    assert (blended[:, :4] == 0).all() and (blended[:, 8:] == 1).all()
    np.testing.assert_allclose(blended[:, 4:8], np.broadcast_to(windows.column_weights[1][:4], (8, 4)), atol=1e-6)


def test_places_and_values_do_not_depend_on_the_batch(monkeypatch):
    images, windows, told = slices(5, 12, 12), Windows.over(12, 12, 8), []

    def answer(batch, places):
        told.append(list(places))
        return batch[:, :1].cumsum(dim=3)

    whole = Blender(answer, 1, CPU)(images, 10, windows)
    expected = [Place(10 + s, r, c) for s in range(5) for r in (0, 1) for c in (0, 1)]
    assert told == [expected]
    told.clear()
    monkeypatch.setattr("seasa_da.prediction.blending.BATCH_PIXELS", {"cpu": 3 * 64, "cuda": 0})
    np.testing.assert_array_equal(Blender(answer, 1, CPU)(images, 10, windows), whole)
    assert max(map(len, told)) == 3 and list(chain(*told)) == expected


def test_a_batch_too_large_for_the_memory_is_made_smaller_and_stays_so():
    tried = []

    def answer(windows, places):
        tried.append(len(windows))
        if len(windows) > 5:
            raise RuntimeError("CUDA out of memory. Tried to allocate a lot")
        return windows[:, :1]

    blender = Blender(answer, 1, CPU)
    images, windows = slices(12, 256, 256, 1), Windows.over(256, 256, 256)
    np.testing.assert_array_equal(blender(images, 0, windows), images)
    assert tried[0] == 8 and tried[-3:] == [5, 5, 2]
    tried.clear()
    blender(images, 12, windows)
    assert tried == [5, 5, 2]


def test_a_window_that_never_fits_is_one_line():
    def answer(windows, places):
        raise RuntimeError("CUDA out of memory. Tried to allocate a lot")

    with pytest.raises(UserError, match="a slice of 256x256 does not fit the memory of cpu"):
        Blender(answer, 1, CPU)(slices(1, 256, 256), 0, Windows.over(256, 256, 256))
    with pytest.raises(RuntimeError, match="something else"):
        Blender(lambda w, p: (_ for _ in ()).throw(RuntimeError("something else")), 1, CPU)(
            slices(1, 16, 16), 0, Windows.over(16, 16, 16)
        )


def test_rounding_takes_no_pixel_from_its_class():
    generator = torch.Generator().manual_seed(0)
    logits = 1e-4 * torch.randn(4, 5, 40, 40, generator=generator)  # all classes within a step of float16
    labels = logits.max(dim=1).indices
    probs = class_probs(logits)
    half = as_half(probs)
    assert not probs.half().max(dim=1).indices.equal(labels)
    assert half.dtype == torch.float16 and half.float().max(dim=1).indices.equal(labels)
    assert (half.float() - probs).abs().max() < 5e-4


def test_softmax_keeps_the_label_of_logits_that_it_cannot_tell_apart():
    logits = torch.tensor([16.000000, 16.000002, -3.0]).view(1, 3, 1, 1)
    plain = logits.softmax(dim=1)[0, :, 0, 0]
    probs = class_probs(logits)[0, :, 0, 0]
    assert plain.argmax() == 0 or plain[0] < plain[1]
    assert probs.argmax() == 1
    tied = keep_winner(torch.tensor([0.5, 0.5]).view(1, 2, 1, 1), torch.ones(1, 1, 1, dtype=torch.int64))
    assert tied[0, 1] == np.nextafter(np.float32(0.5), np.float32(1)) and tied[0, 0] == 0.5
