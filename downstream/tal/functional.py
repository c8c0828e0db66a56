"""Pure functions of temporal localisation: IoU, suppression without a build step, voting, mAP.

Segments lie on any axis (seconds or snippets), as float tensors on any device; all classes are
treated at once. On the CPU suppression runs compiled where numba is installed, else in PyTorch:
both do the same operations in the same precision and break ties alike. No gradient flows through
the scores it gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from albar_mm.utils.numbers import one_of

from .scores import temporal_map as temporal_map  # the score of a test is at hand here too

_LENGTH = 1e-6
"""Added to every length, as published code does: segments of no length have an IoU then."""


def segment_iou(one: Tensor, other: Tensor) -> Tensor:
    """Temporal IoU in [0, 1], shape (...).

    Args:
        one: Begin and end, shape (..., 2).
        other: The same, of a shape that broadcasts.
    """
    overlap = torch.minimum(one[..., 1], other[..., 1]) - torch.maximum(one[..., 0], other[..., 0])
    overlap = overlap.clamp_min(0)
    lengths = (one[..., 1] - one[..., 0] + _LENGTH) + (other[..., 1] - other[..., 0] + _LENGTH)
    return overlap / (lengths - overlap)


def nms(
    segments: Tensor,
    scores: Tensor,
    labels: Tensor | None = None,
    iou_threshold: float = 0.5,
    max_segments: int = 2000,
    *,
    per_class: bool = True,
    kernel: str = 'auto',
) -> Tensor:
    """Hard suppression: of segments that overlap, the best one stays.

    Args:
        segments: Shape (n, 2).
        scores: Shape (n,).
        labels: Class of each, int64, shape (n,). None: all are of one.
        iou_threshold: IoU from which the weaker segment goes.
        max_segments: Best ones that stay.
        per_class: Segments of other classes do not suppress each other; False: they do, and each
            keeps its class.
        kernel: ``'numba'``, ``'torch'``, or ``'auto'``: numba on the CPU where it is installed.

    Returns:
        Indices of those that stay, best first; of equal scores the first one given is better.

    Raises:
        ValueError: Segments, scores or labels do not fit, or another ``kernel``.
        ImportError: ``kernel='numba'`` without numba.
    """
    _check(segments, scores, labels)
    if labels is None or not per_class:
        kinds = torch.zeros_like(scores, dtype=torch.int64)
    else:
        kinds = labels.unique(return_inverse=True)[1]
    boxes = segments.detach()
    order = torch.argsort(scores, descending=True, stable=True)
    compiled = _compiled(kernel, boxes)
    if compiled is None or not len(order):
        return _hard(boxes, order, kinds, iou_threshold, max_segments)
    begin, end, scalar = _ends(boxes)
    count, kinds = int(kinds.max()) + 1, np.ascontiguousarray(kinds)
    limits = scalar(iou_threshold), max_segments, scalar(_LENGTH)
    kept = compiled.hard_suppression(begin, end, order.numpy(), kinds, count, *limits)
    return torch.from_numpy(kept)


def soft_nms(
    segments: Tensor,
    scores: Tensor,
    labels: Tensor | None = None,
    sigma: float = 0.5,
    min_score: float = 0.001,
    max_segments: int = 2000,
    *,
    per_class: bool = True,
    kernel: str = 'auto',
) -> tuple[Tensor, Tensor, Tensor]:
    """Gaussian soft suppression (Bodla et al., ICCV 2017), as ActionFormer and TriDet use it.

    In each class the best segment is taken, and the scores of the others fall by
    ``exp(-IoU^2 / sigma)``, again and again. Those below ``min_score`` go, but for the first of a
    class. Of equal scores the lower class comes first, in a class the first one given.

    Args:
        segments: Shape (n, 2).
        scores: At least 0, shape (n,).
        labels: Class of each, int64, shape (n,); None: all are of one.
        sigma: Width of the fall.
        min_score: Score from which a segment stays.
        max_segments: Best ones that stay, of each class and of all.
        per_class: See :func:`nms`.
        kernel: See there.

    Returns:
        Segments, scores and labels of those that stay, best first.

    Raises:
        ValueError: Segments, scores, labels or settings do not fit, or another ``kernel``.
        ImportError: ``kernel='numba'`` without numba.
    """
    videos = [segments], [scores], None if labels is None else [labels]
    limits = sigma, min_score, max_segments
    return soft_nms_batch(*videos, *limits, per_class=per_class, kernel=kernel)[0]


def soft_nms_batch(
    segments: Sequence[Tensor],
    scores: Sequence[Tensor],
    labels: Sequence[Tensor] | None = None,
    sigma: float = 0.5,
    min_score: float = 0.001,
    max_segments: int = 2000,
    *,
    per_class: bool = True,
    kernel: str = 'auto',
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """:func:`soft_nms` of several videos at once: each class of each video is a class of its own.

    Arguments are as there, segments, scores and labels those of each video, and so is what is
    returned.

    Raises:
        ValueError: As :func:`soft_nms`, or not as many of each as videos.
        ImportError: ``kernel='numba'`` without numba.
    """
    if labels is None:
        labels = [torch.zeros_like(score, dtype=torch.int64) for score in scores]
    if not len(segments) == len(scores) == len(labels):
        raise ValueError(
            f'segments of {len(segments)} videos, scores of {len(scores)} and labels '
            f'of {len(labels)}; expected as many of each'
        )
    if not (sigma > 0 and min_score >= 0):
        raise ValueError(
            f'sigma is {sigma} and min_score {min_score}; expected sigma above 0 and min_score 0 '
            'or more'
        )
    if not len(segments):
        return []
    for given in zip(segments, scores, labels, strict=True):
        _check(*given)
    boxes, before, classes = (torch.cat(list(part)) for part in (segments, scores, labels))
    if not len(boxes):
        return list(zip(segments, scores, labels, strict=True))
    counts = torch.tensor([len(score) for score in scores], device=before.device)
    video = torch.arange(len(counts), device=before.device).repeat_interleave(counts)
    own = classes.long() - int(classes.min()) if per_class else torch.zeros_like(video)
    kinds = (video * (own.max() + 1) + own).unique(return_inverse=True)[1]
    index, left = _soft_suppression(boxes, before, kinds, sigma, min_score, max_segments, kernel)
    order = left.argsort(descending=True, stable=True)
    order = order[video[index[order]].argsort(stable=True)]
    index, left = index[order], left[order]
    parts = torch.bincount(video[index], minlength=len(counts)).tolist()
    kept = [
        (part[:max_segments], value[:max_segments])
        for part, value in zip(index.split(parts), left.split(parts), strict=True)
    ]
    return [(boxes[part], value, classes[part]) for part, value in kept]


def vote(
    kept: Tensor,
    segments: Tensor,
    scores: Tensor,
    iou_threshold: float = 0.7,
    by_overlap: bool = False,
) -> Tensor:
    """Move each segment to the mean of all that lie over it, weighted by their scores.

    Args:
        kept: Segments that a suppression left, shape (m, 2).
        segments: All segments before it, shape (n, 2).
        scores: Their scores, shape (n,).
        iou_threshold: IoU from which a segment votes.
        by_overlap: Weight by score and IoU, as ActionFormer; else by score alone, as TriDet.
    """
    iou = segment_iou(kept[:, None], segments[None])
    weight = torch.where(iou >= iou_threshold, scores[None], 0.0)
    weight = weight * iou if by_overlap else weight
    return weight @ segments / weight.sum(1, keepdim=True).clamp_min(torch.finfo(iou.dtype).tiny)


@dataclass(frozen=True)
class PostProcessing:
    """From candidates to what is told of a video; the defaults are TriDet's for THUMOS14.

    Attributes:
        min_score: Score above which a point and class become a candidate.
        max_per_level: Best candidates of each level.
        min_length: Length above which a candidate is kept, in snippets.
        method: ``'soft'``, ``'hard'`` or ``'none'``.
        sigma: Of soft suppression.
        suppressed_below: Score below which soft suppression drops a segment.
        iou_threshold: Of hard suppression.
        max_segments: Of a video, and of each class.
        per_class: Classes do not suppress each other.
        voting: IoU from which suppressed segments move those that stay; 0: none do. Only where
            classes suppress each other, as in the official code.
    """

    min_score: float = 0.001
    max_per_level: int = 2000
    min_length: float = 0.05
    method: str = 'soft'
    sigma: float = 0.5
    suppressed_below: float = 0.001
    iou_threshold: float = 0.1
    max_segments: int = 2000
    per_class: bool = True
    voting: float = 0.7

    def __post_init__(self) -> None:
        one_of(self.method, ('soft', 'hard', 'none'), 'method')

    def __call__(
        self, segments: Sequence[Tensor], scores: Sequence[Tensor], labels: Sequence[Tensor]
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Suppress the candidates of several videos.

        Args:
            segments: Of each video, shape (n, 2).
            scores: Of each video, shape (n,).
            labels: Of each video, int64, shape (n,).

        Returns:
            For each video segments, scores and labels, best first.
        """
        videos = list(zip(segments, scores, labels, strict=True))
        if self.method == 'soft':
            limits = self.sigma, self.suppressed_below, self.max_segments
            kept = soft_nms_batch(segments, scores, labels, *limits, per_class=self.per_class)
        else:
            kept = [tuple(part[self._order(*video)] for part in video) for video in videos]
        if self.method == 'none' or self.per_class or not self.voting:
            return kept
        return [
            (vote(found[0], video[0], video[1], self.voting), *found[1:])
            for found, video in zip(kept, videos, strict=True)
        ]

    def _order(self, segments: Tensor, scores: Tensor, labels: Tensor) -> Tensor:
        """Indices of those that stay, best first."""
        if self.method == 'none':
            return torch.argsort(scores, descending=True, stable=True)[: self.max_segments]
        limits = self.iou_threshold, self.max_segments
        return nms(segments, scores, labels, *limits, per_class=self.per_class)


