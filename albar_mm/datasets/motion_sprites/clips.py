"""Which look and scene a clip gets: the spurious correlation, and how OOD variants break it."""

from dataclasses import dataclass

import numpy as np

from ...utils.numbers import one_of
from .looks import (
    CLASSES,
    Actor,
    Trajectory,
    composite,
    draw_actor,
    draw_trajectory,
    rng_for,
    scene_background,
    stripe_background,
    texture_background,
)

SIDE = 64
"""Side of the square frames in px."""
FRAMES = 8
"""Frames in a video."""
SCENES_PER_CLASS = 3
LOOKS_PER_CLASS = 2
FAMILIES = {'Scene': 'scene', 'Texture': 'texture', 'Stripe': 'stripe'}
"""Background name in the folder -> background family."""
CONFLICT_BACKGROUND = 'Stripe'
_UNSEEN_SCENES = 1_000_000
"""First id of the scenes that no training or IID video shows."""


@dataclass(frozen=True)
class ClipSpec:
    """Everything that fixes the pixels of an IID clip.

    Attributes:
        seed: Seed of the benchmark.
        split: Name of the split it belongs to.
        index: Position in the split.
        label: Motion class.
        scene: Scene id; ``scene // 3`` is the class that the scene hints at.
        look: Look id; ``look // 2`` is the class that the look hints at.
    """

    seed: int
    split: str
    index: int
    label: int
    scene: int
    look: int

    @property
    def name(self) -> str:
        """Video name, without extension."""
        return f'{self.split}_{self.index:05d}'


def _hinted_class(label: int, rate: float, rng: np.random.RandomState) -> int:
    """``label`` with probability ``rate``, else one of the other classes."""
    other = (label + 1 + rng.randint(len(CLASSES) - 1)) % len(CLASSES)
    return label if rng.uniform() < rate else other


def draw_clip(seed: int, split: str, index: int, scene_rate: float, look_rate: float) -> ClipSpec:
    """Draw label, scene and look of one clip; labels are balanced by construction.

    Args:
        seed: Seed of the benchmark.
        split: Name of the split.
        index: Position in the split; the label is ``index % 8``.
        scene_rate: Share of clips whose scene hints at the right class, in [0, 1].
        look_rate: Likewise for the actor's look. 1/8 makes either independent of the class.
    """
    rng = rng_for(seed, split, index, 'bias')
    label = index % len(CLASSES)
    scene = _hinted_class(label, scene_rate, rng) * SCENES_PER_CLASS + rng.randint(SCENES_PER_CLASS)
    look = _hinted_class(label, look_rate, rng) * LOOKS_PER_CLASS + rng.randint(LOOKS_PER_CLASS)
    return ClipSpec(seed, split, index, label, int(scene), int(look))


def clip_trajectory(spec: ClipSpec) -> Trajectory:
    """Poses of the clip's actor."""
    rng = rng_for(spec.seed, spec.split, spec.index, 'motion')
    return draw_trajectory(spec.label, FRAMES, SIDE, rng)


def clip_actor(spec: ClipSpec) -> Actor:
    """The clip's actor: what SCUBA keeps."""
    return draw_actor(spec.look, clip_trajectory(spec), SIDE)


def iid_frames(spec: ClipSpec) -> tuple[np.ndarray, np.ndarray]:
    """Frames and actor mask of an IID clip: uint8 RGB (8, 64, 64, 3) and bool (8, 64, 64)."""
    actor = clip_actor(spec)
    view = rng_for(spec.seed, spec.split, spec.index, 'view')
    return composite(actor, scene_background(spec.scene, SIDE, view)), actor.mask


def ood_background(spec: ClipSpec, family: str, k: int = 0) -> np.ndarray:
    """Background of the k-th OOD variant of a clip, uint8 (64, 64, 3).

    Args:
        spec: The source clip.
        family: 'scene' (scenes of the same kind as in training, none of them seen there),
            'texture' (abstract waves) or 'stripe' (SCUBA's sinusoid stripes).
        k: Number of the variant.
    """
    rng = rng_for(spec.seed, spec.split, spec.index, family, k)
    if one_of(family, FAMILIES.values(), 'background family') == 'scene':
        return scene_background(_UNSEEN_SCENES + rng.randint(1_000_000), SIDE, rng)
    return (texture_background if family == 'texture' else stripe_background)(SIDE, rng)


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
