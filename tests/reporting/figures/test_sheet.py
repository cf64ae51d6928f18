import matplotlib.image
import pytest
from matplotlib.patches import Patch

from seasa_da.errors import UserError
from seasa_da.reporting.figures.sheet import Sheet, legend_height, set_range, short, span


def sheet():
    found = Sheet(3, 2)
    found.axes(0.5, 0.25, 1, 0.5)
    return found


def test_places_are_inches_from_the_upper_left_corner(tmp_path):
    found = sheet()
    box = found.figure.axes[0].get_position()
    assert (box.x0 * 3, (1 - box.y1) * 2, box.width * 3, box.height * 2) == pytest.approx((0.5, 0.25, 1, 0.5))
    files = found.save(tmp_path, "one")
    assert [file.name for file in files] == ["one.png", "one.pdf"]
    assert matplotlib.image.imread(files[0]).shape[:2] == (600, 900)


def test_the_same_sheet_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        sheet().save(tmp_path, name)
    for kind in ("png", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    with pytest.raises(UserError, match="cannot write"):
        sheet().save(tmp_path / "gone", "a")


def test_a_legend_takes_as_many_lines_as_it_must():
    handles = [Patch(label=f"structure {number}") for number in range(6)]
    assert legend_height([], 3) == 0
    one, two = legend_height(handles, 9), legend_height(handles, 3)
    assert two == pytest.approx(2 * one)
    assert legend_height(handles, 0.1) == pytest.approx(6 * one)


def test_ticks_are_inside_and_short():
    axes = sheet().figure.axes[0]
    set_range(axes, "x", (-1, 47), 3, whole=True)
    assert all(-1 <= tick <= 47 and tick == int(tick) for tick in axes.get_xticks())
    set_range(axes, "y", (0, 100), (0, 50, 100, 150))
    assert list(axes.get_yticks()) == [0, 50, 100]
    assert [short(value) for value in (0, 1e-13, 20000, 2e6, 0.05, 1 / 3, -1.5)] == [
        *("0", "0", "20k", "2e+06", "0.05", "0.3333", "-1.5")
    ]


def test_span_is_never_empty():
    for values in ([0.0], [5.0, 5.0], [-1.0, 2.0]):
        low, high = span(values)
        assert low < min(values) and max(values) < high
