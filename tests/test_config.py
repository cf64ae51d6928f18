import pytest
import yaml

from seasa_da import config
from seasa_da.config import (
    PRESETS,
    AdversarySettings,
    RunSettings,
    Section,
    SESettings,
    compose,
    load_config_file,
    load_preset,
    merge,
    parse_assignments,
    setting_names,
    settings_model,
    validated,
)
from seasa_da.errors import UserError
from seasa_da.registry import ADDONS, METHODS

OURS = METHODS["ours"]


def compose_ours(*overrides, preset="paper", recipes=OURS.recipes, config_file=None, **top):
    top = {"method": "ours", "preset": preset, **top}
    return compose(top, OURS.sections, recipes=recipes, config_file=config_file, overrides=overrides)


def refused(*overrides, **others):
    """The one line that a user reads."""
    with pytest.raises(UserError) as caught:
        compose_ours(*overrides, **others)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_later_layers_win(tmp_path, monkeypatch):
    names = ["weight_decay", "momentum", "lr", "poly_power", "head_lr_factor", "log_every"]

    def layer(first, value):
        return {"train": dict.fromkeys(names[first:], value)}

    # Each layer sets what the later ones set too, and one setting more; 0 < values so that all are allowed.
    recipes = {"plain": {}, "mine": layer(1, 0.1)}
    preset = {**layer(2, 0.2), "recipes": {"mine": layer(3, 0.3), "plain": layer(0, 0.9)}}
    monkeypatch.setattr(config, "load_preset", lambda name: preset | {})
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(layer(4, 0.4) | {"recipe": "mine"}))
    settings = compose_ours("train.log_every=5", recipes=recipes, config_file=tmp_path / "mine.yaml")
    assert [getattr(settings.train, name) for name in names] == [1e-4, 0.1, 0.2, 0.3, 0.4, 5]
    assert settings.recipe == "mine"


def test_the_first_recipe_is_the_default_and_set_chooses_another():
    assert compose_ours().recipe == "paper"
    assert compose_ours("recipe=released-code").recipe == "released-code"


def test_the_file_lies_under_set(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("train: {lr: 0.5, momentum: 0.5}\nse: {weight: 3}\n")
    settings = compose_ours("train.lr=0.25", config_file=path)
    assert (settings.train.lr, settings.train.momentum, settings.se.weight) == (0.25, 0.5, 3.0)


def test_the_runs_own_fields_are_kept():
    settings = compose_ours(preset="smoke", seed=7, src="a", tgt="b", addons=("x",), weights=None)
    assert (settings.method, settings.seed, settings.src, settings.tgt) == ("ours", 7, "a", "b")
    assert (settings.preset, settings.addons, settings.weights) == ("smoke", ("x",), None)


def test_the_papers_numbers():
    settings = compose_ours()
    train, views = settings.train, settings.views
    assert settings.preset == "paper"
    assert settings.recipe == "paper"
    assert settings.data.size == 256
    assert settings.model.backbone == "resnet101"
    assert settings.model.head_dilations == (6, 12, 18, 24)
    assert settings.model.stem_pool == "ceil"
    assert (train.batch_size, train.iterations) == (4, 50_000)
    assert (train.lr, train.momentum, train.weight_decay, train.poly_power) == (2.5e-4, 0.9, 1e-4, 0.9)
    assert settings.adversary.lr == 1e-4
    assert (settings.adversary.network, settings.adversary.width, settings.adversary.input) == ("patchgan", 64, "probs")
    assert (views.n, views.mu) == (3, 0.8)
    assert settings.asa.alpha == 0.01
    assert (settings.adversary.weight, settings.asa.weight, settings.se.weight) == (0.003, 0.1, 1.0)
    assert (settings.se.start, settings.asa.start) == (0, 0)
    assert (settings.se.minimise, settings.se.maximise) == ("reliable", "unreliable")
    assert settings.asa.remove_unreliable
    assert settings.asa.distance == "l2"
    assert settings.train.precision == "no"


def test_the_released_codes_numbers():
    settings = compose_ours("recipe=released-code")
    assert (settings.views.n, settings.views.mu) == (5, 1.0)
    assert (settings.views.brightness, settings.views.contrast, settings.views.blur_probability) == (0.9, 0.9, 0.0)
    assert settings.adversary.input == "self-information"
    assert (settings.adversary.weight, settings.adversary.aux_weight) == (0.003, 2e-5)
    assert (settings.train.weight_decay, settings.loss.dice_weight, settings.loss.aux_weight) == (5e-4, 1.0, 0.1)
    assert (settings.asa.weight, settings.asa.distance, settings.asa.alpha) == (1.0, "mse", 0.01)
    assert not settings.asa.remove_unreliable
    assert settings.se.gradient == "augmented"
    # What it does not name is the paper's.
    assert (settings.train.lr, settings.train.iterations, settings.se.weight) == (2.5e-4, 50_000, 1.0)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("method", METHODS)
def test_every_preset_fits_every_method(preset, method):
    spec = METHODS[method]
    for recipe in spec.recipes or [None]:
        overrides = [f"recipe={recipe}"] if recipe else []
        settings = compose(
            {"method": method, "preset": preset}, spec.sections, recipes=spec.recipes, overrides=overrides
        )
        assert (settings.method, settings.preset, settings.recipe) == (method, preset, recipe)
        own = set(type(settings).model_fields) - set(RunSettings.model_fields)
        assert own == set(spec.sections)
        laid = load_preset(preset)
        laid = merge(laid, laid.get("recipes", {}).get(recipe, {}))
        for name in ("data", "model", "train", *own):
            for key, value in laid.get(name, {}).items():
                found = getattr(settings.section(name), key)
                assert (list(found) if isinstance(found, tuple) else found) == value


@pytest.mark.parametrize("preset", PRESETS)
def test_addons_bring_their_sections(preset):
    sections = {**METHODS["adaoutput"].sections, **ADDONS["se"].sections}
    settings = compose({"method": "adaoutput", "preset": preset, "addons": ("se",)}, sections)
    assert {"adversary", "views", "se"} == set(type(settings).model_fields) - set(RunSettings.model_fields)


def test_presets_are_small_smaller_and_the_papers():
    smoke, quick, paper = (compose_ours(preset=name) for name in ("smoke", "quick", "paper"))
    assert smoke.train.iterations < quick.train.iterations < paper.train.iterations
    assert smoke.data.size < quick.data.size < paper.data.size


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("train.iteration=5", "train.iterations"),
        ("trian.iterations=5", "train"),
        ("iterations=5", "train.iterations"),
        ("views.nn=5", "views.n"),
        ("se.wieght=1", "se.weight"),
    ],
)
def test_a_wrong_name_gets_the_nearest(override, nearest):
    message = refused(override)
    assert override.split("=")[0].split(".")[0] in message
    assert f"did you mean '{nearest}" in message


