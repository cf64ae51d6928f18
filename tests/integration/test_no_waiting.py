"""No stage of any method reads a number back from the device while it trains.

The networks and the batch are put on torch's "meta" device, which knows shapes only: whoever asks for a number there
(`.item()`, a mask as an index, `.cpu()`) fails. On a GPU that number would make the program wait for every step.
"""

import pytest
import torch

from seasa_da.augment import apply_affine, draw_affine
from seasa_da.config import AugmentSettings
from seasa_da.registry import METHODS
from seasa_da.training.loss_window import LossWindow


@pytest.mark.parametrize("method", METHODS)
def test_a_training_step_reads_no_number_of_the_device(scripts, method):
    from stages import build, no_autocast, stages_of, without_numbers

    stages, settings = stages_of(method, "smoke")
    for number, stage in enumerate(stages):
        adapter, batch = build(stages, number, settings)
        batch = without_numbers(adapter, batch)
        window = LossWindow()
        with no_autocast():
            for update in range(2):
                groups = adapter.training_step(dict(batch), progress=0.5 + update / 2)
                for losses in groups.values():
                    window.add(losses)
        assert window.sums, stage.name
        assert all(value.device.type == "meta" for value in window.sums.values())


def test_that_test_would_notice_a_number_that_is_read():
    with pytest.raises(RuntimeError, match="meta"):
        torch.zeros(1, device="meta").item()
    with pytest.raises((RuntimeError, NotImplementedError)):
        torch.zeros(1, device="meta").cpu()


def test_the_training_augmentation_reads_none():
    theta = draw_affine([1, 2], AugmentSettings()).to("meta")
    images, labels = apply_affine(
        torch.zeros(2, 1, 8, 8, device="meta"), theta, torch.zeros(2, 8, 8, dtype=torch.uint8, device="meta")
    )
    assert images.shape == (2, 1, 8, 8)
    assert labels.dtype == torch.uint8


@pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a GPU")
@pytest.mark.parametrize("method", METHODS)
def test_on_a_gpu_cuda_itself_says_so(scripts, method):
    from stages import build, stages_of

    stages, settings = stages_of(method, "smoke")
    for number in range(len(stages)):
        adapter, batch = build(stages, number, settings, "cuda")
        adapter.training_step(dict(batch), progress=0.5)  # libraries are loaded meanwhile
        torch.cuda.set_sync_debug_mode("error")
        try:
            adapter.training_step(dict(batch), progress=1.0)
        finally:
            torch.cuda.set_sync_debug_mode("default")
