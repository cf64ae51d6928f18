"""Features in the plane: t-SNE with a fixed seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

COMPONENTS = 30
"""Principal components that are kept before: their distances are what t-SNE looks at."""
PERPLEXITY = 30


def project(features: npt.NDArray[np.floating[Any]], seed: int = 0) -> npt.NDArray[np.float32]:
    """Features `(P, D)`, at least 4 of them -> `(P, 2)`: van der Maaten & Hinton (JMLR 2008) from a PCA start.

    The same features and seed give the same plane. Planes of two networks have no axes in common.
    """
    from sklearn.manifold import TSNE

    centred = np.asarray(features, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    reduced = (centred @ axes[:COMPONENTS].T) / max(float(sizes[0]), 1e-12)
    perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init=_start(reduced, seed), random_state=seed, n_jobs=1)
    return np.asarray(tsne.fit_transform(reduced), dtype=np.float32)


def _start(reduced: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float32]:
    """The first two components, small as t-SNE wants them, and a little noise: scikit-learn's own start from a PCA is
    not defined where a network says the same of all pixels, and its tree then crashes."""
    start = 1e-6 * np.random.default_rng(seed).normal(size=(len(reduced), 2))
    known = reduced[:, :2]
    start[:, : known.shape[1]] += 1e-4 * known / max(float(known[:, 0].std()), 1e-12)
    return np.asarray(start, dtype=np.float32)
