"""The eight motion classes of ``motion_sprites``: directions in which the actor moves.

Classes come in pairs that are each other's time reversal, and every pose variable (position on the
torus, angle, scale) has the same uniform distribution in every frame of every class. So one frame
says nothing about the class; only the order of frames does.
"""

from dataclasses import dataclass

import numpy as np

from ...utils.numbers import class_index

CLASSES = (
    'move_right',
    'move_left',
    'move_down',
    'move_up',
    'move_down_right',
    'move_up_left',
    'move_down_left',
    'move_up_right',
)
"""Class names; the label is the index. Labels 2i and 2i + 1 are time-reversed partners."""

_DIRECTIONS = ((1, 0), (0, 1), (1, 1), (-1, 1))
"""Column and row direction of the first class of each pair; rows grow downwards."""

SCALE_RANGE = (0.7, 1.25)
"""Range of the actor's scale (1.0 = an actor 48 px wide)."""
SPEED_RANGE = (4.0, 7.0)
"""Range of the speed, in px per frame."""


@dataclass(frozen=True)
class Trajectory:
    """Pose of an actor in each of T frames.

    Attributes:
        x: Column of the centre in px, (T,) int, modulo the frame width.
        y: Row of the centre in px, (T,) int, modulo the frame height.
        angle: Clockwise rotation in radians, the same in all frames.
        scale: Scale factor within ``SCALE_RANGE``, the same in all frames.
    """

    x: np.ndarray
    y: np.ndarray
    angle: float
    scale: float


def draw_trajectory(label: int, frames: int, side: int, rng: np.random.RandomState) -> Trajectory:
    """Draw the poses of one clip, in every single frame distributed alike whatever the label.

    Args:
        label: Class index, 0-7.
        frames: Number of frames T.
        side: Side of the square frame in px.
        rng: Source of randomness.
    """
    class_index(label, 'motion_sprites', len(CLASSES), ValueError)
    direction, sign = np.array(_DIRECTIONS[label // 2]), 1 - 2 * (label % 2)
    x0, y0 = rng.randint(side), rng.randint(side)
    angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(*SCALE_RANGE)
    speed = rng.uniform(*SPEED_RANGE) / np.hypot(*direction)
    # Rounded before the sign is applied: a pair visits exactly the same places.
    shift = sign * np.rint(speed * np.arange(frames)).astype(np.int64)
    return Trajectory(
        x=(x0 + direction[0] * shift) % side,
        y=(y0 + direction[1] * shift) % side,
        angle=angle,
        scale=scale,
    )
