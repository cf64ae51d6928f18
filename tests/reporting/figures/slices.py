"""Slices and labels made by hand."""

import numpy as np

NAMES = ["AA", "LAC", "LVC", "MYO"]
LONG = ["left ventricular myocardium (outer layer)", "LAC", "$x_1$ of another kind", "MYO", "five", "six", "seven"]
METHODS = [
    "source-only",
    "pnp-adanet+se+asa",
    "an uncommonly long name of a method",
    *(f"method-{i}" for i in range(9)),
]


def image(height=24, width=24):
    return np.linspace(-1, 1, height * width, dtype=np.float32).reshape(1, height, width)


def labels(height=24, width=24, classes=4):
    found = np.zeros((height, width), dtype=np.uint8)
    for value in range(1, classes + 1):
        found[2 * value : 2 * value + 3, 3:15] = value
    return found
