"""The report page as a reader meets it."""

import itertools
import json
from dataclasses import replace

import pytest
from reporting.page.pages import page as small_page

from seasa_da.reporting.page.content import Column, Direction, Table, number_cell, text_cell
from seasa_da.reporting.page.render import render

CONTRAST = 4.5


def wait(driver, script, *args):
    """The script's answer, as soon as it is not false."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, 20).until(lambda one: one.execute_script(script, *args))


def drawn(driver):
    """The picture of the first viewer, once it has a place."""
    wait(driver, "return document.querySelector('.where').textContent")
    return driver.execute_script("return document.querySelector('canvas').toDataURL()")


def redrawn(driver, before):
    """The picture after a change; fails where it stays as it was."""
    return wait(
        driver, "const now = document.querySelector('canvas').toDataURL(); return now !== arguments[0] && now", before
    )


def choose(driver, name, value):
    """Set a control of the first viewer, as a reader does."""
    driver.execute_script(
        "const one = document.querySelector(`[data-control=${arguments[0]}]`);"
        "if (one.type === 'checkbox') one.click();"
        "else { one.value = arguments[1]; one.dispatchEvent(new Event('input', {bubbles: true})); }",
        name,
        value,
    )


def press(element, *names):
    from selenium.webdriver.common.keys import Keys

    element.send_keys(*(getattr(Keys, name) for name in names))


def test_it_opens_without_a_complaint_and_asks_nobody(browse, page):
    driver = browse(page)
    drawn(driver)
    for details in driver.find_elements("css selector", "details"):
        driver.execute_script("arguments[0].open = true", details)
    wait(driver, "return [...document.querySelectorAll('.where')].every((one) => one.textContent)")
    assert driver.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    # A new window begins with a page of the browser's own.
    asked = [
        one["request"]["url"] for one in sent if not one["documentURL"].startswith(("chrome:", "chrome-untrusted:"))
    ]
    assert asked
    assert {address.split(":")[0] for address in asked} <= {"file", "data"}
    assert [address for address in asked if address.startswith("file:")] == [page.resolve().as_uri()]


@pytest.fixture
def sortable(tmp_path):
    rows = [("b", 9.5), ("A", 100.0), ("c", None), ("d", -3.0), ("e", 70.0)]
    columns = [Column("Name"), Column("Dice", True), Column("Distance", True, lower_is_better=True)]
    cells = [[text_cell(name, head=True), number_cell(value), number_cell(value)] for name, value in rows]
    table = Table("To be sorted", columns, cells)
    file = tmp_path / "sortable.html"
    file.write_text(render(small_page(directions=[Direction("ct to mri", [table])])), encoding="utf-8")
    return file


def test_the_table_sorts_numbers_as_numbers_with_missing_ones_last(browse, sortable):
    driver = browse(sortable)
    buttons = driver.find_elements("css selector", "table th button")

    def order():
        return [cell.text for cell in driver.find_elements("css selector", "tbody th")]

    assert order() == ["b", "A", "c", "d", "e"]
    for column, ways in ((1, ("descending", "ascending")), (2, ("ascending", "descending"))):
        for way in ways:
            buttons[column].click()
            upwards = way == "ascending"
            assert order() == (["d", "b", "e", "A", "c"] if upwards else ["A", "e", "b", "d", "c"])
            sorts = [head.get_attribute("aria-sort") for head in driver.find_elements("css selector", "thead th")]
            assert sorts == [way if place == column else None for place in range(3)]
    press(buttons[0], "ENTER")
    assert order() == ["A", "b", "c", "d", "e"]
    assert driver.find_element("id", "status").get_attribute("textContent") == "Sorted by Name, ascending."


def test_every_table_of_a_comparison_sorts_both_ways(browse, page):
    driver = browse(page)
    drawn(driver)
    faults = driver.execute_script(
        """const faults = [];
        for (const table of document.querySelectorAll('table[data-sortable]')) {
          [...table.tHead.rows[0].cells].forEach((head, column) => {
            for (const turn of [1, 2]) {
              head.querySelector('button').click();
              const sign = head.getAttribute('aria-sort') === 'ascending' ? 1 : -1;
              const keys = [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.sort);
              const known = keys.filter((key) => key !== undefined);
              if (keys.slice(0, known.length).includes(undefined)) faults.push([head.textContent, 'missing']);
              const numbers = known.every((key) => !isNaN(key));
              known.slice(1).forEach((key, i) => {
                const [a, b] = numbers ? [+known[i], +key] : [known[i], key];
                if (sign * (numbers ? a - b : a.localeCompare(b)) > 0) faults.push([head.textContent, a, b]);
              });
            }
          });
        }
        return faults;"""
    )
    assert faults == []


def test_the_viewer_scrolls_by_keys_slider_buttons_and_wheel(browse, page):
    driver = browse(page)
    picture = drawn(driver)
    canvas = driver.find_element("css selector", "canvas")
    slider = driver.find_element("css selector", "[data-control=slice]")
    last = int(slider.get_attribute("max"))

    def place():
        return int(slider.get_property("value"))

    start = place()
    for key, then in (("ARROW_RIGHT", start + 1), ("ARROW_UP", start), ("HOME", 0), ("ARROW_LEFT", 0), ("END", last)):
        press(canvas, key)
        assert place() == then
    picture = redrawn(driver, picture)
    where = driver.find_element("css selector", ".where")
    wait(
        driver,
        "return document.querySelector('.where').textContent.endsWith(arguments[0])",
        f"{last + 1} of {last + 1}",
    )
    assert where.get_attribute("aria-live") == "polite"
    press(slider, "ARROW_LEFT")
    assert place() == last - 1
    picture = redrawn(driver, picture)
    driver.find_element("css selector", "[data-step='1']").click()
    assert place() == last
    picture = redrawn(driver, picture)
    driver.execute_script(
        "arguments[0].dispatchEvent(new WheelEvent('wheel', {deltaY: -100, cancelable: true}))", canvas
    )
    assert place() == last - 1
    redrawn(driver, picture)


def test_what_is_toggled_changes_the_picture(browse, page):
    driver = browse(page)
    picture = drawn(driver)
    seen = {picture}
    choose(driver, "method", "1")
    choose(driver, "overlay", "truth")
    picture = redrawn(driver, picture)
    for name, value in (("opacity", "100"), ("overlay", "errors"), ("overlay", "none"), ("entropy", True)):
        choose(driver, name, value)
        picture = redrawn(driver, picture)
        seen.add(picture)
    choose(driver, "entropy", False)
    picture = redrawn(driver, picture)
    choose(driver, "overlay", "truth")
    picture = redrawn(driver, picture)
    driver.execute_script(
        "const one = document.getElementById('palette'); one.value = 'safe'; one.dispatchEvent(new Event('change'))"
    )
    redrawn(driver, picture)
    assert len(seen) == 5
    label = driver.find_element("css selector", "canvas").get_attribute("aria-label")
    assert "truth" in label


def test_colours_of_single_pixels(browse, tmp_path):
    import numpy as np

    from seasa_da.reporting.page.content import Case, Layer, Viewer
    from seasa_da.reporting.page.sheets import grey_sheet, label_sheet, unreliable_sheet

    labels = np.zeros((2, 8, 8), dtype=np.uint8)
    labels[:, 2:6, 2:6] = 1
    image = grey_sheet(np.zeros((2, 8, 8), dtype=np.float32))
    layer = Layer("ours", label_sheet(labels, ["#3A86FF"]), None, unreliable_sheet(labels != 1))
    truth = labels.copy()
    truth[:, :3], truth[:, 3, 3] = 255, 0
    viewer = Viewer([0, 1], 2, 2, 1, 8, 8, 1.0, image, label_sheet(truth, ["#3A86FF"]), [layer])
    file = tmp_path / "viewer.html"
    content = small_page(structures=["AA"], directions=[Direction("ct to mri", [], [Case("1", None, viewer)])])
    file.write_text(render(content), encoding="utf-8")
    driver = browse(file)
    picture = drawn(driver)
    choose(driver, "overlay", "prediction")
    picture = redrawn(driver, picture)
    context = "document.querySelector('canvas').getContext('2d')"
    pixel = f"return [...{context}.getImageData(arguments[0], arguments[0], 1, 1).data]"
    side = driver.execute_script("return document.querySelector('canvas').width") / 8
    assert driver.execute_script(pixel, 0.5 * side) == [128, 128, 128, 255]
    red, green, blue, _ = driver.execute_script(pixel, 4.5 * side)
    expected = [0.45 * 128 + 0.55 * part for part in (0x3A, 0x86, 0xFF)]
    assert [red, green, blue] == pytest.approx(expected, abs=2)
    choose(driver, "overlay", "errors")
    picture = redrawn(driver, picture)
    # What the truth ignores is no error.
    assert driver.execute_script(pixel, 2.5 * side) == [128, 128, 128, 255]
    assert driver.execute_script(pixel, 3.5 * side) == pytest.approx([174, 109, 58, 255], abs=2)
    choose(driver, "overlay", "none")
    picture = redrawn(driver, picture)
    choose(driver, "unreliable", True)
    redrawn(driver, picture)
    hatched = f"return [...{context}.getImageData(arguments[0], arguments[0], arguments[1], arguments[1]).data]"
    assert len(set(driver.execute_script(hatched, 4 * side, side))) > 4
    assert set(driver.execute_script(hatched, 0, side)) == {128, 255}


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_has_nothing_to_scroll_sideways(browse, page, dark):
    driver = browse(page, width=360, height=740, dark=dark)
    drawn(driver)
    for details in driver.find_elements("css selector", "details"):
        driver.execute_script("arguments[0].open = true", details)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 360
    wide = driver.execute_script(
        "return [...document.querySelectorAll('main *')].filter((one) => !one.closest('.scroll, svg, .unseen, .sheets')"
        " && one.getBoundingClientRect().right > 361).map((one) => one.outerHTML.slice(0, 80))"
    )
    assert wide == []


def test_the_tab_key_goes_from_top_to_bottom_and_is_seen(browse, page):
    driver = browse(page)
    drawn(driver)
    body = driver.find_element("css selector", "body")
    names, tops = [], []
    for _ in range(60):
        press(body if not names else driver.switch_to.active_element, "TAB")
        one = driver.switch_to.active_element
        names.append(one.get_attribute("class") or one.get_attribute("id") or one.tag_name)
        tops.append(driver.execute_script("return arguments[0].getBoundingClientRect().top + scrollY", one))
        outline = one.value_of_css_property("outline-width")
        assert one.tag_name == "body" or float(outline.removesuffix("px")) >= 2, names
    assert names[0] == "skip"
    assert names[1] == "palette"
    # Within a row of controls the next one may stand a little higher.
    assert all(after >= before - 560 for before, after in itertools.pairwise(tops[1:]))
    assert tops[-1] > tops[1]
    driver.execute_script("document.querySelector('.skip').click()")
    assert driver.execute_script("return document.activeElement.id") == "content"


def test_everything_has_a_name(browse, page):
    driver = browse(page)
    drawn(driver)
    nameless = driver.execute_script(
        """const named = (one) => one.labels?.length || one.getAttribute('aria-label') || one.textContent.trim();
        return [...document.querySelectorAll('img')].filter((one) => !one.alt)
          .concat([...document.querySelectorAll('button, select, input, canvas, a, summary')]
            .filter((one) => !named(one)))
          .map((one) => one.outerHTML.slice(0, 100));"""
    )
    assert nameless == []
    tree = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = [node["role"]["value"] for node in tree if "role" in node]
    for role in ("banner", "navigation", "main", "contentinfo"):
        assert roles.count(role) == 1, role
    levels = [
        next(p["value"]["value"] for p in node["properties"] if p["name"] == "level")
        for node in tree
        if node.get("role", {}).get("value") == "heading"
    ]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def luminance(colour):
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_and_white():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out(browse, page, dark):
    driver = browse(page, dark=dark)
    drawn(driver)
    found = driver.execute_script(
        """const parts = (text) => text.match(/[\\d.]+/g).map(Number);
        const ground = (one) => {
          for (; one; one = one.parentElement) {
            const colour = parts(getComputedStyle(one).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour.slice(0, 3);
          }
          return null;
        };
        const found = {};
        for (const one of document.querySelectorAll('body *')) {
          if (![...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
          if (one.closest('script, style, title, desc')) continue;
          const style = getComputedStyle(one);
          const colour = parts(one.closest('svg') ? style.fill : style.color).slice(0, 3);
          found[JSON.stringify([colour, ground(one)])] = one.outerHTML.slice(0, 80);
        }
        return found;"""
    )
    assert len(found) >= 3
    for pair, where in found.items():
        text, ground = json.loads(pair)
        assert ground is not None, where
        assert contrast(text, ground) >= CONTRAST, (pair, where)


def test_without_a_script_everything_is_shown_but_scrolling(browse, page):
    driver = browse(page, script=False)
    assert driver.find_element("css selector", ".sheets img").is_displayed()
    assert not driver.find_element("css selector", ".panel").is_displayed()
    assert driver.find_element("css selector", "table").is_displayed()
    assert not driver.find_elements("css selector", "th button")


def test_a_script_that_got_in_is_not_run(browse, tmp_path):
    file = tmp_path / "page.html"
    evil = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    text = render(replace(small_page(), title="safe"))
    file.write_text(text.replace("</main>", f"{evil}</main>"), encoding="utf-8")
    driver = browse(file)
    assert driver.title == "safe"
    assert any("Content Security Policy" in entry["message"] for entry in driver.get_log("browser"))
