import errno
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from seasa_da.comparison.common import Common
from seasa_da.comparison.manifest import FILE, extend_manifest, locked, read_manifest
from seasa_da.comparison.plan import make_plan
from seasa_da.comparison.rows import Row, parse_rows
from seasa_da.errors import UserError

SMOKE = Common(preset="smoke", overrides=("train.lr=0.5",), config={"model": {"head_dilations": [1, 2]}})
DATA = {"ct to mri": {"class_names": ["AA"], "training": "1", "scoring": "2"}}


def plan_of(methods, seeds=(0,), both=False):
    return make_plan(parse_rows(methods.split(",")), "ct", "mri", seeds, both=both)


def test_it_is_read_as_it_was_written(tmp_path):
    assert read_manifest(tmp_path / "new") is None
    made = extend_manifest(tmp_path / "new", SMOKE, plan_of("ours,adaoutput+se", (1, 0)), DATA)
    assert read_manifest(tmp_path / "new") == made
    assert [row.name for row in made.plan.rows] == ["ours", "adaoutput+se"] and made.plan.seeds == (0, 1)
    before = (tmp_path / "new" / FILE).stat().st_mtime_ns
    extend_manifest(tmp_path / "new", SMOKE, plan_of("ours"), DATA)
    assert (tmp_path / "new" / FILE).stat().st_mtime_ns == before


def test_more_rows_seeds_and_directions_join(tmp_path):
    extend_manifest(tmp_path, SMOKE, plan_of("ours,adaoutput+se"), DATA)
    more = {"mri to ct": {"class_names": ["AA"], "training": "3", "scoring": "4"}}
    manifest = extend_manifest(tmp_path, SMOKE, plan_of("source-only", (2, 1), both=True), {**DATA, **more})
    assert [row.name for row in manifest.plan.rows] == ["source-only", "ours", "adaoutput+se"]
    assert manifest.plan.seeds == (0, 1, 2)
    assert [str(direction) for direction in manifest.plan.directions] == ["ct to mri", "mri to ct"]
    assert manifest.data == {**DATA, **more}


@pytest.mark.parametrize(
    ("common", "data", "message"),
    [
        (Common(preset="quick", overrides=SMOKE.overrides, config=SMOKE.config), DATA, "preset: 'smoke', here 'quick'"),
        (Common(preset="smoke", config=SMOKE.config), DATA, "overrides: "),
        (SMOKE, {"ct to mri": {**DATA["ct to mri"], "training": "5"}}, "data of .* changed"),
    ],
)
def test_other_settings_or_data_are_refused_in_one_line(tmp_path, common, data, message):
    extend_manifest(tmp_path, SMOKE, plan_of("ours"), DATA)
    before = (tmp_path / FILE).read_text()
    with pytest.raises(UserError, match=message) as caught:
        extend_manifest(tmp_path, common, plan_of("adaoutput"), data)
    assert "\n" not in str(caught.value)
    assert (tmp_path / FILE).read_text() == before


def test_a_row_keeps_its_settings(tmp_path):
    extend_manifest(tmp_path, SMOKE, plan_of("ours"), DATA)
    changed = make_plan([Row("ours", "ours", overrides=("se.weight=0",))], "ct", "mri", [0])
    with pytest.raises(UserError, match="row 'ours' of other settings"):
        extend_manifest(tmp_path, SMOKE, changed, DATA)


def test_folders_of_others_are_refused(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        read_manifest(tmp_path)
    for text, message in (("{", "not valid JSON"), ("{}", "not the record"), ("[]", "not the record")):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(UserError, match=message):
            read_manifest(tmp_path)
    extend_manifest(tmp_path / "new", SMOKE, plan_of("ours"), DATA)
    content = json.loads((tmp_path / "new" / FILE).read_text())
    for change, message in (({"version": 2}, "version 2"), ({"rows": [{}]}, "damaged")):
        (tmp_path / "new" / FILE).write_text(json.dumps({**content, **change}))
        with pytest.raises(UserError, match=message):
            read_manifest(tmp_path / "new")


def test_a_file_system_without_locks_is_one_line(tmp_path, monkeypatch):
    def refuse(file, how):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(UserError, match=r"cannot lock .*\.compare\.json\.lock: Operation not supported") as caught:
        extend_manifest(tmp_path / "new", SMOKE, plan_of("ours"), DATA)
    assert "\n" not in str(caught.value)


def test_an_error_under_the_lock_is_not_one_of_the_lock(tmp_path):
    with pytest.raises(OSError, match="else"), locked(tmp_path):
        raise OSError("something else")


def test_shards_that_start_at_once_lose_nothing(tmp_path):
    folder = tmp_path / "new"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: extend_manifest(folder, SMOKE, plan_of("ours", (seed,)), DATA), range(16)))
    manifest = read_manifest(folder)
    assert manifest is not None and manifest.plan.seeds == tuple(range(16))
