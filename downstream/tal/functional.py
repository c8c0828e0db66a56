"""Pure functions of temporal localisation: IoU, suppression without a build step, voting, mAP.

Segments lie on any axis (seconds or snippets), as float tensors on any device; all classes are
treated at once. On the CPU suppression runs compiled where numba is installed, else in PyTorch.
No gradient flows through the scores it gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ._suppression import hard_suppression, segment_iou, soft_suppression
from .average_precision import temporal_map

__all__ = ['nms', 'segment_iou', 'soft_nms', 'soft_nms_batch', 'temporal_map', 'vote']


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
    one = labels is None or not per_class
    kinds = (
        torch.zeros_like(scores, dtype=torch.int64)
        if one
        else (labels.unique(return_inverse=True)[1])
    )
    return hard_suppression(segments, scores, kinds, iou_threshold, max_segments, kernel)


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
        per_class: Segments of other classes do not suppress each other; False: they do, and each
            keeps its class.
        kernel: ``'numba'``, ``'torch'``, or ``'auto'``: numba on the CPU where it is installed.

    Returns:
        Segments, scores and labels of those that stay, best first.

    Raises:
        ValueError: Segments, scores, labels or settings do not fit, or another ``kernel``.
        ImportError: ``kernel='numba'`` without numba.
    """
    given = None if labels is None else [labels]
    return soft_nms_batch(
        [segments],
        [scores],
        given,
        sigma,
        min_score,
        max_segments,
        per_class=per_class,
        kernel=kernel,
    )[0]


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

    Args:
        segments: Of each video, shape (n, 2).
        scores: Of each video, at least 0, shape (n,).
        labels: Of each video, int64, shape (n,); None: all are of one class.
        sigma: Width of the fall.
        min_score: Score from which a segment stays.
        max_segments: Best ones that stay, of each class and of each video.
        per_class: As of :func:`soft_nms`.
        kernel: As of :func:`soft_nms`.

    Returns:
        Of each video what :func:`soft_nms` returns.

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
            f'sigma is {sigma} and min_score {min_score}; expected sigma above 0 and '
            'min_score 0 or more'
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
    index, left = soft_suppression(boxes, before, kinds, sigma, min_score, max_segments, kernel)
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

    Returns:
        Shape (m, 2).
    """
    iou = segment_iou(kept[:, None], segments[None])
    weight = torch.where(iou >= iou_threshold, scores[None], 0.0)
    weight = weight * iou if by_overlap else weight
    return weight @ segments / weight.sum(1, keepdim=True).clamp_min(torch.finfo(iou.dtype).tiny)


def _check(segments: Tensor, scores: Tensor, labels: Tensor | None) -> None:
    if (
        segments.ndim != 2
        or segments.shape[1] != 2
        or scores.shape != segments.shape[:1]
        or (labels is not None and labels.shape != scores.shape)
    ):
        raise ValueError(
            f'segments of shape {tuple(segments.shape)} and scores of shape '
            f'{tuple(scores.shape)}; expected (n, 2) and (n,), and one label for '
            'each'
        )
    if labels is not None and labels.is_floating_point():
        raise ValueError(f'labels are {labels.dtype}; expected whole numbers, e.g. torch.int64')
    if not (segments.isfinite().all() and scores.isfinite().all()):
        raise ValueError(
            'segments and scores must be finite: look for nan or inf in the outputs of the network'
        )
    if (segments[:, 0] > segments[:, 1]).any():
        raise ValueError('a segment ends before it begins; expected (begin, end)')
