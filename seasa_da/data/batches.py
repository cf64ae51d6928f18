"""The batch of every update as a function of (seed, stage, update): resuming needs no sampler's state."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset

from seasa_da.augment import draw_affine
from seasa_da.config import AugmentSettings
from seasa_da.data.datasets import ImageSlices, LabelledSlices
from seasa_da.errors import WorkerDied
from seasa_da.seeding import derive_seed


@dataclass(frozen=True)
class Share:
    """Which samples of the global batch a process takes: rank `rank` of `world`, each in `parts` micro-batches.

    The ranks' micro-batches that are carried out together follow each other in the batch, so that one process meets
    the same samples together, and in the same order.
    """

    rank: int = 0
    world: int = 1
    parts: int = 1

    def samples(self, batch_size: int) -> tuple[int, ...]:
        """The samples of a batch, in this rank's order; `batch_size` is a multiple of `world * parts`."""
        width = batch_size // (self.world * self.parts)
        starts = ((part * self.world + self.rank) * width for part in range(self.parts))
        return tuple(start + sample for start in starts for sample in range(width))


class UpdateBatches(Dataset[dict[str, torch.Tensor]]):
    """Item `t` is this rank's part of update `t`'s batch.

    Slices come in random order without repetition until all were seen; sample `i` of update `t` is the same whatever
    the number of ranks. Keys, with `b` images on this rank: `src_imgs` `(b, C, H, W)`, `src_labels` `(b, H, W)` uint8,
    `src_theta` `(b, 2, 3)`; with a target `target_imgs`, `target_theta`, `target_seeds` `(b,)`; with Fourier sources
    `fourier_imgs` `(b, N, C, H, W)`, drawn from all source slices. Images are not yet augmented: the affine
    transformations are drawn here and applied on the device.

    Args:
        source: labelled slices.
        target: unlabelled slices, or `None`.
        batch_size: images a domain and update, over all ranks; a multiple of the ranks.
        seed, stage: parts of every draw.
        updates: how many items there are.
        augment: strength of the affine transformations.
        fourier_sources: N, or 0 for none.
        source_share: share of the source's slices that take part, a subset drawn by (seed, stage).
        share: this process's part.
    """

    def __init__(
        self,
        source: LabelledSlices,
        target: ImageSlices | None,
        *,
        batch_size: int,
        seed: int,
        stage: str,
        updates: int,
        augment: AugmentSettings,
        fourier_sources: int = 0,
        source_share: float = 1.0,
        share: Share | None = None,
    ) -> None:
        self.source = source
        self.target = target
        self.batch_size = batch_size
        self.seed = seed
        self.stage = stage
        self.updates = updates
        self.augment = augment
        self.fourier_sources = fourier_sources
        order = np.random.default_rng(derive_seed(seed, stage, "source subset")).permutation(len(source))
        self.subset = np.sort(order[: max(1, round(source_share * len(source)))])
        self.samples = (share or Share()).samples(batch_size)

    def __len__(self) -> int:
        return self.updates

    def __getitem__(self, update: int) -> dict[str, torch.Tensor]:
        source = self.subset[self._indices("src", len(self.subset), update)]
        fourier = self._fourier_indices(update) if self.fourier_sources else source[:0]
        # All are asked for before the first is waited for.
        self.source.expect(np.concatenate([source, fourier.reshape(-1)]))
        self.source.expect_labels(source)
        batch = {}
        if self.target is not None:
            target, seeds = self._indices("target", len(self.target), update), self._seeds("target", update)
            self.target.expect(target)
            batch["target_imgs"] = torch.from_numpy(self.target.take(target))
            batch["target_theta"] = draw_affine(seeds, self.augment)
            batch["target_seeds"] = torch.tensor(seeds, dtype=torch.int64)
        batch["src_imgs"] = torch.from_numpy(self.source.take(source))
        batch["src_labels"] = torch.from_numpy(self.source.take_labels(source))
        batch["src_theta"] = draw_affine(self._seeds("src", update), self.augment)
        if self.fourier_sources:
            batch["fourier_imgs"] = torch.from_numpy(self.source.take(fourier))
        return batch

    def _seeds(self, domain: str, update: int) -> list[int]:
        return [derive_seed(self.seed, self.stage, domain, update, sample) for sample in self.samples]

    def _indices(self, domain: str, size: int, update: int) -> npt.NDArray[np.int64]:
        drawn = (update * self.batch_size + sample for sample in self.samples)
        return np.array([_order(self.seed, self.stage, domain, size, n // size)[n % size] for n in drawn])

    def _fourier_indices(self, update: int) -> npt.NDArray[np.int64]:
        rows = [
            np.random.default_rng(seed).integers(len(self.source), size=self.fourier_sources)
            for seed in self._seeds("fourier", update)
        ]
        return np.stack(rows)


RESTARTS = 3
"""A stage's data workers are started again so many times after they were killed."""


@lru_cache(maxsize=8)
def _order(seed: int, stage: str, domain: str, size: int, epoch: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(derive_seed(seed, stage, domain, "order", epoch)).permutation(size)


def loader(
    batches: UpdateBatches,
    start: int,
    *,
    workers: int,
    pin_memory: bool,
    say: Callable[[str], None] = lambda line: None,
) -> Generator[dict[str, torch.Tensor], None, None]:
    """Iterate over the items from update `start` on, in order, loaded by `workers` processes (0: by this one).

    Workers that are killed, by the system for want of memory, say, are started again up to `RESTARTS` times: what
    they load is a function of the update, so that nothing changes.

    Raises:
        WorkerDied: they were killed again.
    """
    for restarts in count():
        loaded = DataLoader(
            batches,
            batch_size=None,
            sampler=range(start, len(batches)),
            num_workers=workers,
            pin_memory=pin_memory,
            persistent_workers=False,
        )
        items: Iterator[dict[str, torch.Tensor]] | None = None
        while True:
            try:
                if items is None:
                    with _deaths_are_noticed_by_asking():
                        items = iter(loaded)
                item = next(items)
            except StopIteration:
                return
            except (RuntimeError, ConnectionError, EOFError, FileNotFoundError) as error:
                if not workers or not _says_that_a_worker_died(error):
                    raise
                if restarts == RESTARTS:
                    raise WorkerDied(
                        f"a data worker was killed {restarts + 1} times (out of memory?); go on from the last "
                        "checkpoint with more memory free (--resume), or start anew with fewer train.workers"
                    ) from None
                say(f"a data worker was killed (out of memory?); its work is started again at update {start}")
                break
            start += 1
            yield item


@contextmanager
def _deaths_are_noticed_by_asking() -> Iterator[None]:
    """Take back the handler of SIGCHLD that torch's loader sets when it is first begun.

    It raises where the program happens to be when a worker dies: in an update, or in a fork whose locks are then never
    released. Without it the loader looks after its workers every few seconds that it waits, and raises itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # where neither torch nor we may set one
        return
    before = signal.getsignal(signal.SIGCHLD)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGCHLD) is not before:
            signal.signal(signal.SIGCHLD, before if before is not None else signal.SIG_DFL)


def _says_that_a_worker_died(error: Exception) -> bool:
    """Whether the loader lost a worker, or the socket that its tensors come through; what a worker raised it quotes."""
    text = str(error)
    # A worker's tensors come through a socket of its own, from which torch's thread that pins them may be reading.
    lost = text.startswith(("DataLoader worker", "Pin memory thread exited"))
    return lost or not (isinstance(error, RuntimeError) or text.startswith("Caught "))
