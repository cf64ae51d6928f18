"""A thorax with a heart, as analytic shapes in patient coordinates.

The frame is RAS millimetres (x to the patient's right, y to the front, z to the head) with the heart's centre at the
origin. The numbers below are those of an average adult; `draw_anatomy` varies size, pose, single structures and, by a
smooth deformation of space, everything at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.phantom.shapes import Floats, ellipsoid, spline, tube


class Tissue(IntEnum):
    """What a point of the body is made of."""

    AIR = 0
    LUNG = 1
    FAT = 2
    MUSCLE = 3
    BONE = 4
    LIVER = 5
    MYOCARDIUM = 6
    WALL = 7  # of the right ventricle and the atria: heart muscle without a label, as in MM-WHS
    LEFT_VENTRICLE = 8
    RIGHT_VENTRICLE = 9
    LEFT_ATRIUM = 10
    RIGHT_ATRIUM = 11
    ASCENDING_AORTA = 12
    PULMONARY_ARTERY = 13
    ARTERY = 14  # arch and descending aorta, pulmonary veins: blood of the left heart without a label
    VEIN = 15  # venae cavae: blood of the right heart without a label


MMWHS_LABELS = {
    Tissue.MYOCARDIUM: 205,
    Tissue.LEFT_ATRIUM: 420,
    Tissue.LEFT_VENTRICLE: 500,
    Tissue.RIGHT_ATRIUM: 550,
    Tissue.RIGHT_VENTRICLE: 600,
    Tissue.ASCENDING_AORTA: 820,
    Tissue.PULMONARY_ARTERY: 850,
}

# The left ventricle's axis points from the valves to the apex: to the left, the front and the feet.
APEX = np.array([-0.65, 0.55, -0.52])
APEX /= np.linalg.norm(APEX)
SEPTUM = np.array([0.75, 0.60, -0.20])
SEPTUM -= (SEPTUM @ APEX) * APEX
SEPTUM /= np.linalg.norm(SEPTUM)
ACROSS = np.cross(APEX, SEPTUM)

LV_CENTRE = np.array([-24.0, 6.0, -14.0])
LV_BASE = -22.0  # plane of the valves along APEX, mm from the ventricle's centre
MIDLINE = 14.0  # the heart lies a little to the left of the body's midline


@dataclass(frozen=True)
class Anatomy:
    """One patient. Lengths in mm; factors are about 1."""

    rotation: NDArray[np.float64]  # (3, 3), pose of the heart in the thorax
    scale: float  # size of the heart
    lv_wall: float
    lv_length: float
    lv_width: float
    rv: float  # factors on single structures' radii
    la: float
    ra: float
    aorta: float
    pulmonary: float
    arch: NDArray[np.float64]  # (3,) shift of the arch
    chest: tuple[float, float]  # half width and half depth of the trunk
    fat: float  # under the skin
    diaphragm: float  # height of the domes against the average
    waves: NDArray[np.float32]  # (K, 3) wave vectors of the smooth deformation, radians/mm
    phases: NDArray[np.float32]  # (K,)
    amplitudes: NDArray[np.float32]  # (K, 3) mm


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """Draw a patient."""
    angles = np.clip(rng.normal(0, np.deg2rad(7), 3), -np.deg2rad(15), np.deg2rad(15))
    directions = rng.normal(size=(8, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = rng.uniform(90, 220, size=(8, 1))
    return Anatomy(
        rotation=rotation_matrix(angles),
        scale=float(rng.uniform(0.9, 1.12)),
        lv_wall=float(rng.uniform(8.5, 11.5)),
        lv_length=float(rng.uniform(0.93, 1.07)),
        lv_width=float(rng.uniform(0.92, 1.08)),
        rv=float(rng.uniform(0.92, 1.1)),
        la=float(rng.uniform(0.88, 1.14)),
        ra=float(rng.uniform(0.9, 1.12)),
        aorta=float(rng.uniform(0.88, 1.15)),
        pulmonary=float(rng.uniform(0.9, 1.12)),
        arch=rng.uniform([-4, -5, -6], [4, 5, 6]),
        chest=(float(rng.uniform(150, 178)), float(rng.uniform(100, 116))),
        fat=float(rng.uniform(8, 20)),
        diaphragm=float(rng.uniform(-8, 8)),
        waves=(2 * np.pi * directions / lengths).astype(np.float32),
        phases=rng.uniform(0, 2 * np.pi, 8).astype(np.float32),
        # long waves may be higher than short ones, so that space never folds
        amplitudes=(rng.normal(0, 0.012, size=(8, 3)) * lengths).astype(np.float32),
    )


def rotation_matrix(angles: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rotation about x, then y, then z by `angles` (3,), radians."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def tissues(anatomy: Anatomy, points: Floats) -> NDArray[np.uint8]:
    """The `Tissue` at each point.

    Args:
        anatomy: the patient.
        points: (3, N) float32, mm, in the frame of this module.

    Returns:
        (N,) uint8 values of `Tissue`.
    """
    bent = points.copy()
    for wave, phase, amplitude in zip(anatomy.waves, anatomy.phases, anatomy.amplitudes, strict=True):
        bent += amplitude[:, None] * np.sin(wave @ points + phase)
    tissue = _trunk(anatomy, bent)
    # The mediastinum reaches nowhere near the sides: the heart and its vessels need a part of the points only.
    near = np.flatnonzero((np.abs(bent[0]) < 100) & (bent[1] > -110) & (bent[1] < 85))
    tissue[near] = _heart(anatomy, bent[:, near], tissue[near])
    return tissue


def _trunk(anatomy: Anatomy, points: Floats) -> NDArray[np.uint8]:
    """Skin to lungs, spine, liver: everything but the heart and its vessels."""
    x, y, z = points
    half_width, half_depth = anatomy.chest
    across = x - np.float32(MIDLINE)
    along = y + np.float32(16)
    # a superellipse: a chest is flatter in front and behind than an ellipse
    level = ((np.abs(across) / np.float32(half_width)) ** 2.4 + (np.abs(along) / np.float32(half_depth)) ** 2.4) ** (
        1 / 2.4
    )
    level = np.maximum(level, np.float32(1e-3))
    depth = np.hypot(across, along) * (1 / level - 1)  # below the skin, mm

    tissue = np.full(points.shape[1], Tissue.AIR, dtype=np.uint8)
    tissue[depth > 0] = Tissue.FAT
    below_fat = depth - np.float32(anatomy.fat)
    tissue[below_fat > 0] = Tissue.MUSCLE
    ribs = (below_fat > 3) & (below_fat < 10) & (np.cos((z + 0.5 * y) * np.float32(2 * np.pi / 30)) > 0.3)
    ribs &= np.abs(across) > 28
    tissue[ribs] = Tissue.BONE

    cavity = below_fat > 13
    # two domes, the right one higher; the rim of the diaphragm hangs down
    right = np.exp(-(((across - 62) / 62) ** 2) - ((along - 4) / 80) ** 2)
    left = np.exp(-(((across + 68) / 58) ** 2) - ((along - 4) / 80) ** 2)
    dome = np.float32(anatomy.diaphragm - 62) + 26 * right + 15 * left - 40 * np.clip(level - 0.5, 0, 1)
    under = dome - z
    middle = np.abs(across) < 17 + 0.1 * np.clip(-along, 0, 60)
    tissue[cavity & (under <= 0)] = Tissue.LUNG
    tissue[cavity & middle] = Tissue.FAT
    tissue[cavity & (under > 0)] = Tissue.MUSCLE
    tissue[cavity & (under > 4)] = Tissue.FAT
    tissue[cavity & (under > 4) & (across > -38 + 0.3 * (z + 70))] = Tissue.LIVER
    stomach = ellipsoid(points - np.array([[MIDLINE - 78], [-8], [-100 + anatomy.diaphragm]], np.float32), (34, 42, 34))
    tissue[cavity & (under > 6) & (stomach < 0)] = Tissue.MUSCLE

    sternum = (np.abs(across) < 18) & (np.abs(below_fat - 8) < 6) & (along > 0) & (z > -55)
    tissue[sternum] = Tissue.BONE
    body = (across / 20) ** 2 + ((y + 88) / 16.5) ** 2 < 1
    disc = np.cos((z + 0.2 * y) * np.float32(2 * np.pi / 27)) > 0.93
    tissue[body] = Tissue.BONE
    tissue[body & disc] = Tissue.MUSCLE
    arch = (np.abs(np.hypot(across, y + 112) - 12) < 4) & (y < -104)
    tissue[arch & (depth > 8)] = Tissue.BONE
    tissue[np.hypot(across, y + 112) < 8] = Tissue.MUSCLE  # spinal cord and its sac
    oesophagus = np.hypot(across + 4, y + 63) < 7
    tissue[oesophagus] = Tissue.MUSCLE
    return tissue


def _heart(anatomy: Anatomy, points: Floats, tissue: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Chambers, great vessels, their walls and the fat around them, painted over `tissue`."""
    turn = anatomy.rotation / anatomy.scale
    own = (turn.T @ points).astype(np.float32)  # the heart's own, average frame

    def placed(nodes: Sequence[Sequence[float]]) -> NDArray[np.float64]:
        return np.asarray(nodes, dtype=np.float64)

    frame = np.stack([APEX, SEPTUM, ACROSS])

    def in_axes(centre: NDArray[np.float64]) -> Floats:
        return (frame @ own - (frame @ centre)[:, None]).astype(np.float32)

    def shifted(centre: tuple[float, float, float]) -> Floats:
        return own - np.asarray(centre, dtype=np.float32)[:, None]

    lv = in_axes(LV_CENTRE)
    length, width, wall = 48 * anatomy.lv_length, 33 * anatomy.lv_width, anatomy.lv_wall
    above_base = LV_BASE - lv[0]
    epicardium = np.maximum(ellipsoid(lv, (length, width, width)), above_base)
    endocardium = np.maximum(ellipsoid(lv, (length - wall, width - wall, width - wall)), above_base)

    base = LV_CENTRE + LV_BASE * APEX
    la_centre = (-2.0, -32.0, 10.0)
    la = ellipsoid(shifted(la_centre), (31 * anatomy.la, 21 * anatomy.la, 24 * anatomy.la))
    mitral = tube(own, placed([tuple(base - 3 * SEPTUM + 2 * APEX), la_centre]), np.array([15.5, 17.0]))
    appendage = tube(own, spline(placed([(-20, -26, 16), (-34, -12, 22), (-40, 2, 22)])), np.linspace(10, 6.5, 9))
    la = np.maximum(np.minimum(np.minimum(la, mitral), appendage), -above_base)

    rv_centre = LV_CENTRE + 30 * SEPTUM
    rv_points = in_axes(rv_centre)
    rv = ellipsoid(rv_points, (45 * anatomy.rv, 27 * anatomy.rv, 34 * anatomy.rv))
    rv = np.maximum(rv, -26 - rv_points[0])
    outflow = tube(own, spline(placed([(-4, 32, -10), (-11, 34, 6), (-15, 29, 22)])), np.linspace(16, 13, 9))
    rv = np.minimum(rv, outflow)

    ra_centre = (38.0, -2.0, -8.0)
    ra = ellipsoid(shifted(ra_centre), (23 * anatomy.ra, 26 * anatomy.ra, 29 * anatomy.ra))
    tricuspid = tube(own, placed([tuple(rv_centre - 20 * APEX), ra_centre]), np.array([16.0, 18.0]))
    ra = np.minimum(ra, np.maximum(tricuspid, rv_points[0] + 26))

    # From the ventricle to the arch the aorta moves with the heart, from there with the spine.
    root = base + 9 * SEPTUM + 3 * APEX
    rising = placed([tuple(root), (5, 4, 14), (13, 8, 36), (13, 2, 58)])
    arch = placed([(6, -14, 74), (-6, -36, 78), (-14, -56, 62)]) + anatomy.arch
    falling = placed([(-13, -66, 30), (-12, -69, -20), (-10, -68, -160)]) @ turn  # fixed to the spine
    course = spline(np.concatenate([rising, arch, falling]), 4)
    girth = spline(np.array([[12.5], [16.5], [14.5], [14], [13], [12], [11.5], [11.5], [11], [10.5]]), 4)[:, 0]
    girth *= anatomy.aorta
    cut = 3 * 4 + 1  # the label ends where the arch begins
    ascending = tube(own, course[: cut + 1], girth[: cut + 1])
    rest = tube(own, course[cut:], girth[cut:])

    trunk = tube(own, spline(placed([(-15, 29, 22), (-17, 18, 40), (-10, -3, 53)])), np.linspace(13.5, 12.5, 9))
    right = tube(
        own, spline(placed([(-10, -3, 53), (14, -22, 53), (46, -27, 48), (66, -30, 40)])), np.linspace(11, 7, 13)
    )
    left = tube(own, spline(placed([(-10, -3, 53), (-32, -22, 56), (-60, -36, 50)])), np.linspace(11, 7, 9))
    pulmonary = np.minimum(np.minimum(trunk, right), left) + np.float32(12 * (1 - anatomy.pulmonary))

    superior = tube(own, spline(placed([(36, -2, 12), (34, -3, 50), (32, 0, 130)])), np.full(9, 9.5))
    inferior = tube(own, spline(placed([(36, -12, -26), (34, -18, -50), (32, -22, -140)])), np.full(9, 11.5))
    cavae = np.minimum(superior, inferior)

    veins = np.full_like(la, 12.0)
    for course_ in (
        [(20, -36, 20), (42, -42, 24), (68, -46, 30)],
        [(18, -38, 2), (40, -46, -2), (64, -50, -14)],
        [(-24, -36, 18), (-44, -42, 24), (-66, -46, 32)],
        [(-22, -38, 4), (-42, -47, 0), (-62, -52, -10)],
    ):
        veins = np.minimum(veins, tube(own, spline(placed(course_)), np.linspace(7, 5, 9)))

    # Painted in this order. A structure keeps a septum's distance from those before it, unless blood or muscle
    # of the two touch.
    free = np.ones(own.shape[1], dtype=bool)
    heart = tissue.copy()
    painted: dict[Tissue, Floats] = {}
    order: list[tuple[Tissue, Floats, set[Tissue]]] = [
        (Tissue.LEFT_VENTRICLE, endocardium, set()),
        (Tissue.MYOCARDIUM, epicardium, {Tissue.LEFT_VENTRICLE}),
        (Tissue.ASCENDING_AORTA, ascending, {Tissue.LEFT_VENTRICLE, Tissue.MYOCARDIUM}),
        (Tissue.LEFT_ATRIUM, la, {Tissue.LEFT_VENTRICLE, Tissue.MYOCARDIUM}),
        (Tissue.RIGHT_VENTRICLE, rv, {Tissue.MYOCARDIUM}),
        (Tissue.PULMONARY_ARTERY, pulmonary, {Tissue.RIGHT_VENTRICLE}),
        (Tissue.ARTERY, rest, {Tissue.ASCENDING_AORTA}),
        (Tissue.RIGHT_ATRIUM, ra, {Tissue.RIGHT_VENTRICLE}),
        (Tissue.ARTERY, veins, {Tissue.LEFT_ATRIUM, Tissue.ARTERY}),
        (Tissue.VEIN, cavae, {Tissue.RIGHT_ATRIUM}),
    ]
    around = np.full_like(la, 12.0)
    for name, distance, touches in order:
        region = (distance < 0) & free
        for other, gap in painted.items():
            if other not in touches and name not in (Tissue.LEFT_VENTRICLE, Tissue.MYOCARDIUM):
                region &= gap > 2
        heart[region] = name
        free &= ~region
        around = np.minimum(around, distance)
        painted[name] = np.minimum(painted[name], distance) if name in painted else distance
    # Chambers have a muscular wall; the vessels in the lung and the abdomen have next to none.
    chambers = np.minimum(np.minimum(rv, ra), np.minimum(la, epicardium))
    shell = free & (around < 2.5) & (tissue != Tissue.BONE)
    heart[shell] = np.where(tissue[shell] == Tissue.LIVER, Tissue.LIVER, Tissue.WALL)
    heart[free & (around >= 2.5) & (chambers < 8) & (tissue == Tissue.LUNG)] = Tissue.FAT
    great = np.minimum(np.minimum(ascending, trunk), np.minimum(rest, superior))
    heart[free & (around >= 2.5) & (great < 5) & (tissue == Tissue.LUNG)] = Tissue.FAT
    return heart
