"""Which points of the pyramid answer for which action, and what they should say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

RANGES = ((0, 4), (4, 8), (8, 16), (16, 32), (32, 64), (64, 10000))
"""Of THUMOS14: how far the ends of an action may be from a point of each level, in snippets."""
_SAME_LENGTH = 1e-3


@dataclass(frozen=True)
class Points:
    """Points of all levels of a pyramid, one after another.

    Attributes:
        positions: On the axis of snippets, shape (P,); point i of a level lies at ``i * stride``.
        strides: Of the level of each, shape (P,).
        ranges: Of the level of each, shape (P, 2), both ends included.
    """

    positions: Tensor
    strides: Tensor
    ranges: Tensor

    @classmethod
    def of_levels(
        cls,
        lengths: Sequence[int],
        ranges: Sequence[tuple[float, float]] = RANGES,
        device: torch.device | str = 'cpu',
    ) -> Points:
        """Points of levels whose strides double.

        Args:
            lengths: Number of points of each level.
            ranges: Of each level.
            device: Where they are.

        Raises:
            ValueError: There are not as many ranges as levels.
        """
        if len(lengths) != len(ranges):
            raise ValueError(f'{len(lengths)} levels and {len(ranges)} ranges; expected one each')
        strides = [2.0**level for level in range(len(lengths))]
        positions = [
            torch.arange(length, device=device) * stride
            for length, stride in zip(lengths, strides, strict=True)
        ]
        counts = torch.tensor(list(lengths), device=device)
        return cls(
            torch.cat(positions).float(),
            torch.tensor(strides, device=device).repeat_interleave(counts),
            torch.tensor(list(ranges), dtype=torch.float32, device=device).repeat_interleave(
                counts, 0
            ),
        )


def assign_targets(
    points: Points, segments: Tensor, labels: Tensor, num_classes: int, radius: float = 1.5
) -> tuple[Tensor, Tensor]:
    """Targets of every point (ActionFormer, section 3.3; the same in TriDet).

    A point is positive for an action when it lies strictly within ``radius`` strides of its centre
    and within the action, and the farther end of the action is in the range of its level. Of
    several the shortest counts; others of the same length and extent (two classes that are
    annotated at once) give their class as well.

    Args:
        points: See :class:`Points`.
        segments: Begin and end on the axis of snippets, shape (n, 2).
        labels: Class of each, int64, shape (n,).
        num_classes: K.
        radius: In strides.

    Returns:
        Classes, float32 of shape (P, K) with 0 and 1; distances to begin and end in strides of the
        level, shape (P, 2), 0 where no class is set.
    """
    count = len(points.positions)
    classes = torch.zeros(count, num_classes, device=points.positions.device)
    distances = torch.zeros(count, 2, device=points.positions.device)
    if not len(segments):
        return classes, distances
    left = points.positions[:, None] - segments[None, :, 0]
    right = segments[None, :, 1] - points.positions[:, None]
    centres = segments.mean(1)
    reach = radius * points.strides[:, None]
    begin = torch.maximum(centres - reach, segments[:, 0])
    end = torch.minimum(centres + reach, segments[:, 1])
    near = (points.positions[:, None] > begin) & (points.positions[:, None] < end)
    farther = torch.maximum(left, right)
    fits = (farther >= points.ranges[:, :1]) & (farther <= points.ranges[:, 1:])
    lengths = (segments[:, 1] - segments[:, 0]).expand(count, -1)
    lengths = torch.where(near & fits, lengths, torch.inf)
    shortest, which = lengths.min(1)
    positive = torch.isfinite(shortest)
    alike = (lengths <= shortest[:, None] + _SAME_LENGTH) & positive[:, None]
    classes.index_add_(1, labels, alike.float())
    classes.clamp_(max=1)
    rows = torch.arange(count, device=which.device)
    both = torch.stack([left[rows, which], right[rows, which]], 1) / points.strides[:, None]
    return classes, torch.where(positive[:, None], both, distances)
