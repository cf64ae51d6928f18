from importlib.metadata import EntryPoint

import pytest

from seasa_da import plugins


def points(monkeypatch, *pairs):
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [EntryPoint(name, value, group) for name, value in pairs]
    )


def test_what_loads_and_is_of_the_kind_is_found(monkeypatch):
    points(monkeypatch, ("good", "builtins:True"))
    assert plugins.plugins("any", bool) == ({"good": True}, [])


def test_what_does_not_is_one_line_each(monkeypatch):
    points(monkeypatch, ("gone", "no_such_module:x"), ("other", "builtins:True"), ("-x", "builtins:True"))
    found, broken = plugins.plugins("any", str)
    assert found == {}
    assert [(plugin.name, plugin.reason) for plugin in broken] == [
        ("gone", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("other", "builtins:True is no str"),
        ("-x", "a name is of letters, digits, _ . and -, no sign first"),
    ]


def test_one_name_of_two_packages_is_neithers(monkeypatch):
    """Which of them is meant would depend on the order of folders on the path; the same twice is no matter."""
    points(monkeypatch, ("two", "builtins:True"), ("same", "builtins:True"), ("two", "builtins:False"))
    assert plugins.plugins("any", bool)[0] == {"same": True}
    (broken,) = plugins.plugins("any", bool)[1]
    assert broken.name == "two"
    assert broken.reason == "it is registered more than once: builtins:False, builtins:True; uninstall all but one"
    points(monkeypatch, ("same", "builtins:True"), ("same", "builtins:True"))
    assert plugins.plugins("any", bool) == ({"same": True}, [])


def test_what_has_a_fault_is_not_usable(monkeypatch):
    points(monkeypatch, ("good", "builtins:True"), ("bad", "builtins:False"))
    found, broken = plugins.plugins("any", bool, lambda name, spec: None if spec else f"{name} is false")
    assert found == {"good": True}
    assert [(plugin.name, plugin.reason) for plugin in broken] == [("bad", "bad is false")]


def test_a_check_that_fails_takes_nobody_along(monkeypatch):
    points(monkeypatch, ("good", "builtins:True"), ("bad", "builtins:False"))
    found, broken = plugins.plugins("any", bool, lambda name, spec: None if spec else spec.keys())
    assert found == {"good": True}
    assert broken[0].reason.startswith("AttributeError: 'bool' object has no attribute 'keys'")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\nraise RuntimeError('two\\nlines')\n", "RuntimeError: two lines ({path}, line 2)"),
        ("import sys\nsys.exit('no')\n", "SystemExit: no ({path}, line 2)"),
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module' ({path}, line 1)"),
    ],
)
def test_a_module_that_fails_is_told_with_its_line(text, reason, monkeypatch, tmp_path):
    path = tmp_path / "strangers_module.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    points(monkeypatch, ("theirs", "strangers_module:SPEC"), ("good", "builtins:True"))
    found, (broken,) = plugins.plugins("any", bool)
    assert found == {"good": True} and broken.reason == reason.format(path=path)
