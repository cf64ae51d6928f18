"""How fast the slice store feeds updates, from a cold and a warm page cache, beside one `.npy` a slice and TFRecords.

    OMP_NUM_THREADS=1 python benchmarks/loader.py [--cases 5] [--updates 60] [--rounds 3] [--json FILE]

The store is prepared from a phantom at the `paper` preset's 256x256; the two others hold the same slices: an image and
a label of one `.npy` each, or both in one TFRecord (as SIFA's release: three neighbouring slices and their labels). All
are asked for the same batches of `ours`: four labelled source slices, four of the target, three source slices for each
of these; 20 in all. That they give the same ones is checked. In turns; before a cold round the store's maps are given
back (`madvise`) and the kernel is told to forget the files (`posix_fadvise`); that it did is checked, too. "anonymous"
is how much memory that is no file's the process took meanwhile. `--step-ms` says how long the fastest update takes, for
the ratio to it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from page_cache import forget
from turns import medians, parser, write

from tests.data.tfrecord_writer import example, strings, write_records

BATCH, VIEWS = 4, 3
PER_UPDATE = BATCH * (2 + VIEWS)


def anonymous_mib() -> float:
    """This process's memory that is no file's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


class SliceFiles:
    """Slices that are read from files; what `UpdateBatches` wants of `LabelledSlices`."""

    def __init__(self, image: Callable[[int], Any], label: Callable[[int], Any], count: int) -> None:
        self.image, self.label, self.count = image, label, count

    def __len__(self) -> int:
        return self.count

    def expect(self, indices: Any) -> None:
        """Nothing: one file after the other."""

    expect_labels = expect

    def take(self, indices: Any) -> Any:
        found = np.stack([self.image(int(index)) for index in indices.reshape(-1)])
        return found.reshape(*indices.shape, *found.shape[1:])

    def take_labels(self, indices: Any) -> Any:
        return np.stack([self.label(int(index)) for index in indices])


def main() -> None:
    """Make, feed, print."""
    from seasa_da.config import AugmentSettings, PhantomSettings, RawSettings
    from seasa_da.data.batches import UpdateBatches, loader
    from seasa_da.data.datasets import source_slices, target_slices
    from seasa_da.data.locate import locate_store
    from seasa_da.data.prefetch import prefetched
    from seasa_da.data.readers.tfrecord import read_examples
    from seasa_da.registry import compose_run

    options = parser(__doc__, rounds=3)
    options.add_argument("--preset", default="paper")
    options.add_argument("--cases", type=int, default=5, help="training volumes a domain [default: 5]")
    options.add_argument("--updates", type=int, default=60, help="a round [default: 60]")
    options.add_argument("--step-ms", type=float, help="of the fastest update, to compare with")
    given = options.parse_args()
    _, settings = compose_run("ours", preset=given.preset)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["SEASA_DA_CACHE"] = str(folder / "store")
        phantom = PhantomSettings(train_cases=given.cases, test_cases=1)
        store = locate_store(None, settings.data, phantom, RawSettings(), say=print)
        info = store.domain("ct")
        source = source_slices(store, "ct", info.label_names)
        target = target_slices(store, "mri")
        for kind in ("npy", "tfrecords"):
            (folder / kind).mkdir()
        for index in range(len(source)):
            image, label = source.take(np.array([index]))[0], source.take_labels(np.array([index]))[0]
            np.save(folder / "npy" / f"{index}.npy", image)
            np.save(folder / "npy" / f"{index}_label.npy", label)
            volume = np.repeat(image[0][..., None], 3, axis=2).tobytes()
            labels = np.repeat(label.astype(np.float32)[..., None], 3, axis=2).tobytes()
            write_records(
                folder / "tfrecords" / f"{index}", example(data_vol=strings(volume), label_vol=strings(labels))
            )
        size = image.shape[-1]

        @lru_cache(maxsize=2 * BATCH)  # an image's record is at hand when its label is asked for
        def record(index: int) -> dict[str, Any]:
            return read_examples(folder / "tfrecords" / f"{index}")[0]

        def of_record(index: int, key: str) -> Any:
            return np.frombuffer(record(index)[key][0], dtype=np.float32).reshape(size, size, 3)[..., 1]

        def batches(labelled: Any, unlabelled: Any) -> Any:
            return UpdateBatches(
                labelled,
                unlabelled,
                batch_size=BATCH,
                seed=0,
                stage="adapt",
                updates=10**6,
                augment=AugmentSettings(),
                fourier_sources=VIEWS,
            )

        files = {
            "npy": SliceFiles(
                lambda index: np.load(folder / "npy" / f"{index}.npy"),
                lambda index: np.load(folder / "npy" / f"{index}_label.npy"),
                len(source),
            ),
            "tfrecords": SliceFiles(
                lambda index: of_record(index, "data_vol")[None],
                lambda index: of_record(index, "label_vol").astype(np.uint8),
                len(source),
            ),
        }
        maps = [source.images.stored, source.labels, target.images.stored]
        kinds = {"store": batches(source, target), **{kind: batches(one, one) for kind, one in files.items()}}
        first = {kind: one[0] for kind, one in kinds.items()}
        for key in ("src_imgs", "src_labels", "fourier_imgs"):
            if not all(batch[key].equal(first["store"][key]) for batch in first.values()):
                raise SystemExit(f"{key} of the three are not the same; what feeds them sooner says nothing")
        ways = {
            **{kind: (kind, lambda b, at: loader(b, at, workers=0, pin_memory=False)) for kind in kinds},
            "store, a thread": ("store", lambda b, at: prefetched(loader(b, at, workers=0, pin_memory=False), 2)),
            "store, 2 processes": ("store", lambda b, at: loader(b, at, workers=2, pin_memory=False)),
        }
        found: dict[str, dict[str, list[float]]] = {"cold": {}, "warm": {}}
        memory: dict[str, float] = {}
        for number in range(given.rounds):
            for way, (kind, start) in ways.items():
                for cache in ("cold", "warm"):
                    if cache == "cold":
                        forget(folder / kind, maps if kind == "store" else ())
                        record.cache_clear()
                    before = anonymous_mib()
                    items = start(kinds[kind], number * given.updates)  # the same slices cold and warm
                    next(items)  # starts processes
                    begun = time.perf_counter()
                    for _ in range(given.updates - 1):
                        next(items)
                    seconds = (time.perf_counter() - begun) / (given.updates - 1)
                    memory[way] = max(memory.get(way, 0.0), anonymous_mib() - before)
                    items.close()
                    found[cache].setdefault(way, []).append(seconds)
        content: dict[str, Any] = {"slices": len(source) + len(target), "updates": given.updates}
        for cache, seconds_of in found.items():
            mid = medians(seconds_of)
            content[cache] = {
                way: {
                    "slices_a_second": PER_UPDATE / value,
                    "times_the_store": value / mid["store"],
                    "times_a_step": given.step_ms / 1000 / value if given.step_ms else None,
                }
                for way, value in mid.items()
            }
            for way, value in mid.items():
                step = f", {given.step_ms / 1000 / value:.1f} times what a step wants" if given.step_ms else ""
                print(
                    f"{cache} {way:20} {1000 * value:7.2f} ms an update, {PER_UPDATE / value:7.0f} slices a second, "
                    f"anonymous {memory[way]:4.0f} MiB{step}"
                )
    write(given.json, {**content, "anonymous_mib": memory})


if __name__ == "__main__":
    main()
