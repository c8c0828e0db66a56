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


def stripe_column(
    y: float, half_thickness: float, spacing: float, canvas: int = CANVAS
) -> np.ndarray:
    """Painted rows of one canvas column.

    Args:
        y (float): Row of the curve in this column, in px.
        half_thickness (float): Half the thickness of a band, in px.
        spacing (float): Distance between two bands, in px.
        canvas (int): Rows of the canvas. Defaults to 384.

    Returns:
        np.ndarray: bool, shape (canvas,), True where the stripe colour goes.
    """
    painted = np.zeros(canvas, dtype=bool)
    lo, hi = int(max(0, y - half_thickness)), int(min(_CLIP, y + half_thickness))
    painted[lo:hi] = True
    n = 1
    while int(hi - n * spacing) > 0:
        painted[max(0, int(lo - n * spacing)):int(hi - n * spacing)] = True
        n += 1
    n = 1
    while int(lo + n * spacing) < canvas:
        painted[int(lo + n * spacing):min(canvas, int(hi + n * spacing))] = True
        n += 1
    return painted


def stripe_image(rng: np.random.RandomState) -> np.ndarray:
    """Draw one random two-coloured image of rotated sinusoid stripes.

    All parameters are uniform: base colour in [0, 1)^3 and its complement, half-thickness 5-20 px,
    spacing 3-5 half-thicknesses, period 4-1004 px, amplitude 10-110 px, rotation 0-360 degrees.

    Args:
        rng (np.random.RandomState): Source of randomness; the same state gives the same image.

    Returns:
        np.ndarray: uint8 RGB, shape (256, 256, 3), exactly two colours.
    """
    base = rng.uniform(0, 1, size=3)
    half_thickness = rng.uniform(5, 20)
    spacing = half_thickness * rng.uniform(3, 5)
    omega = 2 * np.pi / rng.uniform(4, 1004)
    phase = omega * rng.uniform(-100, 100)
    amplitude = rng.uniform(10, 110)
    angle = rng.uniform(0, 360)

    y = amplitude * np.sin(omega * np.arange(CANVAS) + phase) + _OFFSET
    painted = np.stack([stripe_column(float(v), half_thickness, spacing) for v in y], axis=1)
    turned = Image.fromarray(painted.astype(np.uint8)).rotate(angle, Image.NEAREST, expand=True)
    painted = np.asarray(turned).astype(bool)
    top, left = (painted.shape[0] - SIDE) // 2, (painted.shape[1] - SIDE) // 2
    painted = painted[top:top + SIDE, left:left + SIDE]
    colours = (255 * np.stack([base, 1 - base])).astype(np.uint8)
    return colours[painted.astype(np.int64)]
