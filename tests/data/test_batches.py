import itertools
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import get_worker_info
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from seasa_da.augment import draw_affine
from seasa_da.config import AugmentSettings
from seasa_da.data.batches import Share, UpdateBatches, loader
from seasa_da.data.datasets import ImageSlices, target_slices
from seasa_da.errors import WorkerDied
from seasa_da.seeding import derive_seed

SRC, TARGET = 10, 7


class ImagesOnly:
    """A store that has images and fails when it is asked for anything else."""

    def __init__(self, size, first):
        # Slice i is full of the number `first + i`, so that a batch tells which slices it holds.
        values = np.arange(first, first + size, dtype=np.float32)
        self._images = np.broadcast_to(values[:, None, None, None], (size, 1, 4, 4))

    def images(self, domain, split):
        assert (domain, split) == ("here", "train")
        return self._images


class Source(ImageSlices):
    """Source slices whose labels are their own numbers."""

    def expect_labels(self, indices):
        assert indices.ndim == 1

    def take_labels(self, indices):
        return np.broadcast_to(indices.astype(np.uint8)[:, None, None], (len(indices), 4, 4)).copy()


def batches(*, updates=20, batch_size=4, seed=0, stage="adapt", target=True, fourier=3, rank=0, world=1):
    return UpdateBatches(
        Source(ImagesOnly(SRC, 0), "here"),
        target_slices(ImagesOnly(TARGET, 100), "here") if target else None,
        batch_size=batch_size,
        seed=seed,
        stage=stage,
        updates=updates,
        augment=AugmentSettings(),
        fourier_sources=fourier,
        share=Share(rank, world),
    )


def equal(one, other):
    return one.keys() == other.keys() and all(one[key].equal(other[key]) for key in one)


def slices(batch, key):
    return batch[key][..., 0, 0, 0].long().tolist()


def test_what_a_batch_holds():
    batch = batches()[0]
    assert {key: (tuple(value.shape), value.dtype) for key, value in batch.items()} == {
        "src_imgs": ((4, 1, 4, 4), torch.float32),
        "src_labels": ((4, 4, 4), torch.uint8),
        "src_theta": ((4, 2, 3), torch.float32),
        "target_imgs": ((4, 1, 4, 4), torch.float32),
        "target_theta": ((4, 2, 3), torch.float32),
        "target_seeds": ((4,), torch.int64),
        "fourier_imgs": ((4, 3, 1, 4, 4), torch.float32),
    }


def test_without_target_and_fourier_sources():
    assert batches(target=False, fourier=0)[0].keys() == {"src_imgs", "src_labels", "src_theta"}
    assert not any("label" in key for key in batches()[0] if key.startswith("target"))


def test_labels_belong_to_their_images():
    for update in range(8):
        batch = batches()[update]
        assert slices(batch, "src_imgs") == batch["src_labels"][:, 0, 0].tolist()


def test_an_item_is_the_same_in_any_order_and_from_any_start():
    one, other = batches(), batches()
    forwards = [one[update] for update in range(20)]
    backwards = [other[update] for update in reversed(range(20))][::-1]
    assert all(map(equal, forwards, backwards))
    assert not equal(forwards[0], forwards[1])
    for start in (0, 7, 19, 20):
        resumed = list(loader(batches(), start, workers=0, pin_memory=False))
        assert len(resumed) == 20 - start
        assert all(map(equal, resumed, forwards[start:]))


def test_a_loader_process_gives_the_same():
    loaded = list(loader(batches(updates=5), 2, workers=1, pin_memory=False))
    assert all(equal(batch, batches()[update]) for batch, update in zip(loaded, range(2, 5), strict=True))


