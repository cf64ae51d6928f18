"""The list of readers: built-in ones, third parties' after them, and a broken one in one line."""

import sys
import types
from importlib.metadata import EntryPoint

from click.testing import CliRunner

from seasa_da import plugins
from seasa_da.commands.methods import methods
from seasa_da.data.readers import READERS
from seasa_da.data.readers.mmwhs import MMWHSReader


class Stranger(MMWHSReader):
    name = "stranger"
    summary = "tapes"


def test_readers_are_listed_and_a_broken_one_stops_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "strangers", types.SimpleNamespace(stranger=Stranger(), other=3))
    values = {"other": "strangers:other", "stranger": "strangers:stranger", "gone": "no_such_module:x"}
    points = [EntryPoint(name, value, "seasa_da.readers") for name, value in values.items()]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "seasa_da.readers" else [])
    done = CliRunner().invoke(methods, env={"COLUMNS": "200"})
    assert done.exit_code == 0
    lines = [line.rstrip() for line in done.output.splitlines()]
    shown = lines[lines.index("reader") :]
    words = [line.split()[0] for line in shown if line and not line.startswith((" ", "not usable"))]
    assert words == ["reader", *(reader.name for reader in READERS), "stranger"]
    assert "stranger  tapes" in shown
    assert [line for line in shown if line.startswith("not usable")] == [
        "not usable: other (strangers:other is no Reader)",
        "not usable: gone (ModuleNotFoundError: No module named 'no_such_module')",
    ]
