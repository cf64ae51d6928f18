import shlex

import pytest
import yaml

from inspection.runs import write_run
from seasa_da.comparison.common import Common
from seasa_da.comparison.manifest import Manifest
from seasa_da.comparison.plan import make_plan
from seasa_da.comparison.rows import all_rows, parse_rows
from seasa_da.comparison.verbs import ABLATION, ablation_rows
from seasa_da.inspection.repeat import comparison_command, run_command
from seasa_da.inspection.run_files import read_run_files
from seasa_da.registry import compose_run


def typed(command):
    """The words of a `train` command by option; those that repeat as lists."""
    words = shlex.split(command)
    assert words[:2] == ["seasa-da", "train"]
    found = {"--set": [], "--add": [], "flags": []}
    queue = words[2:]
    while queue:
        name = queue.pop(0)
        if name in ("--reference", "--no-reference", "--anonymise"):
            found["flags"].append(name)
        elif name in ("--set", "--add"):
            found[name].append(queue.pop(0))
        else:
            found[name] = queue.pop(0)
    return found


@pytest.mark.parametrize(
    ("method", "addons", "overrides"),
    [
        ("ours", (), ["recipe=released-code", "se.weight=0.7", "train.iterations=6"]),
        ("ours", (), []),
        ("adaoutput", ("se", "asa"), ["views.blur_sigma=[0.2,1.5]", "model.backbone=test_resnet"]),
        ("source-only", (), ["data.intensity.ct=percentiles"]),
    ],
)
def test_the_command_makes_the_same_settings(tmp_path, method, addons, overrides):
    _, settings = compose_run(method, addons, preset="smoke", seed=3, overrides=overrides)
    run = write_run(tmp_path / "a run", method=method, addons=addons)
    (run / "config.yaml").write_text(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
    words = typed(run_command(read_run_files(run)))
    assert "--config" not in words
    _, again = compose_run(
        words["--method"],
        words["--add"],
        src=words["--src"],
        tgt=words["--tgt"],
        seed=int(words["--seed"]),
        preset=words["--preset"],
        overrides=words["--set"],
    )
    assert again.model_dump() == settings.model_dump()
    assert words["--data"] == str(run / "gone")
    assert words["flags"] == ["--no-reference"]


def test_settings_of_another_version_are_named_by_their_file(tmp_path):
    run = write_run(tmp_path / "run")
    (run / "config.yaml").write_text((run / "config.yaml").read_text() + "unheard: 3\n")
    assert typed(run_command(read_run_files(run)))["--config"] == str(run / "config.yaml")


def test_what_an_older_version_did_not_know_is_left_out(tmp_path):
    run = write_run(tmp_path / "run")
    settings = yaml.safe_load((run / "config.yaml").read_text())
    del settings["train"]["keep"]
    (run / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    words = typed(run_command(read_run_files(run)))
    assert "--config" not in words
    assert words["--set"] == []


def manifest(rows, common=None, **more):
    plan = make_plan(rows, "ct", "mri", more.pop("seeds", (0,)), **more)
    return Manifest((common or Common(preset="quick")).content(), plan)


def test_comparisons():
    whole = manifest(all_rows(), both=True, seeds=(0, 1))
    assert comparison_command(whole) == "seasa-da compare --all --src ct --tgt mri --both --seeds 0,1 --preset quick"
    common = Common(data="/data/a b", preset="smoke", overrides=("se.weight=0.1",), config={"train": {"lr": 0.1}})
    some = comparison_command(manifest(parse_rows(["ours", "adaoutput+se"]), common))
    assert shlex.split(some)[2:] == [
        *("--methods", "ours,adaoutput+se", "--src", "ct", "--tgt", "mri", "--seeds", "0", "--preset", "smoke"),
        *("--data", "/data/a b", "--set", "train.lr=0.1", "--set", "se.weight=0.1"),
    ]


def test_ablations_and_what_is_anonymised():
    assert comparison_command(manifest(ablation_rows(None), kind=ABLATION)).startswith("seasa-da ablate --src ct")
    two = comparison_command(manifest(ablation_rows([2]), kind=ABLATION))
    assert "--tables 2 " in two
    hidden = comparison_command(manifest(all_rows(), Common(data="/Smith", preset="quick", anonymise=True)))
    assert "Smith" not in hidden
    assert hidden.endswith("--data DATA --anonymise")
