import pytest
import yaml

from seasa_da.comparison.common import load_common
from seasa_da.errors import UserError

NOTHING = {"data": None, "preset": None, "overrides": (), "config": None, "weights": None, "anonymise": False}


def test_the_phantoms_preset_needs_no_look_at_the_machine(tmp_path):
    assert load_common(**NOTHING)[0].preset == "quick"
    assert load_common(**{**NOTHING, "data": tmp_path})[0].preset is None
    assert load_common(**{**NOTHING, "data": tmp_path, "preset": "smoke"})[0].preset == "smoke"


def test_a_runs_own_config_gives_its_settings_and_not_its_method(tmp_path):
    from seasa_da.registry import compose_run

    _, settings = compose_run("ours", seed=3, src="mri", tgt="ct", preset="smoke", overrides=["train.lr=0.125"])
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    common, own = load_common(**{**NOTHING, "config": file})
    assert common.preset == "smoke" and own == {"src": "mri", "tgt": "ct", "seed": 3}
    assert "method" not in common.config and "train.lr=0.125" in common.assignments()
    # laid over the defaults again, it gives the same
    texts = [text for text in common.assignments() if text != "recipe=null"]
    again = compose_run("ours", seed=3, src="mri", tgt="ct", preset="smoke", overrides=texts)[1]
    assert again.model_dump() == settings.model_dump()


def test_files_that_are_not_there(tmp_path):
    for name in ("data", "weights", "config"):
        with pytest.raises(UserError, match="nowhere"):
            load_common(**{**NOTHING, name: tmp_path / "nowhere"})


def test_differences_are_named(tmp_path):
    weights = tmp_path / "trunk.pth"
    weights.write_bytes(b"1")
    one = load_common(**{**NOTHING, "weights": weights})[0]
    assert one.differences(one.content()) == []
    weights.write_bytes(b"2")
    other = load_common(**{**NOTHING, "weights": weights, "preset": "smoke", "overrides": ("train.lr=1",)})[0]
    assert [text.split(":")[0] for text in other.differences(one.content())] == [
        "preset",
        "overrides",
        "weights_sha256",
    ]
    assert other.differences(one.content())[0] == "preset: 'quick', here 'smoke'"
