"""Turning a clip's description into frames, masks and boxes."""

from dataclasses import dataclass

import numpy as np

from .looks import TEMPLATE, TEMPLATE_TO_FRAME, actor_template
from .motions import Trajectory


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
    out = []
    for frame in mask:
        rows, cols = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
        out.append((cols[0], rows[0], cols[-1] + 1, rows[-1] + 1))
    return np.asarray(out, dtype=np.int64)
