import sys
import types
from importlib.metadata import EntryPoint

import pytest

from seasa_da import cli, plugins
from seasa_da.config import AdversarySettings, Section, ViewSettings
from seasa_da.errors import UserError
from seasa_da.registry import (
    ADDONS,
    METHODS,
    AddonSpec,
    MethodSpec,
    addon_plugins,
    compose_run,
    find_addon,
    find_method,
    method_plugins,
)
from seasa_da.spec_checks import overlays_fault


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
            "seasa_da.readers": [],
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
    assert "not usable: ../up (a name is" in out and "not usable: ours (what is built in is called so" in out


def register(monkeypatch, *specs, group="seasa_da.methods", name=None):
    """Specs as other packages' entry points, under their own names if no other is given; those before stay."""
    module = types.ModuleType(f"strangers_{group.rsplit('.')[-1]}")
    points = []
    for number, spec in enumerate(specs):
        setattr(module, f"SPEC{number}", spec)
        points.append(EntryPoint(name or spec.name, f"{module.__name__}:SPEC{number}", group))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    before = plugins.entry_points
    found = {group: points}
    monkeypatch.setattr(plugins, "entry_points", lambda group: [*found.get(group, ()), *before(group=group)])


class Late(Section):
    value: int


def theirs(sections=None, **others):
    return MethodSpec("theirs", "a stranger's", "theirs:stages", sections or {}, **others)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (MethodSpec("other", "s", "m:f"), "its spec is called 'other'; give spec and entry point the same name"),
        (MethodSpec("theirs", "two\nlines", "m:f"), "its summary must be one line"),
        (MethodSpec("theirs", "s", "module.stages"), "'module.stages' is not of the form 'module:function'"),
        (theirs({"extra": dict}), "its section 'extra' is no class of seasa_da.config.Section"),
        (theirs({"train": Extra}), "its section 'train' is one that every run has; choose another name"),
        (theirs({"section": Extra}), "its section cannot be called 'section'"),
        (theirs({"model_fields": Extra}), "its section cannot be called 'model_fields'"),
        (theirs({"recipes": Extra}), "its section cannot be called 'recipes'"),
        (theirs({"a-b": Extra}), "its section cannot be called 'a-b'"),
        (theirs({"_x": Extra}), "its section cannot be called '_x'"),
        (theirs({"views": Extra}), "its section 'views' is another's already; take seasa_da.config.ViewSettings, or"),
        (theirs({"late": Late}), "its section 'late' must have defaults that fit: 1 validation error"),
        (
            theirs({"extra": Extra}, presets={"quikc": {}}),
            "it has a preset 'quikc'; the presets are smoke, quick, paper",
        ),
        (
            theirs({"extra": Extra}, presets={"quick": {"train": {"lr": 1}}}),
            "its preset 'quick' has train; it may have",
        ),
        (theirs({"extra": Extra}, presets={"quick": {"extra": {"valeu": 2}}}), "did you mean 'extra.value'"),
        (
            theirs({"extra": Extra}, recipes={"a": {"extra": {"value": "x"}}}),
            "its recipe 'a' does not fit: setting extra",
        ),
        (theirs({"extra": Extra}, recipes={"a": {"extar": {}}}), "unknown setting 'extar'; did you mean 'extra'"),
        *(
            (theirs(None, recipes={"a": {"loss": {"aux_weight": 0.5}}, "b": overlay}), f"its recipe 'b' has {names},")
            for overlay, names in (
                ({"train": {"iterations": 9, "batch_size": 1, "lr": 1}}, "train.batch_size, train.iterations"),
                ({"train": {"iterations": 9}, "data": {"size": 64}}, "data, train.iterations"),
                ({"phantom": {"seed": 1}}, "phantom"),
                ({"model": {"backbone": "resnet18"}}, "model"),
                ({"augment": {}}, "augment"),
                ({"seed": 7, "recipe": "a"}, "recipe, seed"),
            )
        ),
        (theirs(None, recipes={"a": {"train": 3}}), "its recipe 'a' does not fit: setting train=3"),
        (theirs(None, presets=3), "AttributeError"),
    ],
)
def test_a_strangers_mistake_is_told_in_the_list_and_when_asked_for(spec, reason, monkeypatch, capsys):
    register(monkeypatch, spec, name="theirs")
    found, (broken,) = method_plugins()
    assert found == {} and reason in broken.reason and "\n" not in broken.reason
    with pytest.raises(UserError, match="'theirs' is a plug-in that is not usable") as caught:
        find_method("theirs")
    assert reason in str(caught.value)
    with pytest.raises(SystemExit) as end:
        cli.main(["methods"])
    assert not end.value.code
    # one line, however long
    assert [line for line in capsys.readouterr().out.splitlines() if "not usable" in line and reason in line]