@pytest.mark.parametrize("world", [2, 4])
def test_the_ranks_parts_are_the_whole(world):
    for update in range(6):
        whole = batches()[update]
        parts = [batches(rank=rank, world=world)[update] for rank in range(world)]
        assert {len(part["src_imgs"]) for part in parts} == {4 // world}
        assert equal({key: torch.cat([part[key] for part in parts]) for key in whole}, whole)


@pytest.mark.parametrize(("key", "size", "first"), [("src_imgs", SRC, 0), ("target_imgs", TARGET, 100)])
@pytest.mark.parametrize("batch_size", [1, 4, 25])
def test_each_epoch_sees_each_slice_once(key, size, first, batch_size):
    updates = -(-4 * size // batch_size)
    items = batches(batch_size=batch_size, updates=updates)
    seen = list(itertools.chain.from_iterable(slices(items[update], key) for update in range(updates)))
    epochs = [seen[start : start + size] for start in range(0, 4 * size, size)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(first, first + size))] * 4
    assert len({tuple(epoch) for epoch in epochs}) == 4  # each in an order of its own


@pytest.mark.parametrize("change", [{"seed": 1}, {"stage": "warm-up"}])
def test_another_seed_or_stage_draws_anew(change):
    one, other = [batches()[t] for t in range(5)], [batches(**change)[t] for t in range(5)]
    for key in ("src_imgs", "target_imgs", "src_theta", "target_theta", "target_seeds", "fourier_imgs"):
        assert not torch.stack([a[key] for a in one]).equal(torch.stack([b[key] for b in other]))


def test_a_target_does_not_move_the_source():
    """So that methods with and without a target see the same source images in the same places."""
    with_target, without = batches()[3], batches(target=False, fourier=0)[3]
    assert all(with_target[key].equal(without[key]) for key in without)


def test_seeds_are_the_samples_own():
    seen = set()
    for update in range(6):
        batch = batches()[update]
        expected = [derive_seed(0, "adapt", "target", update, sample) for sample in range(4)]
        assert batch["target_seeds"].tolist() == expected
        assert batch["target_theta"].equal(draw_affine(expected, AugmentSettings()))
        assert not batch["src_theta"].equal(batch["target_theta"])
        seen |= set(expected)
    assert len(seen) == 24


def test_fourier_sources_come_from_all_source_slices():
    drawn = torch.stack([batches()[update]["fourier_imgs"][..., 0, 0, 0] for update in range(20)]).long()
    assert set(drawn.flatten().tolist()) == set(range(SRC))
    outside = [
        not set(batches()[update]["fourier_imgs"][..., 0, 0, 0].long().flatten().tolist())
        <= set(slices(batches()[update], "src_imgs"))
        for update in range(5)
    ]
    assert all(outside)  # not only from the batch's own


def test_more_fourier_sources_do_not_change_the_first():
    assert batches(fourier=5)[2]["fourier_imgs"][:, :3].equal(batches(fourier=3)[2]["fourier_imgs"])


def test_a_targets_slices_have_no_way_to_labels():
    target = target_slices(ImagesOnly(TARGET, 100), "here")
    assert type(target) is ImageSlices
    assert set(vars(target)) == {"images"}
    assert {name for name in dir(target) if not name.startswith("_")} == {"images", "expect", "take"}
    # nor does it keep the store, which knows where they lie
    assert not any(isinstance(value, ImagesOnly) for value in vars(target).values())


def test_taken_slices_are_copies():
    store = ImagesOnly(TARGET, 100)
    target = target_slices(store, "here")
    taken = target.take(np.array([[0, 3], [3, 6]]))
    assert taken.shape == (2, 2, 1, 4, 4)
    assert taken[..., 0, 0, 0].tolist() == [[100, 103], [103, 106]]
    taken[:] = 0
    assert target.take(np.array([3]))[0, 0, 0, 0] == 103


def test_micro_batches_that_are_carried_out_together_hold_the_samples_of_one_process():
    ranks = [Share(rank, 2, 3).samples(12) for rank in range(2)]
    together = [
        [*first, *second] for first, second in zip(*(zip(*[iter(s)] * 2, strict=True) for s in ranks), strict=True)
    ]
    assert together == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert Share(1, 2).samples(4) == (2, 3)
    assert Share(parts=2).samples(4) == (0, 1, 2, 3)


class Killing(UpdateBatches):
    """Kills the worker that loads update 3, as often as `lives` says."""

    def __getitem__(self, update):
        if update == 3 and get_worker_info() is not None:
            tally = Path(os.environ["TALLY"])
            died = len(tally.read_bytes())
            if died < int(os.environ["LIVES"]):
                tally.write_bytes(b"x" * (died + 1))
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(update)


@pytest.fixture
def impatient(monkeypatch):
    """The loader looks after its workers at once, and not after 5 s."""
    monkeypatch.setattr(_MultiProcessingDataLoaderIter._try_get_data, "__defaults__", (0.1,))


@pytest.mark.parametrize("lives", [2, 9])
def test_a_killed_worker_changes_no_batch(tmp_path, monkeypatch, impatient, lives):
    monkeypatch.setenv("TALLY", str(tmp_path / "tally"))
    monkeypatch.setenv("LIVES", str(lives))
    (tmp_path / "tally").write_bytes(b"")
    whole = list(loader(batches(), 1, workers=0, pin_memory=False))
    killing, said, got = batches(), [], []
    killing.__class__ = Killing
    items = loader(killing, 1, workers=1, pin_memory=False, say=said.append)
    if lives == 2:
        got = list(items)
        assert len(said) == 2 and "update" in said[0]
        assert len(got) == len(whole)
    else:
        with pytest.raises(WorkerDied, match="killed 4 times"):
            for item in items:
                got.append(item)
    for mine, other in zip(got, whole, strict=False):
        assert all(mine[key].equal(other[key]) for key in other)


def test_a_death_interrupts_nothing_but_the_loading(impatient):
    before, children = signal.getsignal(signal.SIGCHLD), multiprocessing.active_children()
    said = []
    items = loader(batches(), 0, workers=1, pin_memory=False, say=said.append)
    next(items)
    assert signal.getsignal(signal.SIGCHLD) == before
    (worker,) = (child for child in multiprocessing.active_children() if child not in children)
    os.kill(worker.pid, signal.SIGKILL)
    for _ in range(100):  # an update, which a signal may find anywhere
        time.sleep(0.005)
    assert said == []
    assert len(list(items)) == len(batches()) - 1
    assert len(said) == 1


@pytest.mark.parametrize(
    "error",
    [
        *(ConnectionResetError(104, "reset"), EOFError(), FileNotFoundError(2, "/tmp/pymp")),
        RuntimeError("Pin memory thread exited unexpectedly"),
    ],
)
def test_a_socket_that_went_with_its_worker_is_a_dead_worker(monkeypatch, error):
    from seasa_da.data import batches as module

    tries = []

    class Lost(module.DataLoader):
        def __iter__(self):
            tries.append(1)
            if len(tries) == 1:
                raise_at_once = iter(lambda: (_ for _ in ()).throw(error), None)
                return (each for each in raise_at_once)
            return super().__iter__()

    monkeypatch.setattr(module, "DataLoader", Lost)
    said = []
    got = list(loader(batches(updates=3), 0, workers=1, pin_memory=False, say=said.append))
    assert len(got) == 3 and len(said) == 1


def test_what_a_worker_itself_raises_is_not_its_death():
    broken = batches(updates=3)
    broken.source.take = None
    with pytest.raises(TypeError, match="Caught TypeError in DataLoader worker"):
        list(loader(broken, 0, workers=1, pin_memory=False))
