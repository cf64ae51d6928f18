from importlib.metadata import EntryPoint

import pytest

from seasa_da import cli, plugins
from seasa_da.config import Section
from seasa_da.errors import UserError
from seasa_da.registry import ADDONS, METHODS, AddonSpec, MethodSpec, find_addon, find_method


def test_names_are_what_is_typed():
    assert {"source-only", "supervised", "adaoutput", "ours"} <= METHODS.keys()
    assert {"se", "asa"} <= ADDONS.keys()
    for table in (METHODS, ADDONS):
        assert all(name == spec.name for name, spec in table.items())
        assert all(spec.summary and "\n" not in spec.summary for spec in table.values())


@pytest.mark.parametrize("name", METHODS)
def test_every_methods_stages_load(name):
    assert callable(find_method(name).load_stages())


@pytest.mark.parametrize("name", ADDONS)
def test_every_addons_hook_loads(name):
    assert callable(find_addon(name).load_build())


def test_only_the_upper_bound_is_an_oracle():
    assert [name for name, spec in METHODS.items() if spec.oracle] == ["supervised"]


def test_who_refuses_addons():
    assert {name for name, spec in METHODS.items() if spec.refuses_addons} == {
        "source-only",
        "supervised",
        "cyclegan",
        "pnp-adanet",
        "ours",
    }


def test_the_recipes_of_ours():
    assert list(METHODS["ours"].recipes) == ["paper", "released-code"]
    assert METHODS["ours"].recipes["paper"] == {}
    assert [name for name, spec in METHODS.items() if spec.recipes] == ["sifa-v1", "ours", "advent", "mpscl"]


@pytest.mark.parametrize(
    ("find", "name", "nearest"),
    [
        (find_method, "our", "ours"),
        (find_method, "adaoutputs", "adaoutput"),
        (find_method, "source_only", "source-only"),
        (find_addon, "sse", "se"),
    ],
)
def test_a_wrong_name_gets_the_nearest(find, name, nearest):
    with pytest.raises(UserError, match=f"did you mean '{nearest}'") as caught:
        find(name)
    assert repr(name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_like_no_other_gets_the_list():
    with pytest.raises(UserError) as caught:
        find_method("xyzzy")
    assert "did you mean" not in str(caught.value)
    assert "adaoutput" in str(caught.value)


class Extra(Section):
    value: int = 1


THEIRS = MethodSpec("theirs", "a stranger's", "theirs:stages", {"extra": Extra})
THEIR_ADDON = AddonSpec("smooth", "a stranger's", "theirs:smooth")


def fail():
    raise AttributeError("never reached")


@pytest.fixture
def strangers(monkeypatch):
    """Entry points as other packages would register them: one good, four broken, of each group."""
    here = __name__

    def entry_points(group):
        found = {
            "seasa_da.methods": [("theirs", f"{here}:THEIRS"), ("ours", f"{here}:THEIRS")],
            "seasa_da.addons": [("smooth", f"{here}:THEIR_ADDON")],
        }[group]
        broken = [("gone", "no_such_module:x"), ("lost", f"{here}:nothing"), ("odd", f"{here}:fail")]
        broken.append(("../up", f"{here}:THEIRS"))
        return [EntryPoint(name, value, group) for name, value in [*broken, *found]]

    monkeypatch.setattr(plugins, "entry_points", entry_points)


@pytest.mark.usefixtures("strangers")
def test_strangers_methods_join():
    assert find_method("theirs") is THEIRS
    assert find_addon("smooth") is THEIR_ADDON
    with pytest.raises(UserError, match="did you mean 'theirs'"):
        find_method("their")


@pytest.mark.usefixtures("strangers")
def test_a_stranger_does_not_replace_what_is_built_in():
    assert find_method("ours") is METHODS["ours"]


@pytest.mark.usefixtures("strangers")
def test_broken_strangers_are_told_and_the_others_stay():
    found, broken = plugins.plugins("seasa_da.methods", MethodSpec)
    assert found.keys() == {"theirs", "ours"}
    assert {plugin.name: plugin.reason.split(":")[0] for plugin in broken} == {
        "gone": "ModuleNotFoundError",
        "lost": "AttributeError",
        "odd": f"{__name__}",
        "../up": "a name is of letters, digits, _ . and -, no sign first",
    }
    assert not any("\n" in plugin.reason for plugin in broken)
    # A method that stands in the add-ons' group is none.
    assert [plugin.name for plugin in plugins.plugins("seasa_da.addons", MethodSpec)[1]][-2:] == ["../up", "smooth"]


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize(("name", "reason"), [("gone", "No module named 'no_such_module'"), ("../up", "no sign first")])
def test_a_broken_stranger_asked_for_by_name_says_why(name, reason):
    for find in (find_method, find_addon):
        with pytest.raises(UserError, match="not usable") as caught:
            find(name)
        assert reason in str(caught.value) and "unknown" not in str(caught.value)


@pytest.mark.usefixtures("strangers")
def test_strangers_are_listed_and_what_is_built_in_goes_before_them(capsys):
    with pytest.raises(SystemExit):
        cli.main(["methods"])
    out = capsys.readouterr().out
    assert "SE + ASA on the output adversary" in out and out.count("a stranger's") == 2
    assert "not usable: ../up (a name is" in out
