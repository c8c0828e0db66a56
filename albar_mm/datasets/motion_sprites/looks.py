"""What a ``motion_sprites`` clip shows: actor looks and backgrounds, drawn by plain NumPy.

Nothing here uses an image library's resampling, so that the pixels do not move with its version.
"""

import hashlib
from functools import lru_cache

import numpy as np

from albar_mm.compositing.stripes import stripe_image

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
