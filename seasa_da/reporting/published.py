"""Table 1 of the paper: "Unsupervised Domain Adaptation for Medical Image Segmentation by Selective Entropy Constraints
and Adaptive Semantic Alignment" (AAAI 2023).

Dice in percent; ASD as printed, without a unit (the published evaluation measures in voxels). MM-WHS, four test volumes
a direction. Every printed average is within 0.1 of the mean of its four cells. The SIFA rows
were taken by the paper from SIFA's own articles, on another network; the others were run on the paper's network.
"""

from __future__ import annotations

from collections.abc import Mapping

PAPER_NAMES: Mapping[str, str] = {
    "supervised": "Supervised training",
    "source-only": "W/o adaptation",
    "pnp-adanet": "PnP-AdaNet",
    "adaoutput": "AdaOutput",
    "cyclegan": "CycleGAN",
    "cycada": "CyCADA",
    "sifa-v1": "SIFA V1",
    "sifa-v2": "SIFA V2",
    "ebm": "EBM",
    "crst": "CRST",
    "ours": "Ours",
}
PAPER_ORDER: tuple[str, ...] = tuple(PAPER_NAMES)
OTHER_NETWORK = ("sifa-v1", "sifa-v2")

# By structure and "mean".
Figures = Mapping[str, float]
# By metric, "dice" or "asd".
MethodFigures = Mapping[str, Figures]

_COLUMNS = ("AA", "LAC", "LVC", "MYO", "mean")

# Dice of the columns, then ASD of the columns; rows in the paper's order.
_CT_MRI = """
81.6 86.3 92.3 80.0 85.1   3.4  2.1  1.7  1.6  2.2
18.5  7.3 53.5  2.1 20.4   7.1 25.8  8.7 29.9 17.9
43.7 47.0 77.7 48.6 54.3  11.4 14.5  4.5  5.3  8.9
52.3 71.7 79.5 49.2 63.2   9.0  3.5  5.1  5.4  5.8
64.3 30.7 65.0 43.0 50.7   5.8  9.8  6.0  5.0  6.6
60.5 44.0 77.6 47.9 57.5   7.7 13.9  4.8  5.2  7.9
67.0 60.7 75.1 45.8 62.1   6.2  9.8  4.4  4.4  6.2
65.3 62.3 78.9 47.3 63.4   7.3  7.4  3.8  4.4  5.7
65.9 64.2 76.9 49.1 64.1   6.9  7.5  5.6  3.8  6.0
65.1 66.9 77.2 50.0 64.8   6.4  6.3  5.5  4.0  5.6
68.3 74.6 81.0 55.9 69.9   4.9  3.6  5.4  3.2  4.3
"""
_MRI_CT = """
89.3 91.4 92.8 88.0 90.4   2.3  2.9  1.5  3.2  2.5
30.8 36.8 18.3  7.2 23.3  20.2  8.9 33.6 27.8 22.6
74.0 68.9 61.9 50.8 63.9  12.8  6.3 17.4 14.7 12.8
73.5 80.4 76.1 48.6 69.6  15.5  5.8  5.2  6.6  8.3
73.8 75.7 52.3 28.7 57.6  11.5 13.6  9.2  8.8 10.8
72.9 77.0 62.4 45.3 64.4   9.6  8.0  9.6 10.5  9.4
81.1 76.4 75.7 58.7 73.0  10.6  7.4  6.7  7.8  8.1
81.3 79.5 73.8 61.6 74.1   7.9  6.2  5.5  8.5  7.0
78.9 80.7 75.7 60.5 74.0   8.6  6.6  4.7  8.2  7.1
79.6 80.5 78.3 63.7 75.5   8.8  6.4  4.5  7.5  6.8
83.8 85.2 82.9 71.7 80.9   9.6  4.2  3.9  3.9  5.4
"""


def _read(text: str) -> dict[str, MethodFigures]:
    rows = [[float(cell) for cell in line.split()] for line in text.split("\n") if line]
    return {
        name: {
            "dice": dict(zip(_COLUMNS, row[:5], strict=True)),
            "asd": dict(zip(_COLUMNS, row[5:], strict=True)),
        }
        for name, row in zip(PAPER_ORDER, rows, strict=True)
    }


# PUBLISHED[source, target][method][metric][structure]
PUBLISHED: Mapping[tuple[str, str], Mapping[str, MethodFigures]] = {
    ("ct", "mri"): _read(_CT_MRI),
    ("mri", "ct"): _read(_MRI_CT),
}
