"""Distances against closed forms."""

import numpy as np
import pytest

from seasa_da.data.phantom.shapes import ellipsoid, spline, tube


def test_a_sphere_s_distance_is_exact():
    points = np.array([[0.0, 3, 10], [0.1, 4, 0], [0, 0, 0]], dtype=np.float32)
    assert ellipsoid(points, (5, 5, 5)) == pytest.approx([-4.9, 0, 5], abs=1e-4)


def test_an_ellipsoid_is_zero_on_its_surface():
    points = np.array([[2.0, 0, 0], [0, 3, 0], [0, 0, 4]], dtype=np.float32)
    assert ellipsoid(points, (2, 3, 4)) == pytest.approx([0, 0, 0], abs=1e-5)


def test_a_tube_is_round_at_its_ends_and_linear_between():
    line = np.array([[0.0, 0, 0], [10, 0, 0]])
    points = np.array([[-3.0, 5, 13, 500], [0, 4, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
    assert tube(points, line, np.array([1.0, 3.0]), reach=12.0) == pytest.approx([2, 2, 0, 12], abs=1e-5)


def test_a_spline_goes_through_its_nodes():
    nodes = np.array([[0.0, 0], [1, 2], [3, 1], [4, 4]])
    curve = spline(nodes, per_segment=5)
    assert curve.shape == (16, 2)
    assert curve[::5] == pytest.approx(nodes)
