import json

import pytest

from seasa_da.data.recipe import Recipe
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError


@pytest.fixture
def recipe(store_folder):
    return Recipe.of_store(SliceStore.open(store_folder), "ct", "mri", ("AA", "MYO"))


@pytest.fixture
def file(recipe, tmp_path):
    path = tmp_path / "inference.json"
    path.write_text(recipe.model_dump_json())
    return path


def test_it_has_what_the_store_knows(recipe, store_folder):
    store = SliceStore.open(store_folder)
    assert (recipe.axis, recipe.data, recipe.src, recipe.tgt) == (store.axis, store.settings, "ct", "mri")
    for name in ("ct", "mri"):
        own, info = recipe.domain(name), store.domain(name)
        assert own.channels == info.channels and own.label_names == info.label_names
    assert recipe.domain() is recipe.domains["mri"]
    assert recipe.label_values() == (0, 820, 205) == recipe.label_values("ct")


def test_it_survives_the_file(recipe, file):
    assert Recipe.read(file) == recipe


def test_an_unlabelled_domain_takes_the_sources_values(recipe):
    blind = recipe.domains["mri"].model_copy(update={"label_names": (), "label_values": ()})
    blind = recipe.model_copy(update={"domains": {**recipe.domains, "mri": blind}})
    assert blind.label_values() == (0, 820, 205)


def test_an_unknown_domain_is_one_line(recipe):
    with pytest.raises(UserError, match="the run knows no domain 'pet'; it adapts ct to mri"):
        recipe.domain("pet")


def broken(key, value):
    def change(content):
        content[key] = value
        return json.dumps(content)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: "{", "is not valid JSON"),
        (lambda content: "[]", "is not a seasa-da inference recipe"),
        (broken("format", "other"), "is not a seasa-da inference recipe"),
        (broken("version", 2), "is of version 2, this release reads 1"),
        (broken("axis", "diagonal"), "is damaged at axis"),
        (broken("extra", 1), "is damaged at extra"),
        (broken("tgt", "pet"), "does not describe both domains"),
        (broken("class_names", ["AA", "spleen"]), "does not know the value of 'spleen'"),
    ],
)
def test_a_damaged_file_is_one_line(file, change, message):
    file.write_text(change(json.loads(file.read_text())))
    with pytest.raises(UserError, match=message) as caught:
        Recipe.read(file)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_without_one_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"inference\.json does not exist: the run was made by an older release"):
        Recipe.read(tmp_path / "inference.json")
