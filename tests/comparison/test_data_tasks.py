import pytest

from seasa_da.comparison.common import Common
from seasa_da.comparison.data_tasks import LocateData
from seasa_da.comparison.plan import make_plan
from seasa_da.comparison.rows import parse_rows
from seasa_da.errors import UserError
from seasa_da.registry import MethodSpec


def located(common, *methods, say=print):
    plan = make_plan(parse_rows(methods), "ct", "mri", [0])
    return LocateData(tuple(plan.cells()), common, plan.directions)(say)


def test_settings_that_make_no_stages_are_refused_before_the_data(monkeypatch):
    monkeypatch.setattr("seasa_da.data.locate.locate_store", lambda *a, **k: pytest.fail("too late"))
    common = Common(preset="smoke", overrides=("train.iterations=8", "self_training.rounds=9"))
    with pytest.raises(UserError, match=r"^crst: train\.iterations=8 .* self_training\.rounds=9"):
        located(common, "source-only", "crst")


def test_a_method_that_does_not_load_is_left_to_its_own_run(monkeypatch):
    def reached(*args, **options):
        raise KeyError("the data")

    monkeypatch.setattr(MethodSpec, "load_stages", lambda self: __import__("no_such_module"))
    monkeypatch.setattr("seasa_da.data.locate.locate_store", reached)
    with pytest.raises(KeyError, match="the data"):
        located(Common(preset="smoke"), "source-only")
