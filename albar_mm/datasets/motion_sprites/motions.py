"""The eight motion classes of ``motion_sprites``.

Classes come in pairs that are each other's time reversal, and every pose variable (position on the
torus, angle, scale) has the same uniform distribution in every frame of every class. So one frame
says nothing about the class; only the order of frames does.
"""

from dataclasses import dataclass

import numpy as np

CLASSES = ('move_right', 'move_left', 'move_down', 'move_up', 'turn_clockwise',
           'turn_counterclockwise', 'grow', 'shrink')
"""Class names; the label is the index. Labels 2i and 2i + 1 are time-reversed partners."""

SCALE_RANGE = (0.7, 1.25)
"""Range of the actor's scale (1.0 = an actor 48 px wide)."""


@dataclass(frozen=True)
class Trajectory:
    """Pose of an actor in each of T frames.

    Attributes:
        x (np.ndarray): Column of the centre in px, (T,) int, taken modulo the frame width.
        y (np.ndarray): Row of the centre in px, (T,) int, taken modulo the frame height.
        angle (np.ndarray): Clockwise rotation in radians, (T,).
        scale (np.ndarray): Scale factor, (T,), within ``SCALE_RANGE``.
    """

    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    scale: np.ndarray


def draw_trajectory(label: int, frames: int, side: int, rng: np.random.RandomState) -> Trajectory:
    """Draw the poses of one clip.

    Args:
        label (int): Class index, 0-7.
        frames (int): Number of frames T.
        side (int): Side of the square frame in px.
        rng (np.random.RandomState): Source of randomness.

    Returns:
        Trajectory: Poses; identically distributed in every single frame whatever the label.

    Raises:
        ValueError: If ``label`` is no class index.
    """
    if not 0 <= label < len(CLASSES):
        raise ValueError(f'label must be 0-{len(CLASSES) - 1}, got {label}')
    kind, sign = label // 2, 1 - 2 * (label % 2)
    # Every variable is drawn for every class, so that classes differ in nothing but its use.
    x0, y0 = rng.randint(side), rng.randint(side)
    angle0, phase0 = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1)
    px_per_frame = rng.uniform(4.0, 7.0)
    turn_per_frame = rng.uniform(0.40, 0.60)
    phase_per_frame = rng.uniform(0.12, 0.17)

    t = sign * np.arange(frames, dtype=np.float64)
    still = np.zeros(frames)
    shift = np.floor(px_per_frame * t).astype(np.int64)
    low, high = SCALE_RANGE
    phase = np.mod(phase0 + (phase_per_frame * t if kind == 3 else still), 1.0)
    return Trajectory(
        x=np.mod(x0 + (shift if kind == 0 else 0) + still.astype(np.int64), side),
        y=np.mod(y0 + (shift if kind == 1 else 0) + still.astype(np.int64), side),
        angle=angle0 + (turn_per_frame * t if kind == 2 else still),
        scale=low + (high - low) * phase)
