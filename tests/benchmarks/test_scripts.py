"""The scripts that docs/performance.md names run to their ends, on the smallest of inputs.

But for growth.py, long_run.py and volume_memory.py, which have to be long or large to say anything.
"""

import json
import math
import os
import subprocess
import sys

import pytest

SMOKE = ["--preset", "smoke"]


def run(scripts, name, *arguments, folder):
    """What the script said and wrote. Its numbers are this machine's, and not looked at here."""
    file = folder / "found.json"
    command = [sys.executable, "-W", "ignore", str(scripts / name), *arguments, "--json", str(file)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, json.loads(file.read_text())


def test_step(scripts, tmp_path):
    ways = ("authors", "ours", "ours+bf16")
    said, found = run(
        scripts, "step.py", *SMOKE, "--rounds", "1", "--views", "1", "--ways", ",".join(ways), folder=tmp_path
    )
    ways_found = found["found"]["N=1"]["ways"]
    assert list(ways_found) == list(ways)
    assert ways_found["authors"]["times_as_fast_as_the_authors"] == 1.0
    assert ways_found["ours"]["times_as_fast_as_the_authors"] > 0
    assert ways_found["ours+bf16"]["times_as_fast_as_the_authors"] is None  # that loop was not among them
    assert all(way["seconds"] > 0 and way["gib"] > 0 for way in ways_found.values())
    assert said.count("\n") == len(ways)


@pytest.mark.parametrize("way", ["theirs", "ours+fp64", "authors+compile"])
def test_a_way_that_is_none_is_refused(scripts, way):
    from step import Way

    with pytest.raises(SystemExit, match=r"no way|not compiled"):
        Way.of(way)


def test_profile(scripts, tmp_path):
    said, found = run(scripts, "profile_step.py", *SMOKE, "--rounds", "1", folder=tmp_path)
    assert found["ms"]["convolutions backward"] > 0
    assert found["whole_over_convolutions"] > 1
    assert "whole / convolutions" in said


def test_counts(scripts, tmp_path):
    from counts import count

    _, found = run(scripts, "counts.py", *SMOKE, "--methods", "ours,crst", folder=tmp_path)
    (ours,) = found["counts"]["ours"]
    n, batch = 3, ours["batch"]
    # one forward a domain, one pooled vote of the clean image and its 2N views; one backward an optimiser
    assert (ours["gradient"], ours["no_gradient"], ours["forwards"]) == (2 * batch, (2 * n + 1) * batch, 3)
    assert ours["backwards"] == 2
    warm_up, first, *_ = found["counts"]["crst"]
    assert (warm_up["stage"], warm_up["no_gradient"]) == ("warm-up", 0)
    # the teacher, a frozen copy, labels the target's images
    assert (first["gradient"], first["no_gradient"], first["forwards"]) == (2 * batch, batch, 3)
    larger = count("ours", 0, "smoke", ["views.n=5"])
    assert larger["no_gradient"] == 11 * batch
    assert larger["tflop"] > ours["tflop"]


def test_evaluation(scripts, tmp_path):
    said, found = run(scripts, "evaluation.py", "--size", "64", folder=tmp_path)
    assert found["largest_difference"] <= 1e-6
    assert "times as fast" in said


def test_loader(scripts, tmp_path):
    options = ("--cases", "1", "--updates", "4", "--rounds", "1", "--step-ms", "10")
    said, found = run(scripts, "loader.py", *SMOKE, *options, folder=tmp_path)
    assert found["cold"].keys() == found["warm"].keys()
    assert found["warm"]["store"]["times_the_store"] == 1.0
    assert all(way["slices_a_second"] > 0 for cache in ("cold", "warm") for way in found[cache].values())
    assert "times what a step wants" in said


def test_memory(scripts, tmp_path):
    _, found = run(scripts, "memory.py", *SMOKE, "--methods", "source-only", folder=tmp_path)
    assert found["gib"].keys() == {"source-only"}
    assert all(gib >= 0 for gib in found["gib"]["source-only"].values())


def test_startup(scripts, tmp_path):
    _, found = run(scripts, "startup.py", "--rounds", "1", folder=tmp_path)
    assert found["ratios"].keys() == {"seasa-da --help", "train to first update", "the same, no tracking"}
    assert found["seconds"]["train to first update"] > found["seconds"]["seasa-da --help"]


def test_a_process_of_its_own_tells_what_it_found_or_that_it_died(scripts):
    from turns import in_own_process

    assert in_own_process(math.gcd, 12, 18) == 6
    assert in_own_process(os._exit, 1) is None
