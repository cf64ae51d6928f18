import multiprocessing
import os
import signal

import pytest

from seasa_da.comparison.claims import claim_place
from seasa_da.errors import UserError


def hold_forever(place, ready):
    with claim_place(place) as claim:
        claim.run.path.mkdir(parents=True)
        ready.set()
        signal.pause()


def race(place, barrier, results):
    """Make the run and finish it at the same moment as the other process."""
    with claim_place(place) as claim:
        claim.run.path.mkdir(parents=True)
        (claim.run.path / "config.yaml").write_text(str(os.getpid()))
        barrier.wait()
        claim.run.metrics.write_text("{}")
        barrier.wait()
        results.put((os.getpid(), claim.folder.name, claim.publish()))


def names(place):
    return sorted(path.name for path in place.parent.iterdir())


def test_the_first_to_rename_wins_and_one_result_stays(toy):
    place = toy().place("ours")
    context = multiprocessing.get_context("fork")
    for _ in range(5):
        barrier, results = context.Barrier(2), context.Queue()
        processes = [context.Process(target=race, args=(place, barrier, results)) for _ in range(2)]
        for process in processes:
            process.start()
        outcomes = [results.get(timeout=20) for _ in processes]
        for process in processes:
            process.join(20)
        assert [process.exitcode for process in processes] == [0, 0]
        assert sorted(won for _, _, won in outcomes) == [False, True]
        assert {name for _, name, _ in outcomes} == {".ours.partial-1", ".ours.partial-2"}
        winner = next(pid for pid, _, won in outcomes if won)
        assert place.run.config.read_text() == str(winner)
        assert names(place) == ["ours"]
        place.run.metrics.unlink()
        place.run.config.unlink()
        place.run.path.rmdir()


def test_what_a_killed_process_held_is_free_again_and_comes_first(toy):
    place = toy().place("ours")
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=hold_forever, args=(place, ready))
    process.start()
    assert ready.wait(20)
    with claim_place(place) as other:
        assert other.folder.name == ".ours.partial-2"
        process.kill()
        process.join()
        with claim_place(place) as again:
            assert again.folder.name == ".ours.partial-1" and again.run.path.is_dir()
        other.run.path.mkdir(parents=True)
        other.run.metrics.write_text("{}")
        place.note_failure("an earlier one")
        assert other.publish()
    assert names(place) == ["ours"]  # the killed try's folder and the note are gone


def test_a_claim_that_was_not_used_leaves_nothing_but_its_lock(toy):
    place = toy().place("ours")
    with claim_place(place) as claim:
        claim.remove()
    assert names(place) == []
    with claim_place(place) as claim:
        assert claim.folder.name == ".ours.partial-1"


def test_a_place_taken_by_something_else(toy):
    place = toy().place("ours")
    (place.run.path / "other").mkdir(parents=True)
    with claim_place(place) as claim:
        claim.run.path.mkdir(parents=True)
        with pytest.raises(UserError, match=r"cannot write .*ours"):
            claim.publish()
        assert claim.run.path.is_dir()
