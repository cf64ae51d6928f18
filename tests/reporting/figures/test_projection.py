import numpy as np

from seasa_da.reporting.figures.projection import project


def test_groups_stay_apart_and_the_seed_decides():
    draws = np.random.default_rng(0)
    groups = np.repeat(np.eye(3, 8) * 20, 12, axis=0)
    features = groups + draws.normal(size=groups.shape)
    plane = project(features, 1)
    assert plane.shape == (36, 2)
    np.testing.assert_array_equal(plane, project(features, 1))
    centres = plane.reshape(3, 12, 2).mean(axis=1)
    spread = np.linalg.norm(plane.reshape(3, 12, 2) - centres[:, None], axis=2).max()
    apart = [np.linalg.norm(centres[i] - centres[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert min(apart) > 2 * spread


def test_few_points_and_equal_ones():
    assert np.isfinite(project(np.eye(5), 0)).all()
    assert np.isfinite(project(np.ones((9, 4)), 0)).all()