def _check(segments: Tensor, scores: Tensor, labels: Tensor | None) -> None:
    fits = segments.ndim == 2 and segments.shape[1] == 2 and scores.shape == segments.shape[:1]
    if not fits or (labels is not None and labels.shape != scores.shape):
        raise ValueError(
            f'segments of shape {tuple(segments.shape)} and scores of shape '
            f'{tuple(scores.shape)}; expected (n, 2) and (n,), and one label for each'
        )
    if labels is not None and labels.is_floating_point():
        raise ValueError(f'labels are {labels.dtype}; expected whole numbers, e.g. torch.int64')
    if not (segments.isfinite().all() and scores.isfinite().all()):
        raise ValueError(
            'segments and scores must be finite: look for nan or inf in the outputs of the network'
        )
    if (segments[:, 0] > segments[:, 1]).any():
        raise ValueError('a segment ends before it begins; expected (begin, end)')


def _ends(segments: Tensor) -> tuple[np.ndarray, np.ndarray, type]:
    """Begins, ends, and what makes a scalar of their precision."""
    begin, end = (np.ascontiguousarray(segments[:, place]) for place in (0, 1))
    return begin, end, begin.dtype.type


def _compiled(kernel: str, segments: Tensor) -> ModuleType | None:
    """The compiled functions where they are wanted and fit the segments, else None."""
    one_of(kernel, ('auto', 'numba', 'torch'), 'kernel')
    fits = segments.device.type == 'cpu' and segments.dtype in (torch.float32, torch.float64)
    if kernel == 'torch' or (kernel == 'auto' and not fits):
        return None
    if not fits:
        raise ValueError(
            f"kernel 'numba' takes float32 and float64 on the CPU, not "
            f"{segments.dtype} on {segments.device}: use 'auto'"
        )
    found = _import_compiled()
    if found is None and kernel == 'numba':
        raise ImportError('kernel \'numba\' needs numba: pip install "albar_mm[fast]"')
    return found


