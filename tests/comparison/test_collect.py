import json
from dataclasses import replace

import pytest
import yaml

from seasa_da.comparison.collect import collect
from seasa_da.comparison.rows import Row


def collected(comparison):
    return collect(comparison.folder, comparison.manifest, comparison.common, comparison.plan.directions[0])


def test_finished_failed_and_missing(toy):
    comparison = toy("supervised,source-only,ours", seeds=(0, 1))
    for row in ("supervised", "source-only"):
        comparison.finish(row, 0)
    comparison.finish("ours", 1, dice=75.0)
    comparison.place("ours", 0).note_failure("out of memory")
    found = collected(comparison)
    assert [(row.name, row.oracle, sorted(row.runs)) for row in found.rows] == [
        ("supervised", True, [0]),
        ("source-only", False, [0]),
        ("ours", False, [1]),
    ]
    assert found.rows[2].runs[1][0].dice == 75.0
    assert found.failed == {("ours", 0): "out of memory"}
    assert found.missing == [("supervised", 1), ("source-only", 1)]
    assert found.class_names == ("AA",) and found.warnings == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_fingerprint": "x"}, "from other data"),
        ({"iterations": 3}, "iterations 3, here 2"),
        ({"preset": "quick"}, "preset quick, here smoke"),
        ({"schema_version": 2}, "not of version 1"),
    ],
)
def test_a_run_that_does_not_belong_is_refused(toy, change, message):
    comparison = toy()
    comparison.finish("source-only", **change)
    comparison.finish("ours")
    found = collected(comparison)
    assert found.rows[0].runs == {} and list(found.rows[1].runs) == [0]
    assert message in found.failed["source-only", 0] and "remove it" in found.failed["source-only", 0]


def test_a_run_of_another_learning_rate_is_refused_and_one_of_fewer_settings_is_not(toy):
    comparison = toy()
    for row, change in (("ours", {"lr": 0.5}), ("source-only", {})):
        config = comparison.finish(row) / "config.yaml"
        content = yaml.safe_load(config.read_text())
        content["train"] = {**content["train"], **change}
        del content["train"]["momentum"]
        config.write_text(yaml.safe_dump(content))
    found = collected(comparison)
    assert "train.lr 0.5, here 0.01" in found.failed["ours", 0]
    assert list(found.rows[0].runs) == [0]


def test_the_oracle_has_other_data_by_construction(toy):
    comparison = toy("supervised,ours")
    comparison.finish("supervised", data_fingerprint="anything")
    assert collected(comparison).failed == {}


def test_other_versions_are_one_warning(toy):
    comparison = toy()
    comparison.finish("source-only")
    comparison.finish("ours", versions={"torch": "2.5"})
    assert collected(comparison).warnings == ["runs were made with different versions: torch 2.4 and 2.5"]


def test_other_code_is_one_warning(toy):
    comparison = toy("source-only,adaoutput,ours")
    comparison.finish("source-only")
    assert collected(comparison).warnings == []  # all of them from before code was recorded
    comparison.finish("adaoutput", code="a" * 64)
    comparison.finish("ours", code="b" * 64)
    assert collected(comparison).warnings == [
        "runs were made by different code: not recorded (source-only); aaaaaaaa (adaoutput); bbbbbbbb (ours)"
    ]


def test_a_row_whose_plugin_is_not_installed_fails_alone(toy):
    comparison = toy("source-only", seeds=(0, 1))
    comparison.finish("source-only")
    gone = [Row("theirs", "theirs"), Row("adaoutput+smooth", "adaoutput", ("smooth",))]
    plan = replace(comparison.plan, rows=(*comparison.plan.rows, *gone))
    comparison.manifest = replace(comparison.manifest, plan=plan)
    found = collected(comparison)
    assert [(row.name, list(row.runs)) for row in found.rows] == [
        ("source-only", [0]),
        ("theirs", []),
        ("adaoutput+smooth", []),
    ]
    assert set(found.failed) == {(row.name, seed) for row in gone for seed in (0, 1)}
    assert "plug-in is not installed" in found.failed["theirs", 0] and found.missing == [("source-only", 1)]


def test_damaged_files_are_a_failure_of_that_run(toy):
    comparison = toy("source-only,adaoutput,ours")
    (comparison.finish("source-only") / "metrics.json").write_text("{")
    (comparison.finish("adaoutput") / "per_case.csv").write_text("nonsense\n1\n")
    (comparison.finish("ours") / "config.yaml").unlink()
    found = collected(comparison)
    assert {row for row, _ in found.failed} == {"source-only", "adaoutput", "ours"}
    assert json.dumps(sorted(found.failed.values())).count("\\n") == 0
