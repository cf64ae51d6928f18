"""The page as HTML: templates filled, style and script inline and allowed by their hashes alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from seasa_da.reporting.colours import PALETTES, Palette, rgb, structure_colours
from seasa_da.reporting.page.content import Case, Page, Viewer
from seasa_da.reporting.page.sheets import entropy_palette

PACKAGE = "seasa_da.reporting.page"


def render(page: Page) -> str:
    """The whole file. It loads nothing: no script, font, style or picture from elsewhere."""
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,  # names of cases, structures and methods are anybody's
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _with_code
    style = _asset("page.css") + "".join(_rules(page))
    script = _asset("page.js")
    return environment.get_template("page.html").render(
        page=page,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        palettes={
            name: [[round(255 * part) for part in rgb(colour)] for colour in _colours(page, name)] for name in PALETTES
        },
        numbers=_numbers(page),
        case_id=id,
    )


def _policy(style: str, script: str) -> str:
    """Nothing but this style and this script, and pictures that are in the file."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (files(PACKAGE) / "templates" / name).read_text(encoding="utf-8")


def _rules(page: Page) -> Iterator[str]:
    """Colours of the structures in both palettes, and the images under the sheets: a policy of hashes allows no
    `style` attributes."""
    for name in PALETTES:
        for number, colour in enumerate(_colours(page, name)):
            yield f'[data-palette="{name}"] .structure-{number} {{ background-color: {colour}; }}\n'
    steps = ", ".join(f"rgb({r} {g} {b})" for r, g, b, _ in entropy_palette())
    yield f".swatch.entropy {{ background: linear-gradient(90deg, {steps}); }}\n"
    for number, viewer in enumerate(_viewers(page)):
        size = f"aspect-ratio: {viewer.columns * viewer.width} / {viewer.rows * viewer.height * viewer.aspect:g}"
        ground = f"background-image: url({viewer.image}); " if viewer.image else ""
        yield f".ground-{number} {{ {ground}{size}; }}\n"


def _colours(page: Page, palette: Palette) -> list[str]:
    return list(structure_colours(page.structures, palette).values())


def _viewers(page: Page) -> list[Viewer]:
    return [case.viewer for direction in page.directions for case in direction.cases if case.viewer]


def _numbers(page: Page) -> dict[int, int]:
    """The number of each case's viewer, by the case's identity."""
    cases: list[Case] = [case for direction in page.directions for case in direction.cases if case.viewer]
    return {id(case): number for number, case in enumerate(cases)}


def _with_code(text: str) -> Markup:
    """Text whose `words in backticks` are code; all else is escaped."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces)
    )
