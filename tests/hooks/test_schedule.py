import pytest

from seasa_da.hooks import ScheduledWeight


@pytest.mark.parametrize(
    ("start", "ramp", "progress", "expected"),
    [
        (0.0, 0.0, 0.0, 2.0),
        (0.0, 0.0, 1.0, 2.0),
        (0.5, 0.0, 0.49, 0.0),
        (0.5, 0.0, 0.5, 2.0),
        (0.25, 0.5, 0.2, 0.0),
        (0.25, 0.5, 0.25, 0.0),
        (0.25, 0.5, 0.375, 0.5),
        (0.25, 0.5, 0.5, 1.0),
        (0.25, 0.5, 0.75, 2.0),
        (0.25, 0.5, 1.0, 2.0),
        (0.0, 1.0, 0.25, 0.5),
    ],
)
def test_values(start, ramp, progress, expected):
    assert ScheduledWeight(2.0, start, ramp).at(progress) == pytest.approx(expected)
