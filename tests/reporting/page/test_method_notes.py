import importlib

import pytest

from seasa_da.registry import METHODS
from seasa_da.reporting.page.method_notes import method_notes

TEXT = """CRST: a line.

Paper: Somebody, "A Title: with a colon", 2019. Authors' code: example/code (facts read).

From the paper: eq. 4 and
5. From the authors' code (recipe `x`): a weight of 0.1.
Our choice, where both are silent: nothing else. More of it.

A last paragraph.

| | |
|---|---|
| models | `G`, `C` |
| stages | `adapt` |
"""


def test_parts():
    notes = method_notes("crst", TEXT)
    assert notes.title == "CRST: a line."
    assert notes.sources == [
        'Paper: Somebody, "A Title: with a colon", 2019. Authors\' code: example/code (facts read).'
    ]
    assert notes.parts == [
        ("From the paper", "eq. 4 and 5."),
        ("From the authors' code (recipe `x`)", "a weight of 0.1."),
        ("Our choice, where both are silent", "nothing else. More of it."),
    ]
    assert notes.rest == ["A last paragraph."]
    assert [[cell.text for cell in row] for row in notes.table.rows] == [["models", "`G`, `C`"], ["stages", "`adapt`"]]


def test_nothing_is_left_out_of_a_text_without_marks():
    notes = method_notes("mine", "Mine.\n\nOne paragraph.\n\nAnother.")
    assert (notes.title, notes.sources, notes.parts) == ("Mine.", ["One paragraph.", "Another."], [])
    assert notes.table is None


@pytest.mark.parametrize("name", METHODS)
def test_every_method_says_what_is_our_choice(name):
    text = importlib.import_module(METHODS[name].stages.partition(":")[0]).__doc__
    notes = method_notes(name, text)
    assert any(mark.startswith("Our choice") for mark, _ in notes.parts)
    words = " ".join([*notes.sources, *(f"{mark}: {said}" for mark, said in notes.parts), *notes.rest])
    body = " ".join(line for line in text.split("\n")[1:] if not line.startswith("|"))
    assert sorted(words.split()) == sorted(body.split())
