"""What a ``motion_sprites`` clip shows, by NumPy: motions, actors, backgrounds, frames, masks.

Motion classes come in pairs that are each other's time reversal, and every pose variable (position
on the torus, angle, scale) has the same uniform distribution in every frame of every class. So one
frame says nothing about the class; only the order of frames does.

Nothing here uses an image library's resampling, so that the pixels do not move with its version.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...compositing.backgrounds import stripe_image
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


TEMPLATE = 57
"""Side of an actor template in template px; drawn 48 px wide at scale 1."""
TEMPLATE_TO_FRAME = 0.85
"""Frame px per template px at scale 1."""
CONTRAST = 0.8
"""Contrast of every background around mid-grey; actors have full contrast."""


def rng_for(*key: object) -> np.random.RandomState:
    """Random state that depends on ``key`` alone, the same on every machine.

    It is the legacy generator, whose stream never changes.

    Args:
        *key: Anything with a stable ``repr``, e.g. ``(seed, 'train', 17)``.
    """
    digest = hashlib.sha256(repr(key).encode()).digest()
    return np.random.RandomState(np.frombuffer(digest, dtype='<u4').copy())


@lru_cache(maxsize=64)
def actor_template(look: int) -> tuple[np.ndarray, np.ndarray]:
    """Texture and silhouette of an actor look.

    A look is a body (polygon in polar form, 3-6 lobes) with one long arm, in two colours.

    Returns:
        RGB uint8 (57, 57, 3) and silhouette bool (57, 57).
    """
    rng = rng_for('look', look)
    lobes, depth = rng.randint(3, 7), rng.uniform(0.10, 0.30)
    arm = rng.uniform(0.16, 0.24)
    body_colour, arm_colour = _two_colours(rng)
    half = TEMPLATE // 2
    v, u = np.mgrid[-half : half + 1, -half : half + 1] / half
    radius, theta = np.hypot(u, v), np.arctan2(v, u)
    body = radius <= 0.50 * (1 - depth + depth * np.cos(lobes * theta))
    limb = (np.abs(v) <= arm) & (u >= 0) & (u <= 0.98)
    silhouette = body | limb
    rgb = np.where((limb & (u > 0.2))[..., None], arm_colour, body_colour)
    return rgb.astype(np.uint8), silhouette


def _two_colours(rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    first = rng.randint(30, 226, size=3)
    return first, 255 - first


def scene_background(scene: int, side: int, rng: np.random.RandomState) -> np.ndarray:
    """One view of a scene: a coloured wave pattern with a few fixed blocks, shifted and re-lit.

    Args:
        scene: Scene id; fixes colours, waves and blocks.
        side: Side of the square frame in px.
        rng: Draws the view (shift up to 4 px, gain 0.85-1.15).

    Returns:
        uint8 RGB, (side, side, 3).
    """
    fixed = rng_for('scene', scene)
    left, top = rng.randint(5), rng.randint(5)
    gain = rng.uniform(0.85, 1.15)
    rows, cols = np.mgrid[top : top + side, left : left + side].astype(np.float64)
    low, high = _two_colours(fixed)
    wave = np.zeros((side, side))
    for _ in range(3):
        ky, kx, phase = fixed.uniform(-0.7, 0.7), fixed.uniform(-0.7, 0.7), fixed.uniform(0, 6.28)
        wave += np.sin(ky * rows + kx * cols + phase)
    mix = np.clip(wave / 4 + 0.5, 0, 1)[..., None]
    image = low * (1 - mix) + high * mix
    for _ in range(4):
        y, x, h, w = fixed.randint(0, 64), fixed.randint(0, 64), *fixed.randint(8, 28, size=2)
        colour = fixed.randint(0, 256, size=3)
        inside = (rows >= y) & (rows < y + h) & (cols >= x) & (cols < x + w)
        image[inside] = colour
    return _mute(np.clip(image * gain, 0, 255))


def texture_background(side: int, rng: np.random.RandomState) -> np.ndarray:
    """Abstract coloured texture, uint8 (side, side, 3): plane waves anew for each channel."""
    rows, cols = np.mgrid[:side, :side].astype(np.float64)
    channels = []
    for _ in range(3):
        wave = np.zeros((side, side))
        for _ in range(5):
            ky, kx, phase = rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5), rng.uniform(0, 6.28)
            wave += rng.uniform(0.3, 1) * np.sin(ky * rows + kx * cols + phase)
        channels.append(128 + 100 * np.tanh(wave))
    return _mute(np.stack(channels, axis=-1))


def stripe_background(side: int, rng: np.random.RandomState) -> np.ndarray:
    """SCUBA's sinusoid stripes at reduced contrast, uint8 (side, side, 3); side divides 256."""
    image = stripe_image(rng)
    step = image.shape[0] // side
    return _mute(image[::step, ::step].astype(np.float64))


