"""The examples run as they are printed, in this process: another one would import everything again."""

import math
import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


ADVERSARIAL = {"src_domain_loss", "target_domain_loss"}
OURS = {
    "se_asa_in_dann": {"src_c_loss", "selective_entropy_loss", "semantic_alignment_loss", *ADVERSARIAL},
    "se_in_classifier": {"src_c_loss", "selective_entropy_loss"},
}


@pytest.mark.parametrize(("name", "chance"), [("se_asa_in_dann", 1 / 3), ("se_in_classifier", 1 / 2)])
def test_an_example_runs_and_learns(name, chance, capsys):
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    steps = [dict(re.findall(r"(\w+) (-?[\d.]+|nan|inf)", line)) for line in lines[:-1]]
    assert set(steps[0]) == {*OURS[name], "total"}
    assert all(math.isfinite(float(value)) for step in steps for value in step.values())
    assert float(steps[0]["selective_entropy_loss"]) == 0  # before its start
    assert float(steps[-1]["selective_entropy_loss"]) != 0
    assert float(steps[-1]["src_c_loss"]) < 0.5 * float(steps[0]["src_c_loss"])
    accuracy = float(lines[-1].removeprefix("accuracy on unseen target images: "))
    assert chance + 0.2 < accuracy <= 1


@pytest.mark.parametrize("name", OURS)
def test_an_example_is_short(name):
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 60
