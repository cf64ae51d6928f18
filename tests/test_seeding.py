import os
import subprocess
import sys
from pathlib import Path

import pytest

import seasa_da
from seasa_da.seeding import derive_seed


def test_a_seed_is_a_function_of_its_parts():
    assert derive_seed(0, "adapt", "src", 3) == derive_seed(0, "adapt", "src", 3)
    parts = [(0, "adapt", 3), (1, "adapt", 3), (0, "warm-up", 3), (0, "adapt", 4), (0, "adapt", "3"), ("0", "adapt", 3)]
    # and neither of their order nor of where one ends
    parts += [("adapt", 0, 3), (0, "adapt"), (0, "ad", "apt", 3), (), ("",)]
    assert len({derive_seed(*part) for part in parts}) == len(parts)


def test_seeds_fit_every_generator():
    seeds = [derive_seed("test", number) for number in range(2000)]
    assert len(set(seeds)) == 2000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62  # all bits are used
    assert sum(seed & 1 for seed in seeds) == pytest.approx(1000, abs=150)


def test_other_processes_derive_the_same():
    code = "from seasa_da.seeding import derive_seed; print(derive_seed(3, 'stage', 'adapt', 17))"
    for hash_seed in ("0", "1"):
        out = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": str(Path(seasa_da.__file__).parents[1]), "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        )
        assert int(out.stdout) == derive_seed(3, "stage", "adapt", 17)


def test_the_value_is_for_ever():
    """Another value would silently change every run of every seed."""
    assert derive_seed(0, "adapt", 1) == 5988139468914041372
