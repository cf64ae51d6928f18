"""Settings and command lines of any words: a mistake in one line, and nothing written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seasa_da import cli
from seasa_da.errors import UserError
from seasa_da.registry import ADDONS, METHODS, compose_run

from .damage import CONTENTS, NAMES, json_of, listing

WORDS = st.one_of(
    NAMES,
    st.text(max_size=12),
    st.sampled_from(
        ["ours", "ct", "mri", "1e999", "nan", "-1", "0", "99999999999999999999", "[1,2]", "{a: b}", "ou rs"]
    ),
)
SETTING_NAMES = sorted(
    f"{section}.{name}"
    for section, field in compose_run("ours")[1].__class__.model_fields.items()
    if hasattr(field.annotation, "model_fields")
    for name in field.annotation.model_fields
)


@given(
    st.sampled_from(sorted(METHODS)),
    st.lists(st.sampled_from(sorted(ADDONS)), max_size=2),
    st.lists(st.tuples(st.one_of(st.sampled_from(SETTING_NAMES), WORDS), st.one_of(WORDS, CONTENTS)), max_size=3),
)
def test_settings_as_words(
    case: Callable[[], Any], method: str, addons: list[str], given_: list[tuple[str, Any]]
) -> None:
    with case():
        try:
            compose_run(method, addons, overrides=[f"{name}={value}" for name, value in given_])
        except UserError as error:
            assert "\n" not in str(error)


@given(st.data())
def test_settings_as_a_file(case: Callable[[], Any], tmp_path: Path, data: st.DataObject) -> None:
    content = compose_run("ours")[1].model_dump(mode="json")
    file = tmp_path / "config.yaml"
    if data.draw(st.booleans()):
        file.write_text(yaml.safe_dump(data.draw(json_of(content))), encoding="utf-8", errors="surrogatepass")
    else:
        file.write_bytes(data.draw(st.binary(max_size=40)))
    with case():
        try:
            compose_run("ours", config=file)
        except UserError as error:
            assert "\n" not in str(error)


def commands(command: click.Command, words: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Every verb with the words that lead to it."""
    if not isinstance(command, click.Group):
        return [(words, command)]
    context = click.Context(command)
    inner = ((name, command.get_command(context, name)) for name in command.list_commands(context))
    return [found for name, one in inner if one is not None for found in commands(one, (*words, name))]


VERBS = commands(cli.cli)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    words, command = draw(st.sampled_from(VERBS))
    line = list(words)
    paths = st.sampled_from(["nothing", "file.txt", "folder", "folder/..", "bad.nii.gz", "store", "no/such/place"])
    values = st.one_of(paths, WORDS)
    for option in draw(st.lists(st.sampled_from(command.params), max_size=4) if command.params else st.just([])):
        if isinstance(option, click.Option):
            line.append(draw(st.sampled_from(option.opts + option.secondary_opts)))
            if not option.is_flag:
                line.append(draw(values))
        else:
            line.append(draw(paths))
    if draw(st.integers(0, 3)) == 0:
        line.insert(draw(st.integers(0, len(line))), draw(WORDS))
    return line


@given(command_lines())
def test_command_lines(case: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory, line: list[str]) -> None:
    """Nothing is trained: what would be is stopped where the run's folder would be made."""
    folder = tmp_path_factory.mktemp("words")
    (folder / "here").mkdir()
    here = folder / "here"
    (here / "file.txt").write_text("words")
    (here / "bad.nii.gz").write_bytes(b"\x1f\x8b\x08nothing")
    (here / "folder").mkdir()
    (here / "store").mkdir()
    (here / "store" / "manifest.json").write_text('{"format": "seasa-da slice store", "version": 2}')
    before = listing(folder)
    with case(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        patch.setenv("SEASA_DA_CACHE", str(here / "cache"))
        patch.setenv("MLFLOW_TRACKING_URI", "none")
        patch.setattr(os, "execv", _end)
        for place in ("seasa_da.training.run.train", "seasa_da.comparison.run.make_tables"):
            patch.setattr(place, _end)
        patch.setattr("seasa_da.comparison.compare.make_tables", _end, raising=False)
        patch.setattr("seasa_da.comparison.ablate.make_tables", _end, raising=False)
        patch.setattr("seasa_da.data.phantom.make_phantom", _end)
        with pytest.raises(SystemExit) as end:
            cli.main(line)
    assert end.value.code in (0, 1, 2), line
    assert {path for path in listing(folder) - before if not path.startswith("here/")} == set()


def _end(*args: Any, **options: Any) -> None:
    raise UserError("this far and no further")