def test_a_strangers_recipe_may_have_an_optimiser_and_a_loss_of_its_own(monkeypatch):
    recipe = {"train": {"weight_decay": 0.25, "lr": 0.5}, "loss": {"aux_weight": 0.0}, "extra": {"value": 4}}
    register(monkeypatch, theirs({"extra": Extra}, recipes={"a": recipe}))
    settings = compose_run("theirs", preset="paper")[1]
    assert (settings.train.weight_decay, settings.loss.aux_weight, settings.section("extra").value) == (0.25, 0.0, 4)


def test_the_built_in_recipes_keep_to_the_strangers_rules():
    for name, spec in METHODS.items():
        assert overlays_fault(spec.sections, spec.recipes, spec.presets) is None, name


def test_a_strangers_add_on_is_checked_too(monkeypatch):
    specs = AddonSpec("se", "s", "m:f"), AddonSpec("mine", "s", "m:f", {"se": Extra})
    register(monkeypatch, *specs, group="seasa_da.addons")
    found, broken = addon_plugins()
    assert found == {} and [plugin.name for plugin in broken] == ["se", "mine"]
    assert "take seasa_da.config.SESettings" in broken[1].reason


def test_strangers_may_share_the_built_in_sections(monkeypatch):
    register(monkeypatch, theirs({"adversary": AdversarySettings, "views": ViewSettings}))
    settings = compose_run("theirs", ["se"], preset="smoke")[1]
    assert settings.section("adversary").width == 8  # as the preset says to all


def test_two_strangers_sections_of_one_name_do_not_go_together(monkeypatch):
    class Others(Section):
        value: str = "a"

    register(monkeypatch, theirs({"extra": Extra}))
    register(monkeypatch, AddonSpec("smooth", "s", "m:f", {"extra": Others}), group="seasa_da.addons")
    with pytest.raises(UserError, match="add-on 'smooth' does not go with theirs: both have settings 'extra'"):
        compose_run("theirs", ["smooth"])
    assert compose_run("adaoutput", ["smooth"])[1].section("extra").value == "a"


def test_a_strangers_settings_have_their_defaults_unless_it_brings_presets(monkeypatch):
    """Later wins: default, recipe, its part for the preset, `--set`; the common settings are the preset's."""
    recipes = {"plain": {}, "bold": {"extra": {"value": 5}}}
    register(monkeypatch, theirs({"extra": Extra}, recipes=recipes, presets={"quick": {"extra": {"value": 2}}}))
    smooth = AddonSpec("smooth", "s", "m:f", {"smooth": Extra}, presets={"smoke": {"smooth": {"value": 7}}})
    register(monkeypatch, smooth, group="seasa_da.addons")

    def values(preset, *overrides):
        settings = compose_run("theirs", ["smooth"], preset=preset, overrides=overrides)[1]
        return settings.section("extra").value, settings.section("smooth").value

    assert values("smoke") == (1, 7) and values("paper") == (1, 1) and values("quick") == (2, 1)
    assert values("smoke", "recipe=bold") == (5, 7) and values("quick", "recipe=bold") == (2, 1)
    assert values("quick", "extra.value=3", "smooth.value=4") == (3, 4)
    assert compose_run("theirs", preset="quick")[1].train == compose_run("adaoutput", preset="quick")[1].train


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such_module:stages", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("seasa_da.errors:stages", "AttributeError: module 'seasa_da.errors' has no attribute 'stages'"),
        ("seasa_da.errors:__name__", "seasa_da.errors:__name__ is no function"),
    ],
)
def test_code_that_is_not_there_is_one_line(target, reason):
    for load, owner in (
        (MethodSpec("theirs", "s", target).load_stages, "method 'theirs' does not load"),
        (AddonSpec("smooth", "s", target).load_build, "add-on 'smooth' does not load"),
    ):
        with pytest.raises(UserError, match=owner) as caught:
            load()
        assert target in str(caught.value) and reason in str(caught.value) and "\n" not in str(caught.value)
