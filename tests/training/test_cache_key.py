import hashlib
import importlib
import inspect
import sys
from pathlib import Path

import pytest

import seasa_da
from seasa_da.baselines.warm_up import build_source_only
from seasa_da.training.cache_key import code_digest, package_digest
from seasa_da.training.stage_cache import _code_of


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A package of two modules; what `build` calls stands in the other one."""
    folder = tmp_path / "strangers_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "stages.py").write_text(
        "from strangers_package import nets\n\n\ndef build(context):\n    return nets.net()\n"
    )
    (folder / "nets.py").write_text("def net():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.startswith("strangers_")]:
        del sys.modules[name]


def digest_of(build):
    package_digest.cache_clear()  # as in the next process
    return _code_of(build)


def test_a_change_anywhere_in_a_strangers_package_changes_the_key(stranger):
    build = importlib.import_module("strangers_package.stages").build
    before = digest_of(build)
    (stranger / "data.txt").write_text("no code")
    assert digest_of(build) == before
    (stranger / "nets.py").write_text("def net():\n    return 2\n")
    after = digest_of(build)
    assert after != before
    (stranger / "deep").mkdir()
    (stranger / "deep" / "more.py").write_text("")
    assert digest_of(build) not in (before, after)


def test_a_strangers_single_file_counts_alone(stranger):
    file = stranger.parent / "strangers_file.py"
    file.write_text("def build(context):\n    return 1\n")
    build = importlib.import_module("strangers_file").build
    assert digest_of(build) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_of_this_package_the_file_counts_as_its_digest_has_the_rest():
    file = Path(inspect.getfile(build_source_only))
    assert Path(seasa_da.__file__).parent in file.parents
    assert _code_of(build_source_only) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert package_digest("seasa_da.layers") == code_digest()
