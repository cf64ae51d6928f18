"""Signed distances (mm, negative inside) of the few analytic shapes that the phantom is built of.

Points are always float32 of shape (3, N), millimetres.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def ellipsoid(points: Floats, radii: tuple[float, float, float]) -> Floats:
    """Distance to an axis-aligned ellipsoid about the origin: first-order near the surface, exact for a sphere."""
    inverse = (1 / np.asarray(radii, dtype=np.float32))[:, None]
    scaled = points * inverse
    k0 = np.sqrt(np.einsum("ij,ij->j", scaled, scaled))
    scaled *= inverse
    k1 = np.sqrt(np.einsum("ij,ij->j", scaled, scaled))
    return k0 * (k0 - 1) / np.maximum(k1, np.float32(1e-6))


def tube(points: Floats, centreline: NDArray[np.floating], radii: NDArray[np.floating], reach: float = 12.0) -> Floats:
    """Distance to a tube along a polyline, its radius linear between the nodes, its ends round.

    Args:
        points: (3, N).
        centreline: (K, 3) nodes, mm.
        radii: (K,) radius at each node, mm.
        reach: distances beyond this are not computed; they come back as `reach`.
    """
    distance = np.full(points.shape[1], reach, dtype=np.float32)
    for start, stop, r0, r1 in zip(centreline[:-1], centreline[1:], radii[:-1], radii[1:], strict=True):
        low = np.minimum(start, stop) - max(r0, r1) - reach
        high = np.maximum(start, stop) + max(r0, r1) + reach
        inside = (points[2] > low[2]) & (points[2] < high[2])
        for axis in (0, 1):
            inside &= (points[axis] > low[axis]) & (points[axis] < high[axis])
        near = np.flatnonzero(inside)
        along = np.asarray(stop - start, dtype=np.float32)
        offset = points[:, near] - np.asarray(start, dtype=np.float32)[:, None]
        share = np.clip(along @ offset / np.float32(along @ along), 0, 1)
        offset -= along[:, None] * share
        here = np.sqrt(np.einsum("ij,ij->j", offset, offset)) - np.float32(r0) - np.float32(r1 - r0) * share
        distance[near] = np.minimum(distance[near], here)
    return distance


def spline(nodes: NDArray[np.floating], per_segment: int = 4) -> NDArray[np.float64]:
    """A Catmull-Rom curve through `nodes` (K, D) as a polyline of (K-1)*per_segment+1 points."""
    nodes = np.asarray(nodes, dtype=np.float64)
    padded = np.concatenate([2 * nodes[:1] - nodes[1:2], nodes, 2 * nodes[-1:] - nodes[-2:-1]])
    t = (np.arange(per_segment) / per_segment)[:, None]
    pieces = []
    for p0, p1, p2, p3 in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        cubic = 2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
        pieces.append(cubic / 2)
    return np.concatenate([*pieces, nodes[-1:]])
