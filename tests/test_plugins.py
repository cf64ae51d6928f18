from importlib.metadata import EntryPoint

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