def test_settings_of_other_methods_are_unknown():
    with pytest.raises(UserError, match="unknown setting 'se'"):
        compose({"method": "adaoutput", "preset": "smoke"}, METHODS["adaoutput"].sections, overrides=["se.weight=1"])


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("train.iterations=0", ["train.iterations=0", "greater than or equal to 1"]),
        ("train.iterations=many", ["train.iterations='many'", "integer"]),
        ("train.iterations=2.5", ["train.iterations=2.5", "integer"]),
        ("train.lr=-1", ["train.lr=-1", "greater than 0"]),
        ("train.lr=.nan", ["train.lr=nan", "finite"]),
        ("train.lr=.inf", ["train.lr=inf", "finite"]),
        ("train.lr=", ["train.lr=None"]),
        ("train.precision=fp8", ["train.precision='fp8'", "bf16"]),
        ("train.momentum=1", ["train.momentum=1", "less than 1"]),
        ("views.mu=1.5", ["views.mu=1.5"]),
        ("se.gradient=both", ["se.gradient='both'", "one-view"]),
        ("asa.alpha=0", ["asa.alpha=0"]),
        ("model.head_dilations=[]", ["model.head_dilations=[]"]),
        ("model.head_dilations=[a]", ["model.head_dilations.0='a'"]),
        ("train=5", ["train=5"]),
        ("seed=many", ["seed"]),
    ],
)
def test_a_value_that_does_not_fit_is_shown(override, parts):
    message = refused(override)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize("override", ["views.n=4", "views.n=0", "views.n=2"])
def test_an_even_number_of_views_is_refused(override):
    assert "views.n" in refused(override)


@pytest.mark.parametrize("override", ["recipe=papr", "recipe=[paper]", "recipe=3"])
def test_a_wrong_recipe_is_refused(override):
    message = refused(override)
    assert "unknown recipe" in message
    assert "paper, released-code" in message
    if override == "recipe=papr":
        assert "did you mean 'paper'" in message


def test_a_method_without_recipes_has_none():
    with pytest.raises(UserError, match="adaoutput has no recipes"):
        compose({"method": "adaoutput", "preset": "smoke"}, METHODS["adaoutput"].sections, overrides=["recipe=paper"])


