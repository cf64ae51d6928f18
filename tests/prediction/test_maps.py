import math

import numpy as np
import pytest

from seasa_da.prediction.maps import entropy, fitting_dtype, normalised


def test_entropy_of_hand_made_probabilities():
    probs = np.array([[1.0, 0.25, 0.5], [0.0, 0.25, 0.5], [0.0, 0.25, 0.0], [0.0, 0.25, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(entropy(probs), [0.0, math.log(4), math.log(2)], atol=1e-6)
    assert not np.signbit(entropy(probs)).any()


def test_probabilities_add_up_to_one():
    probs = np.random.default_rng(0).random((3, 4, 5)).astype(np.float16).astype(np.float32)
    np.testing.assert_allclose(normalised(probs).sum(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [((0, 1, 255), np.uint8), ((0, 256), np.int16), ((0, 820, 205), np.int16), ((0, 65535), np.uint16)],
)
def test_types_of_labels(values, dtype):
    assert fitting_dtype(values) == dtype
