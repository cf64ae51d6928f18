import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from reporting.page.pages import page
from seasa_da.reporting.page.render import render

VOID = {"meta", "link", "img", "input", "br", "path", "rect", "circle"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"


class Parsed(HTMLParser):
    """Elements as (name, attributes, text so far), and whether they close in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data):
        for place in self.open:
            self.elements[place][2] += data

    def all(self, *tags):
        return [element for element in self.elements if element[0] in tags]


@pytest.fixture(scope="module")
def parsed():
    return Parsed(render(page()))


def test_the_policy_allows_just_its_own_style_and_script(parsed):
    (policy,) = [a["content"] for _, a, _ in parsed.all("meta") if "http-equiv" in a]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for kind in ("style", "script"):
        (element,) = parsed.all(kind)
        digest = base64.b64encode(hashlib.sha256(element[2].encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"


def test_nothing_is_loaded_from_elsewhere(parsed):
    for tag, attributes, _ in parsed.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
    style = parsed.all("style")[0][2]
    assert all(address.startswith("data:") for address in re.findall(r"url\(([^)]*)\)", style))
    assert "@import" not in style


def test_hostile_names_are_text():
    text = render(page(name=HOSTILE, case=HOSTILE))
    parsed = Parsed(text)
    assert len(parsed.all("script")) == 1
    assert all(attributes["src"].startswith("data:") for _, attributes, _ in parsed.all("img"))
    assert "49" not in parsed.all("h1")[0][2]
    assert HOSTILE in parsed.all("h1")[0][2]
    assert any(HOSTILE in element[2] for element in parsed.all("summary"))


def test_sorting_keys_are_numbers_and_missing_ones_have_none(parsed):
    cells = [a.get("data-sort") for tag, a, _ in parsed.elements if tag in ("td", "th") and a.get("scope") != "col"]
    assert cells[:4] == ["ours", "70.25", "other", None]
    heads = [a["data-first"] for _, a, _ in parsed.all("th") if a.get("scope") == "col"]
    assert heads[:2] == ["ascending", "descending"]


def test_every_control_has_a_label_and_every_picture_a_text(parsed):
    labelled = {attributes["for"] for _, attributes, _ in parsed.all("label")}
    for _, attributes, _ in parsed.all("input", "select"):
        assert attributes["id"] in labelled
    for _, attributes, text in parsed.all("button"):
        assert attributes.get("aria-label") or text.strip()
    assert parsed.all("img")
    assert all(attributes.get("alt") for _, attributes, _ in parsed.all("img"))
    identities = [attributes["id"] for _, attributes, _ in parsed.elements if "id" in attributes]
    assert len(set(identities)) == len(identities)
    for name in ("aria-labelledby", "aria-describedby"):
        for _, attributes, _ in parsed.elements:
            assert set(attributes.get(name, "").split()) <= set(identities)


def test_charts_have_title_and_description(parsed):
    charts = [element for element in parsed.all("svg") if element[1].get("role") == "img"]
    assert len(charts) == 2
    assert len(parsed.all("desc")) == 2
    assert all(element[2].strip() for element in parsed.all("desc"))


def test_headings_are_in_order_and_every_link_leads_somewhere(parsed):
    levels = [int(tag[1]) for tag, _, _ in parsed.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    identities = {attributes.get("id") for _, attributes, _ in parsed.elements}
    assert {a["href"][1:] for _, a, _ in parsed.all("a")} <= identities
    assert [len(parsed.all(tag)) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert parsed.all("html")[0][1]["lang"] == "en"


def test_without_a_script_all_sheets_are_there(parsed):
    captions = [text for tag, _, text in parsed.all("figcaption")]
    for what in ("Truth", "Prediction of ours", "Entropy of ours", "Unreliable pixels of ours", "Prediction of other"):
        assert any(what in text for text in captions)
    panel = next(a for tag, a, _ in parsed.elements if a.get("class") == "panel")
    assert "hidden" in panel


def test_both_palettes_are_there(parsed):
    style = parsed.all("style")[0][2]
    assert '[data-palette="paper"] .structure-0 { background-color: #3A86FF; }' in style
    assert '[data-palette="safe"] .structure-0 { background-color: #56B4E9; }' in style


def test_the_same_content_gives_the_same_file():
    assert render(page()) == render(page())


def test_backticks_are_code(parsed):
    assert any(text == "x" for _, _, text in parsed.all("code"))
