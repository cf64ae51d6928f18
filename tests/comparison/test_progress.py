from seasa_da.comparison.progress import OverallProgress
from seasa_da.comparison.remaining import WorkLeft


def test_stages_add_up_to_a_run_and_runs_to_all():
    told = []
    progress = OverallProgress(told.append, WorkLeft(["a", "b"]), total=3)
    progress.end()  # one that was kept
    progress.begin("first", iterations=10)
    progress.advance("warm", 4, 4)
    progress.advance("adapt", 3, 6)
    progress.advance("adapt", 6, 6)
    progress.work.end()
    progress.end()
    assert [round(one.done, 3) for one in told] == [1, 1, 1.4, 1.7, 2, 2]
    assert told[2].present == "first: warm" and told[1].present == "first" and told[-1].present == ""
    assert all(one.total == 3 for one in told)


def test_a_stage_longer_than_the_segmenters_updates():
    told = []
    progress = OverallProgress(told.append, WorkLeft(["a"]), total=1)
    progress.begin("a", iterations=10)
    progress.advance("translate", 20, 40)
    assert told[-1].done == 0.5
    progress.advance("adapt", 10, 10)
    assert told[-1].done == 1


def test_a_long_stage_after_others_does_not_throw_it_back():
    told = []
    progress = OverallProgress(told.append, WorkLeft(["a"]), total=1)
    progress.begin("a", iterations=10)
    for stage, done, total in (("warm-up", 5, 5), ("critics", 1, 2), ("critics", 2, 2), ("adapt", 15, 30)):
        progress.advance(stage, done, total)
    assert [round(one.done, 3) for one in told] == [0, 0.5, 0.6, 0.7, 0.85]
    progress.advance("adapt", 30, 30)
    assert told[-1].done == 1
