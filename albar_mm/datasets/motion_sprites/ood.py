"""SCUBA, SCUFO and Confl-FG variants of the IID test clips."""

import numpy as np

from .clips import SIDE, ClipSpec, clip_actor, clip_trajectory, ood_background
from .looks import rng_for
from .render import Actor, composite

FAMILIES = {'Scene': 'scene', 'Texture': 'texture', 'Stripe': 'stripe'}
"""Background name in the folder -> background family."""
CONFLICT_BACKGROUND = 'Stripe'


def scuba_frames(spec: ClipSpec, background: str) -> np.ndarray:
    """The clip's own moving actor on an unrelated still background, uint8 (8, 64, 64, 3).

    Args:
        spec: Source clip.
        background: Key of ``FAMILIES``.
    """
    return composite(clip_actor(spec), ood_background(spec, FAMILIES[background]))


def scufo_index(spec: ClipSpec, background: str, frames: int) -> int:
    """Frame of the SCUBA clip that its SCUFO partner repeats."""
    return int(rng_for(spec.seed, spec.split, spec.index, 'scufo', background).randint(frames))


def conflict_partner(spec: ClipSpec, candidates: list[ClipSpec]) -> ClipSpec:
    """Clip of another class whose actor is pasted, still, into ``spec``'s clip.

    Raises:
        ValueError: If every candidate has the host's label.
    """
    others = [c for c in candidates if c.label != spec.label]
    if not others:
        raise ValueError(f'no clip of another class to paste into {spec.name}')
    return others[rng_for(spec.seed, spec.split, spec.index, 'partner').randint(len(others))]


def conflict_frames(spec: ClipSpec, partner: ClipSpec) -> np.ndarray:
    """Moving host over a still foreign actor over the host's stripes, uint8 (8, 64, 64, 3).

    The still actor keeps its row and is moved, along the torus, half a frame away from the host's
    mean column, which limits the overlap.

    Args:
        spec: Host clip; its label is the label.
        partner: Clip that lends one frame of its actor.
    """
    host, foreign = clip_actor(spec), clip_actor(partner)
    rng = rng_for(spec.seed, spec.split, spec.index, 'conflict')
    t = rng.randint(len(foreign.mask))
    # On a torus the mean column is the argument of the mean of unit phasors.
    phasors = np.exp(2j * np.pi * clip_trajectory(spec).x / SIDE)
    host_column = int(np.angle(phasors.mean()) / (2 * np.pi) * SIDE)
    shift = host_column + SIDE // 2 - int(clip_trajectory(partner).x[t])
    still = Actor(
        rgb=np.roll(foreign.rgb[t : t + 1], shift, axis=2),
        mask=np.roll(foreign.mask[t : t + 1], shift, axis=2),
    )
    with_still = composite(still, ood_background(spec, FAMILIES[CONFLICT_BACKGROUND]))
    return composite(host, with_still)
