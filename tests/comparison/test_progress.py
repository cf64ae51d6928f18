from seasa_da.comparison.progress import OverallProgress
from seasa_da.comparison.remaining import WorkLeft


def test_shares_of_a_run_add_up_to_all_runs():
    told = []
    progress = OverallProgress(told.append, WorkLeft(["a", "b"]), total=3)
    progress.end()  # one that was kept
    progress.begin("first")
    progress.advance("warm", 0.4)
    progress.advance("adapt", 0.7)
    progress.advance("adapt", 1.0)
    progress.work.end()
    progress.end()
    assert [round(one.done, 3) for one in told] == [1, 1, 1.4, 1.7, 2, 2]
    assert told[2].present == "first: warm" and told[1].present == "first" and told[-1].present == ""
    assert all(one.total == 3 for one in told)
