import math

import pytest

from seasa_da.reporting.page.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, line_chart, nice_ticks


def test_points_fill_the_axes():
    chart = line_chart("loss", [Line("", [(0, 1.0), (10, 3.0)])], x_label="iteration", y_range=(1.0, 3.0))
    assert chart.series[0].path == f"M{LEFT:g} {HEIGHT - BOTTOM:g}L{WIDTH - RIGHT:g} {TOP:g}"
    assert chart.description == "from 1 to 3 between iteration 0 and 10."


def test_what_is_not_finite_is_left_out_and_nothing_makes_no_chart():
    chart = line_chart("loss", [Line("a", [(0, 1.0), (5, math.nan), (10, 2.0)])], x_label="x")
    assert chart.series[0].path.count("L") == 1
    assert line_chart("loss", [Line("a", [(0, math.inf)])], x_label="x") is None
    assert line_chart("loss", [], x_label="x") is None


def test_one_point_is_a_dot():
    chart = line_chart("loss", [Line("a", [(3, 7.0)])], x_label="x")
    assert len(chart.series[0].dots) == 1
    assert all(LEFT <= tick.place <= WIDTH - RIGHT for tick in chart.x_ticks)


def test_bars_stand_on_zero():
    chart = line_chart("d", [Line("", [(0, 0), (1, 1)])], x_label="x", y_range=(0, 1), bars=[(0.0, 0.5, 0.5)])
    (bar,) = chart.bars
    assert bar.x == LEFT
    assert bar.y + bar.height == pytest.approx(HEIGHT - BOTTOM)
    assert bar.height == pytest.approx((HEIGHT - BOTTOM - TOP) / 2, abs=0.1)


@pytest.mark.parametrize("low_high", [(0, 1), (-3.7, 12.2), (1e-6, 2e-6), (0, 60_000), (99.99, 100.01)])
def test_ticks_are_few_round_and_inside(low_high):
    low, high = low_high
    ticks = nice_ticks(low, high, 4)
    assert 2 <= len(ticks) <= 6
    room = (high - low) * 1e-6
    assert all(low - room <= tick <= high + room for tick in ticks)