def _mute(image: np.ndarray) -> np.ndarray:
    """Reduce the contrast of a background in [0, 255]."""
    return (127.5 + CONTRAST * (image - 127.5)).astype(np.uint8)


@dataclass(frozen=True)
class Actor:
    """An actor in T frames.

    Attributes:
        rgb: uint8 (T, H, W, 3); meaningful where ``mask`` is True.
        mask: bool (T, H, W).
    """

    rgb: np.ndarray
    mask: np.ndarray


def draw_actor(look: int, trajectory: Trajectory, side: int) -> Actor:
    """Draw an actor along its trajectory on a torus (what leaves on one side enters on the other).

    Nearest neighbours, hard mask; ``side`` of the square frame in px.
    """
    texture, silhouette = actor_template(look)
    # One empty px all around: whatever lies outside the template is clipped onto it.
    texture = np.pad(texture, ((1, 1), (1, 1), (0, 0)))
    silhouette = np.pad(silhouette, 1)
    centre, last = TEMPLATE // 2 + 1, TEMPLATE + 1

    half_frame = side // 2
    rows, cols = np.mgrid[-half_frame : side - half_frame, -half_frame : side - half_frame]
    size = trajectory.scale * TEMPLATE_TO_FRAME
    cos, sin = np.cos(trajectory.angle) / size, np.sin(trajectory.angle) / size
    u = np.clip(np.rint(cos * cols + sin * rows).astype(np.intp) + centre, 0, last)
    v = np.clip(np.rint(cos * rows - sin * cols).astype(np.intp) + centre, 0, last)
    shifts = [
        (int(y) - half_frame, int(x) - half_frame)
        for x, y in zip(trajectory.x, trajectory.y, strict=True)
    ]

    def moved(image: np.ndarray) -> np.ndarray:
        return np.stack([np.roll(image, shift, axis=(0, 1)) for shift in shifts])

    return Actor(rgb=moved(texture[v, u]), mask=moved(silhouette[v, u]))


def composite(actor: Actor, background: np.ndarray) -> np.ndarray:
    """Put an actor on a background with a hard mask (SCUBA's rule), uint8 (T, H, W, 3).

    Args:
        actor: T frames of an actor.
        background: uint8, (H, W, 3) for a still or (T, H, W, 3).
    """
    return np.where(actor.mask[..., None], actor.rgb, background)


def boxes(mask: np.ndarray) -> np.ndarray:
    """Tight boxes of a mask in each frame.

    Args:
        mask: bool (T, H, W), at least one True in every frame.

    Returns:
        np.ndarray: int (T, 4) as x1, y1, x2, y2 in px, the end excluded. An actor that crosses the
        border of the torus has a box as wide (or tall) as the frame.
    """
    covered = mask.any(1), mask.any(2)  # columns and rows
    firsts = [line.argmax(1) for line in covered]
    ends = [line.shape[1] - line[:, ::-1].argmax(1) for line in covered]
    return np.stack([*firsts, *ends], axis=1)
