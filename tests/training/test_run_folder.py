import json

import pytest
import yaml

from seasa_da.config import DataSettings, RunSettings, compose, settings_model, validated
from seasa_da.data.recipe import DomainRecipe, Recipe
from seasa_da.data.store import ChannelRecord
from seasa_da.errors import UserError
from seasa_da.registry import find_method
from seasa_da.training.run_folder import RunFolder


@pytest.fixture
def settings():
    spec = find_method("ours")
    top = {"method": "ours", "seed": 3, "preset": "smoke"}
    return compose(top, spec.sections, recipes=spec.recipes, overrides=("train.lr=0.001", "views.blur_sigma=[0, 1]"))


RECORD = {
    "data": None,
    "tracking_uri": "none",
    "reference": False,
    "anonymise": False,
    "data_fingerprint": "0",
}
CT = DomainRecipe(
    label_names=("AA",), label_values=(820,), channels=(ChannelRecord("CT", "zscore:2", -1, 2),), usual=None
)
RECIPE = Recipe(
    class_names=("AA",), src="ct", tgt="mri", axis="coronal", data=DataSettings(), domains={"ct": CT, "mri": CT}
)


def test_settings_and_record_survive_the_round_trip(tmp_path, settings):
    created = RunFolder.create(tmp_path / "runs" / "one", settings, RECORD, RECIPE)
    assert not created.finished
    folder, content, record = RunFolder.open(created.path)
    assert folder == created
    assert record == RECORD
    again = validated(settings_model(find_method("ours").sections), content)
    assert again.model_dump() == settings.model_dump()
    assert content["views"]["blur_sigma"] == [0, 1]


def test_config_is_plain_yaml(tmp_path, settings):
    folder = RunFolder.create(tmp_path / "one", settings, RECORD, RECIPE)
    assert list(yaml.safe_load(folder.config.read_text()))[:3] == ["method", "recipe", "addons"]


def test_a_run_is_finished_once_its_metrics_are_there(tmp_path, settings):
    folder = RunFolder.create(tmp_path / "one", settings, RECORD, RECIPE)
    folder.metrics.write_text("{}")
    assert folder.finished


def test_an_empty_folder_may_be_used(tmp_path, settings):
    RunFolder.create(tmp_path, settings, RECORD, RECIPE)
    assert (tmp_path / "run.json").is_file()


@pytest.mark.parametrize(("found", "hint"), [("run.json", "--resume"), ("thesis.txt", "choose another folder")])
def test_a_folder_with_something_in_it_is_not_touched(tmp_path, settings, found, hint):
    (tmp_path / found).write_text("mine")
    with pytest.raises(UserError, match=hint):
        RunFolder.create(tmp_path, settings, RECORD, RECIPE)
    assert [path.name for path in tmp_path.iterdir()] == [found]
    assert (tmp_path / found).read_text() == "mine"


def test_a_file_in_the_way_is_named(tmp_path, settings):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError, match=str(path)):
            RunFolder.create(path, settings, RECORD, RECIPE)


def test_what_is_no_run_is_refused(tmp_path, settings):
    with pytest.raises(UserError, match="not a run's folder"):
        RunFolder.open(tmp_path)
    with pytest.raises(UserError, match="not a run's folder"):
        RunFolder.open(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.yaml", "{half: "),
        ("config.yaml", "just words"),
        ("config.yaml", b"\xff\xfe\x00"),
        ("run.json", "{"),
        ("run.json", "[]"),
        ("run.json", "{}"),
        ("run.json", b"\xff\xfe\x00"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, settings, name, content):
    folder = RunFolder.create(tmp_path / "one", settings, RECORD, RECIPE)
    (folder.path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as caught:
        RunFolder.open(folder.path)
    assert str(folder.path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def lines(*places):
    return [{"stage": stage, "iteration": iteration, "losses": {"g": 0.5}} for stage, iteration in places]


def test_the_log_is_rewound_to_a_checkpoint(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.read_log() == []
    written = lines((0, 4), (0, 8), (1, 2), (1, 4), (1, 6))
    for line in written:
        folder.append_log(line)
    assert folder.read_log() == written
    folder.rewind_log(1, 4)
    assert folder.read_log() == written[:4]
    folder.rewind_log(0, 9)
    assert folder.read_log() == written[:2]
    assert [json.loads(text) for text in folder.log.read_text().splitlines()] == written[:2]


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path):
    folder = RunFolder(tmp_path)
    for line in lines((0, 1), (0, 2)):
        folder.append_log(line)
    folder.log.write_text(folder.log.read_text()[:-10])
    assert folder.read_log() == lines((0, 1))
    folder.rewind_log(0, 1)
    folder.append_log(lines((0, 2))[0])
    assert folder.read_log() == lines((0, 1), (0, 2))


def test_a_run_without_sections_of_its_own(tmp_path):
    settings = RunSettings(method="source-only")
    content = RunFolder.open(RunFolder.create(tmp_path / "one", settings, RECORD, RECIPE).path)[1]
    assert validated(RunSettings, content) == settings
