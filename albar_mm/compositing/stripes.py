"""The sinusoid-stripe background of SCUBA (Li et al., StillMix, ICCV 2023)."""

import numpy as np
from PIL import Image

CANVAS = 384
"""Side of the square that is painted before rotation, in px: 1.5 x the output side."""
SIDE = 256
"""Side of the returned image, in px."""
_OFFSET = 128.0
"""Row about which the curve swings. The source paints a 256-row curve on a 384-row canvas."""
_CLIP = 255
"""First copy of a band is clipped here, not at the canvas border (kept for fidelity)."""


def stripe_columns(
    y: np.ndarray, half_thickness: float, spacing: float, canvas: int = CANVAS
) -> np.ndarray:
    """Painted rows of the canvas columns: bool, shape (canvas, W), True where the colour goes.

    ``y`` is the row of the curve in each of W columns, ``half_thickness`` that of a band,
    ``spacing`` the distance between two, more than 1; all in px.
    """
    low = np.maximum(0, y - half_thickness).astype(np.int64)
    high = np.minimum(_CLIP, y + half_thickness).astype(np.int64)
    copies = np.arange(-int(_CLIP / spacing) - 1, int(canvas / spacing) + 2)
    shifts = copies[:, None] * spacing
    # the source truncates toward 0, as astype does
    starts = (low + shifts).astype(np.int64).clip(0, canvas)
    ends = (high + shifts).astype(np.int64).clip(0, canvas)
    # a band begins with +1 and ends with -1: the running sum counts the bands over a pixel
    steps = np.zeros((canvas + 1, len(y)), np.int16)
    flat, columns = steps.reshape(-1), np.arange(len(y))
    np.add.at(flat, (starts * len(y) + columns).reshape(-1), np.int16(1))
    np.subtract.at(flat, (ends * len(y) + columns).reshape(-1), np.int16(1))
    return steps.cumsum(0, dtype=np.int16)[:-1] > 0


def stripe_image(rng: np.random.RandomState) -> np.ndarray:
    """Draw one random image of rotated sinusoid stripes: uint8 RGB (256, 256, 3) of two colours.

    All parameters are uniform: base colour in [0, 1)^3 and its complement, half-thickness 5-20 px,
    spacing 3-5 half-thicknesses, period 4-1004 px, amplitude 10-110 px, rotation 0-360 degrees. The
    same state of ``rng`` gives the same image.
    """
    base = rng.uniform(0, 1, size=3)
    half_thickness = rng.uniform(5, 20)
    spacing = half_thickness * rng.uniform(3, 5)
    omega = 2 * np.pi / rng.uniform(4, 1004)
    phase = omega * rng.uniform(-100, 100)
    amplitude = rng.uniform(10, 110)
    angle = rng.uniform(0, 360)

    y = amplitude * np.sin(omega * np.arange(CANVAS) + phase) + _OFFSET
    painted = stripe_columns(y, half_thickness, spacing)
    turned = Image.fromarray(painted.astype(np.uint8)).rotate(angle, Image.NEAREST, expand=True)
    left, top = (turned.width - SIDE) // 2, (turned.height - SIDE) // 2
    centre = turned.crop((left, top, left + SIDE, top + SIDE))
    colours = (255 * np.stack([base, 1 - base])).astype(np.uint8)
    centre.putpalette(colours.tobytes())  # much faster than to index an array of colours
    return np.asarray(centre.convert('RGB'))
