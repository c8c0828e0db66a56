"""Turning a clip's description into frames, masks and boxes."""

from dataclasses import dataclass

import numpy as np

from .looks import TEMPLATE, TEMPLATE_TO_FRAME, actor_template
from .motions import Trajectory


@dataclass(frozen=True)
class Actor:
    """An actor in T frames.

    Attributes:
        rgb (np.ndarray): uint8 (T, H, W, 3); meaningful where ``mask`` is True.
        mask (np.ndarray): bool (T, H, W).
    """

    rgb: np.ndarray
    mask: np.ndarray


def draw_actor(look: int, trajectory: Trajectory, side: int) -> Actor:
    """Draw an actor along its trajectory on a torus (what leaves on one side enters on the other).

    Args:
        look (int): Look id.
        trajectory (Trajectory): Pose in each of the T frames.
        side (int): Side of the square frame in px.

    Returns:
        Actor: Nearest-neighbour rendering, hard mask.
    """
    texture, silhouette = actor_template(look)
    # One empty px all around: whatever lies outside the template is clipped onto it.
    texture = np.pad(texture, ((1, 1), (1, 1), (0, 0)))
    silhouette = np.pad(silhouette, 1)
    centre, last = TEMPLATE // 2 + 1, TEMPLATE + 1

    half_frame = side // 2
    rows, cols = np.mgrid[-half_frame:side - half_frame, -half_frame:side - half_frame]
    size = trajectory.scale * TEMPLATE_TO_FRAME
    cos, sin = np.cos(trajectory.angle) / size, np.sin(trajectory.angle) / size
    rgb, mask = [], []
    for t, (dx, dy) in enumerate(zip(trajectory.x, trajectory.y, strict=True)):
        if t == 0 or cos[t] != cos[t - 1] or sin[t] != sin[t - 1]:
            u = np.clip(np.rint(cos[t] * cols + sin[t] * rows).astype(np.intp) + centre, 0, last)
            v = np.clip(np.rint(cos[t] * rows - sin[t] * cols).astype(np.intp) + centre, 0, last)
            centred_rgb, centred_mask = texture[v, u], silhouette[v, u]
        shift = (int(dy) - half_frame, int(dx) - half_frame)
        rgb.append(np.roll(centred_rgb, shift, axis=(0, 1)))
        mask.append(np.roll(centred_mask, shift, axis=(0, 1)))
    return Actor(rgb=np.stack(rgb), mask=np.stack(mask))


def composite(actor: Actor, background: np.ndarray) -> np.ndarray:
    """Put an actor on a background with a hard mask (SCUBA's rule).

    Args:
        actor (Actor): T frames of an actor.
        background (np.ndarray): uint8, (H, W, 3) for a still or (T, H, W, 3).

    Returns:
        np.ndarray: uint8 (T, H, W, 3).
    """
    return np.where(actor.mask[..., None], actor.rgb, background)


def boxes(mask: np.ndarray) -> np.ndarray:
    """Tight boxes of a mask in each frame.

    Args:
        mask (np.ndarray): bool (T, H, W), at least one True in every frame.

    Returns:
        np.ndarray: int (T, 4) as x1, y1, x2, y2 in px, the end excluded. An actor that crosses the
        border of the torus has a box as wide (or tall) as the frame.
    """
    out = []
    for frame in mask:
        rows, cols = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
        out.append((cols[0], rows[0], cols[-1] + 1, rows[-1] + 1))
    return np.asarray(out, dtype=np.int64)
