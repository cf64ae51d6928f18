"""Which runs are shown, and what they are called."""

import json

import pytest
from comparison.conftest import Toy

from inspection.runs import write_run
from seasa_da.comparison.common import Common
from seasa_da.comparison.manifest import extend_manifest
from seasa_da.comparison.places import Place
from seasa_da.comparison.plan import Cell, make_plan
from seasa_da.comparison.rows import parse_rows
from seasa_da.errors import UserError
from seasa_da.inspection.figures.runs import shown_runs

DATA = {"class_names": ["AA", "MYO"], "training": "t" * 64, "scoring": "s" * 64}


@pytest.fixture
def comparison(tmp_path):
    """Both directions, two seeds, rows `supervised`, `source-only`, `adaoutput+se` and `ours`; nothing is finished."""
    plan = make_plan(parse_rows(["supervised", "source-only", "adaoutput+se", "ours"]), "ct", "mri", [3, 5], both=True)
    folder = tmp_path / "cmp"
    data = {str(way): DATA for way in plan.directions}
    return Toy(folder, plan, extend_manifest(folder, Common(preset="smoke"), plan, data))


def finish(comparison, seed, *rows, way=0):
    for row in comparison.plan.rows:
        if row.name in rows:
            direction = comparison.plan.directions[way]
            place = Place(comparison.folder, Cell(direction, seed, row))
            write_run(
                place.run.path, method=row.method, addons=row.addons, seed=seed, src=direction.src, tgt=direction.tgt
            )


def test_a_run_and_the_one_without_adaptation_in_it(tmp_path):
    write_run(tmp_path / "run", method="cycada")
    shown = shown_runs([tmp_path / "run"])
    assert (list(shown.runs), shown.main, shown.before) == (["cycada"], "cycada", None)
    write_run(tmp_path / "run" / "without-adaptation", method="source-only")
    shown = shown_runs([tmp_path / "run"])
    assert (list(shown.runs), shown.main, shown.before) == (
        ["without adaptation", "cycada"],
        "cycada",
        "without adaptation",
    )
    assert shown.structures == ("AA", "MYO")
    assert shown.title == "ct → mri, seed 0"


def test_all_finished_runs_of_the_first_seed_that_has_one(comparison):
    finish(comparison, 5, "ours", "source-only", "supervised")
    shown = shown_runs([comparison.folder])
    assert list(shown.runs) == ["supervised (oracle)", "source-only", "ours"]
    assert (shown.main, shown.before) == ("ours", "source-only")
    assert shown.title == "ct → mri, seed 5"
    assert shown.notes == (
        "direction ct-to-mri; the other with --direction mri-to-ct",
        "not finished, and not shown: adaoutput+se",
    )
    finish(comparison, 3, "adaoutput+se", "source-only")
    shown = shown_runs([comparison.folder])
    assert (list(shown.runs), shown.main) == (["source-only", "adaoutput+se"], "adaoutput+se")
    assert shown_runs([comparison.folder], seed=5).main == "ours"
    assert shown_runs([comparison.folder], seed=5, method="supervised").main == "supervised (oracle)"
    source_only = shown_runs([comparison.folder], seed=5, method="source-only")
    assert (source_only.main, source_only.before) == ("source-only", None)


def test_a_direction(comparison):
    finish(comparison, 3, "ours", way=1)
    shown = shown_runs([comparison.folder], direction="mri-to-ct")
    assert shown.title == "mri → ct, seed 3"
    with pytest.raises(UserError, match="no finished run of ct-to-mri yet"):
        shown_runs([comparison.folder])
    with pytest.raises(UserError, match=r"--direction 'ct' is none of .*: ct-to-mri, mri-to-ct"):
        shown_runs([comparison.folder], direction="ct")
    with pytest.raises(UserError, match=r"--seed 4 is none of .*: 3, 5"):
        shown_runs([comparison.folder], seed=4)


def test_several_runs_have_names_of_their_own(tmp_path):
    paths = [write_run(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 1), ("c", 1))]
    shown = shown_runs(paths)
    assert list(shown.runs) == ["ours", "ours, seed 1", "ours, c"]
    with pytest.raises(UserError, match="given twice"):
        shown_runs([*paths, paths[2]])


def test_runs_that_do_not_belong_together(tmp_path):
    one = write_run(tmp_path / "one")
    with pytest.raises(UserError, match=r"direction \(ct to mri; mri to ct\); make figures of each alone"):
        shown_runs([one, write_run(tmp_path / "two", method="cycada", src="mri", tgt="ct")])
    dice = {"AA": 1.0, "mean": 1.0}
    with pytest.raises(UserError, match="differ in their structures"):
        shown_runs([one, write_run(tmp_path / "three", method="cycada", dice=dice)])
    with pytest.raises(UserError, match="units of the ASD"):
        shown_runs([one, write_run(tmp_path / "four", method="cycada", units="voxel")])


def test_mistakes(tmp_path):
    one = write_run(tmp_path / "one")
    with pytest.raises(UserError, match="neither a run's folder"):
        shown_runs([tmp_path / "nowhere"])
    with pytest.raises(UserError, match="--seed and --direction choose among a comparison's runs"):
        shown_runs([one], seed=0)
    with pytest.raises(UserError, match="--method 'cycada' is no finished run here; there are: ours"):
        shown_runs([one], method="cycada")
    (one / "metrics.json").unlink()
    with pytest.raises(UserError, match="is not finished yet"):
        shown_runs([one])


def test_one_anonymised_run_is_enough(tmp_path):
    one = write_run(tmp_path / "one")
    assert not shown_runs([one]).anonymised
    record = json.loads((one / "run.json").read_text())
    (one / "run.json").write_text(json.dumps({**record, "anonymise": True}))
    assert shown_runs([one, write_run(tmp_path / "two", method="cycada")]).anonymised