@pytest.mark.parametrize("override", ["seed=5", "preset=smoke", "src=other", "method=adaoutput", "addons=[se]"])
def test_what_has_an_option_of_its_own_cannot_be_set(override):
    """It would be laid under the option's value, and have no effect without a word."""
    name = override.split("=")[0]
    message = refused(override, seed=0, src="ct", addons=())
    assert repr(name) in message
    assert "option" in message


def test_an_unknown_preset_is_refused():
    with pytest.raises(UserError, match="unknown preset 'quik'; did you mean 'quick'"):
        load_preset("quik")


def test_assignments():
    texts = ["train.iterations=2000", "train.lr=1e-3", "a.b.c=[1, x]", "name=", "flag=true", "text=a=b", " spaced = 1 "]
    assert parse_assignments(texts) == {
        "train": {"iterations": 2000, "lr": "1e-3"},  # YAML 1.1 wants 1.0e-3; pydantic reads the text
        "a": {"b": {"c": [1, "x"]}},
        "name": None,
        "flag": True,
        "text": "a=b",
        "spaced": 1,
    }
    assert compose_ours("train.lr=1e-3").train.lr == 1e-3
    assert parse_assignments(["a=1", "a=2"]) == {"a": 2}


@pytest.mark.parametrize("text", ["train.lr", "", "=5", ".lr=5", "train.=5", "train..lr=5"])
def test_text_that_is_no_assignment_is_refused(text):
    with pytest.raises(UserError, match="name=value"):
        parse_assignments([text])


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["train.lr=[1"], "not a valid value"),
        (["train=5", "train.lr=1"], "already given"),
        (["a='"], "not a valid value"),
    ],
)
def test_values_that_cannot_be_read_are_refused(texts, reason):
    with pytest.raises(UserError, match=reason) as caught:
        parse_assignments(texts)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot read"),
        (b"a: [1", "not valid YAML"),
        (b"\xff\xfe\x00", "not valid YAML"),
        (b"- a\n- b", "not a list"),
        (b"words", "not a str"),
        (b"!!python/object/apply:os.getcwd []", "not valid YAML"),
    ],
)
def test_a_config_file_that_cannot_be_used_is_named(tmp_path, content, reason):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as caught:
        load_config_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_config_file_changes_nothing(tmp_path):
    (tmp_path / "mine.yaml").write_text("# nothing\n")
    assert load_config_file(tmp_path / "mine.yaml") == {}


def test_merge_changes_neither():
    base, overlay = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 5}, "d": {"e": 1}}
    assert merge(base, overlay) == {"a": {"b": 1, "c": 5}, "d": {"e": 1}}
    assert base == {"a": {"b": 1, "c": 2}, "d": 3}
    assert overlay == {"a": {"c": 5}, "d": {"e": 1}}


@pytest.mark.parametrize("method", METHODS)
def test_settings_survive_yaml(method):
    spec = METHODS[method]
    settings = compose({"method": method, "preset": "smoke", "seed": 4}, spec.sections, recipes=spec.recipes)
    text = yaml.safe_dump(settings.model_dump(mode="json"))
    again = validated(settings_model(spec.sections), yaml.safe_load(text))
    assert again.model_dump() == settings.model_dump()


def test_setting_names_are_dotted():
    names = setting_names(settings_model({"se": SESettings}))
    assert {"seed", "train", "train.lr", "data.size", "se.weight"} <= set(names)
    assert len(names) == len(set(names))
    assert "views.n" not in names


def test_a_section_is_found_by_name():
    settings = settings_model({"adversary": AdversarySettings})(method="x")
    assert settings.section("adversary") is settings.adversary
    with pytest.raises(KeyError, match="'se' is not among the settings of method 'x'"):
        settings.section("se")


def test_every_setting_is_explained():
    sections = {name: cls for spec in (*METHODS.values(), *ADDONS.values()) for name, cls in spec.sections.items()}
    fields = settings_model(sections).model_fields
    groups = [
        f.annotation for f in fields.values() if isinstance(f.annotation, type) and issubclass(f.annotation, Section)
    ]
    unexplained = [
        f"{group.__name__}.{name}"
        for group in groups
        for name, field in group.model_fields.items()
        if not field.description and name not in ("momentum", "weight_decay")
    ]
    assert len(groups) == 8 + len(sections)
    assert unexplained == []


def test_settings_do_not_change():
    settings = compose_ours()
    with pytest.raises(ValueError, match="frozen"):
        settings.train.lr = 1.0
