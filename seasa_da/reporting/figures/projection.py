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
    kept = min(COMPONENTS, len(sizes))
    reduced = (centred @ axes[:kept].T) / max(float(sizes[0]), 1e-12)
    perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
    plane = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(reduced)
    return np.asarray(plane, dtype=np.float32)
