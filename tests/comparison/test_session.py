from seasa_da.comparison import session
from seasa_da.comparison.observer import ComparisonObserver
from seasa_da.comparison.session import Session


def session_of(comparison):
    return Session(comparison.folder, comparison.manifest, comparison.common, "none", ComparisonObserver())


def test_a_stopped_comparison_has_the_tables_of_what_is_finished(toy):
    comparison = toy()
    comparison.finish("ours")
    session_of(comparison).write_tables(None)
    assert "| ours | **50.0**" in (comparison.folder / "ct-to-mri.md").read_text()


def test_tables_that_fail_do_not_hide_the_stop(toy, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(session, "make_report", fail)
    session_of(toy()).write_tables(None)
