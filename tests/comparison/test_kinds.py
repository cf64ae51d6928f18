import json

import pytest

from seasa_da.comparison.ablations import ablation_rows
from seasa_da.comparison.common import Common
from seasa_da.comparison.kinds import ABLATION, COMPARISON, KINDS
from seasa_da.comparison.manifest import FILE, extend_manifest, read_manifest
from seasa_da.comparison.plan import make_plan
from seasa_da.comparison.rows import parse_rows
from seasa_da.errors import UserError
from seasa_da.reporting.published import PAPER_ORDER

SMOKE = Common(preset="smoke")


def ablation(tables):
    return make_plan(ablation_rows(tables), "ct", "mri", [0], kind=ABLATION)


def test_the_benchmarks_rows_are_the_papers():
    assert COMPARISON.order == PAPER_ORDER
    assert KINDS == {"comparison": COMPARISON, "ablation": ABLATION}


def test_tables_join_in_the_papers_order(tmp_path):
    extend_manifest(tmp_path, SMOKE, ablation([4]), {})
    made = extend_manifest(tmp_path, SMOKE, ablation([2]), {})
    assert [row.name for row in made.plan.rows] == ["adaoutput", "adaoutput+se", "adaoutput+asa", "asa-all", "ours"]
    again = read_manifest(tmp_path)
    assert again == made and again.plan.kind == ABLATION


def test_a_record_without_a_kind_is_a_comparison(tmp_path):
    plan = make_plan(parse_rows(["ours"]), "ct", "mri", [0])
    extend_manifest(tmp_path, SMOKE, plan, {})
    content = json.loads((tmp_path / FILE).read_text())
    del content["kind"]
    (tmp_path / FILE).write_text(json.dumps(content))
    assert read_manifest(tmp_path).plan == plan
    assert extend_manifest(tmp_path, SMOKE, plan, {}).plan.kind == COMPARISON
    with pytest.raises(UserError, match="holds the runs of `seasa-da compare`"):
        extend_manifest(tmp_path, SMOKE, ablation(None), {})


def test_a_kind_of_a_later_version_is_refused(tmp_path):
    extend_manifest(tmp_path, SMOKE, ablation(None), {})
    content = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({**content, "kind": "sweep"}))
    with pytest.raises(UserError, match=r"damaged \('sweep'\)"):
        read_manifest(tmp_path)