@cache
def _import_compiled() -> ModuleType | None:
    try:
        return import_module('._numba_kernels', __package__)
    except (ImportError, OSError):  # absent, or not for this numpy or system
        return None


def _soft_suppression(
    segments: Tensor,
    scores: Tensor,
    kinds: Tensor,
    sigma: float,
    min_score: float,
    max_segments: int,
    kernel: str,
) -> tuple[Tensor, Tensor]:
    """Indices and new scores of those that stay, class by class, best first.

    Classes are 0, 1, ... without a gap; there is at least one segment.
    """
    dtype = torch.promote_types(segments.dtype, scores.dtype)
    boxes, scores = segments.detach().to(dtype), scores.detach().to(dtype)
    compiled = _compiled(kernel, boxes)
    if compiled is not None:
        begin, end, scalar = _ends(boxes)
        name, starts = np.lexsort((begin, kinds)), np.r_[0, np.cumsum(np.bincount(kinds))]
        given = begin[name], end[name], np.asarray(scores)[name], name, starts
        limits = scalar(sigma), scalar(min_score), max_segments, scalar(_LENGTH)
        index, left = compiled.soft_suppression(*given, *limits)
        return torch.from_numpy(index), torch.from_numpy(left)
    table, members = _by_class(kinds)
    boxes, left = boxes[table], torch.where(members, scores[table], -torch.inf)
    numbers = torch.arange(len(table), device=scores.device)
    taken, values, classes = [], [], []
    for number in range(min(max_segments, table.shape[1])):
        rows = torch.arange(len(table), device=scores.device)
        best = left.argmax(1)
        value = left[rows, best]
        going = torch.isfinite(value)
        if not going.any():
            break
        chosen = boxes[rows, best]
        taken.append(table[rows, best][going])
        values.append(value[going])
        classes.append(numbers[going])
        left[rows, best] = -torch.inf
        left = left * torch.exp(-segment_iou(chosen[:, None], boxes).square() / sigma)
        left = torch.where(left < min_score, -torch.inf, left)
        if number % 32 == 31 and len(table) > 1:  # classes that are done need no more work
            still = torch.isfinite(left).any(1)
            table, boxes, left, numbers = table[still], boxes[still], left[still], numbers[still]
    order = torch.argsort(torch.cat(classes), stable=True)
    return torch.cat(taken)[order], torch.cat(values)[order]


def _hard(
    segments: Tensor, order: Tensor, kinds: Tensor, iou_threshold: float, max_segments: int
) -> Tensor:
    kept: list[int] = []
    alive = torch.ones(len(order), dtype=torch.bool, device=order.device)
    segments, kinds = segments[order], kinds[order]
    for place in range(len(order)):
        if len(kept) == max_segments:
            break
        if alive[place]:
            kept.append(place)
            over = segment_iou(segments[place], segments) >= iou_threshold
            alive &= ~(over & (kinds == kinds[place]))
    return order[torch.tensor(kept, dtype=torch.int64, device=order.device)]


def _by_class(kinds: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the members of each class, (kinds, most), and which of them are members."""
    order = torch.argsort(kinds, stable=True)
    counts = torch.bincount(kinds)
    starts = counts.cumsum(0) - counts
    column = torch.arange(int(counts.max()), device=kinds.device)
    members = column < counts[:, None]
    return order[(starts[:, None] + column).clamp_max(len(order) - 1)], members
