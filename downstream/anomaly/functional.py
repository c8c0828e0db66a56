"""Pure functions: pooling to segments, frame-level truth and frame-level scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

TOLERANCE = 3
"""Frames that an event may end past its video; seven official test videos of UCF-Crime need it."""


def pool_segments(features: ArrayLike, num_segments: int = 32) -> np.ndarray:
    """Bring a video to a fixed number of segments, as Sultani et al. (CVPR 2018) and MGFN do.

    Segment i is the mean of the snippets from ``floor(i * T / S)`` up to, and without,
    ``floor((i + 1) * T / S)``, or that first snippet where there is none between. Fewer snippets
    than segments are repeated; as many stay as they are.

    Args:
        features: Shape (T, ...), T >= 1.
        num_segments: S, at least 1.

    Returns:
        float32, shape (S, ...).

    Raises:
        ValueError: There is no snippet or no segment.
    """
    features = np.asarray(features, np.float32)
    if features.ndim < 1 or not len(features) or num_segments < 1:
        raise ValueError(
            f'features of shape {features.shape} to {num_segments} segments; expected '
            'at least one of each'
        )
    bounds = np.arange(num_segments + 1) * len(features) // num_segments
    counts = np.maximum(np.diff(bounds), 1).astype(np.float32)
    # of an empty range, reduceat gives the row where it begins
    sums = np.add.reduceat(features, bounds[:-1], axis=0)
    return sums / counts.reshape(-1, *[1] * (features.ndim - 1))


def frame_ground_truth(
    num_frames: int,
    events: Sequence[tuple[int, int]],
    first_frame: int = 0,
    tolerance: int = TOLERANCE,
) -> np.ndarray:
    """Which frames of a video are anomalous.

    Args:
        num_frames: N, frames of the video itself, whatever snippets it is cut into.
        events: First and last frame of each event, both anomalous.
        first_frame: Number of the first frame of a video in the annotation: 0, as published code
            reads that of UCF-Crime (84,331 anomalous frames in its test set), or 1 (84,338).
        tolerance: Frames that an event may end past the video; it is cut there.

    Returns:
        bool, shape (N,).

    Raises:
        ValueError: An event ends before it begins, begins outside the video, or ends further past
            it than that.
    """
    if first_frame not in (0, 1):
        raise ValueError(f'first_frame is {first_frame}; expected 0 or 1')
    truth = np.zeros(num_frames, bool)
    for start, end in events:
        begin, last = start - first_frame, end - first_frame
        if not 0 <= begin <= last or begin >= num_frames:
            raise ValueError(
                f'event {start} to {end}: not in a video of {num_frames} frames '
                f'counted from {first_frame}'
            )
        if last - (num_frames - 1) > tolerance:
            raise ValueError(
                f'event {start} to {end}: ends {last - (num_frames - 1)} frames past '
                f'a video of {num_frames} frames counted from {first_frame}; up to '
                f'{tolerance} are cut off'
            )
        truth[begin : last + 1] = True
    return truth


@dataclass(frozen=True)
class FrameCounts:
    """Scores and how many frames have each: exact, and as small as the number of snippets.

    scikit-learn's areas over every frame take thirty times as long, and a bootstrap draws a
    thousand.

    Attributes:
        scores: Shape (n,), higher is more anomalous.
        positives: Anomalous frames with that score, int64, shape (n,).
        negatives: Normal frames with that score, int64, shape (n,).
    """

    scores: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    @classmethod
    def of_frames(cls, scores: ArrayLike, truth: ArrayLike) -> 'FrameCounts':
        """One entry a frame.

        Args:
            scores: Shape (n,).
            truth: bool, shape (n,).

        Raises:
            ValueError: They differ in length, or a score is not finite.
        """
        scores, truth = np.asarray(scores, np.float64), np.asarray(truth, bool)
        if scores.shape != truth.shape:
            raise ValueError(
                f'scores of shape {scores.shape} and truth of shape {truth.shape}; '
                'expected one score and one truth a frame'
            )
        return cls.of_snippets(scores, truth, np.arange(len(truth)))

    @classmethod
    def of_snippets(cls, scores: ArrayLike, truth: ArrayLike, snippets: ArrayLike) -> 'FrameCounts':
        """One entry a snippet.

        Args:
            scores: Of the snippets, shape (T,).
            truth: Of the frames, bool, shape (N,).
            snippets: Which snippet's score each frame has, shape (N,).

        Raises:
            ValueError: Frames differ in number, or a score is not finite.
        """
        scores, truth = np.asarray(scores, np.float64), np.asarray(truth, bool)
        snippets = np.asarray(snippets, np.int64)
        if truth.shape != snippets.shape or scores.ndim != 1 or not np.isfinite(scores).all():
            raise ValueError(
                f'{len(scores)} snippets, truth of shape {truth.shape} and snippets of frames of '
                f'shape {snippets.shape}; expected one truth and one snippet a frame, and finite '
                'scores'
            )
        positives = np.bincount(snippets[truth], minlength=len(scores))
        return cls(scores, positives, np.bincount(snippets[~truth], minlength=len(scores)))

    @classmethod
    def joined(cls, parts: Sequence['FrameCounts']) -> 'FrameCounts':
        """Frames of several videos, pooled."""
        rows = [np.zeros((3, 0)), *((p.scores, p.positives, p.negatives) for p in parts)]
        scores, positives, negatives = map(np.concatenate, zip(*rows, strict=True))
        return cls(scores, positives.astype(np.int64), negatives.astype(np.int64))

    def hits(self) -> tuple[np.ndarray, np.ndarray]:
        """Anomalous and normal frames at or above each score that occurs, from the highest down."""
        order, last = self.sorted()
        return np.cumsum(self.positives[order])[last], np.cumsum(self.negatives[order])[last]

    def sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """Order of the scores from the highest down, and where each run of equal ones ends."""
        order = np.argsort(-self.scores, kind='stable')
        return order, np.flatnonzero(np.diff(self.scores[order], append=np.nan) != 0)


def roc_auc(counts: FrameCounts) -> float:
    """Area under the receiver operating characteristic, in [0, 1]; equal scores count half.

    Args:
        counts: Frames and their scores.

    Returns:
        NaN where there are only anomalous or only normal frames.
    """
    return _auc(*counts.hits())


def average_precision(counts: FrameCounts) -> float:
    """Average precision in [0, 1]: precision summed over the steps of recall, not interpolated.

    Args:
        counts: Frames and their scores.

    Returns:
        NaN where there is no anomalous frame.
    """
    hits, alarms = counts.hits()
    if not hits[-1:].any():
        return float('nan')
    steps = np.diff(hits, prepend=0) / hits[-1]
    return float((steps * hits / np.maximum(hits + alarms, 1)).sum())


def frame_auc(scores: ArrayLike, truth: ArrayLike) -> float:
    """ROC-AUC over frames, in [0, 1].

    Args:
        scores: Shape (n,), finite; higher is more anomalous.
        truth: bool, shape (n,).

    Returns:
        NaN where there are only anomalous or only normal frames.

    Raises:
        ValueError: They differ in length, or a score is not finite.

    Example:
        >>> round(frame_auc([.1, .1, .9, .9, .4, .4, .4, .4], [0, 0, 1, 1, 0, 1, 0, 0]), 6)
        0.9
    """
    return roc_auc(FrameCounts.of_frames(scores, truth))


def false_alarm_rate(counts: FrameCounts, threshold: float = 0.5) -> float:
    """Share of normal frames that score at least ``threshold``, in [0, 1].

    Args:
        counts: Frames and their scores; of normal videos, by convention.
        threshold: Score from which a frame is an alarm.

    Returns:
        NaN where there is no normal frame.
    """
    alarms, total = counts.negatives[counts.scores >= threshold].sum(), counts.negatives.sum()
    return float(alarms / total) if total else float('nan')


def bootstrap_interval(
    parts: Sequence[FrameCounts], repeats: int = 1000, seed: int = 0, share: float = 0.95
) -> tuple[float, float]:
    """Interval of the pooled AUC when videos are drawn anew, with replacement.

    Args:
        parts: Counts of each video: frames of one video are not independent.
        repeats: Draws; those with only anomalous or only normal frames are drawn again.
        seed: Of the draws.
        share: Of the draws that lie within.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: No draw can give an AUC.
    """
    pooled = FrameCounts.joined(parts)
    if np.isnan(roc_auc(pooled)):
        raise ValueError('an AUC needs anomalous and normal frames')
    random, values = np.random.default_rng(seed), []
    # sorted once: a draw only counts some videos twice and others not at all
    order, last = pooled.sorted()
    owner = np.repeat(np.arange(len(parts)), [len(part.scores) for part in parts])[order]
    positives, negatives = pooled.positives[order], pooled.negatives[order]
    while len(values) < repeats:
        drawn = random.integers(len(parts), size=len(parts))
        times = np.bincount(drawn, minlength=len(parts))[owner]
        value = _auc(np.cumsum(positives * times)[last], np.cumsum(negatives * times)[last])
        if not np.isnan(value):
            values.append(value)
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def _auc(hits: np.ndarray, alarms: np.ndarray) -> float:
    if not (hits[-1:].any() and alarms[-1:].any()):
        return float('nan')
    # by trapezoids; NumPy's function for it is called otherwise in each of its versions
    heights, at = np.r_[0, hits] / hits[-1], np.r_[0, alarms] / alarms[-1]
    return float(((heights[1:] + heights[:-1]) / 2 * np.diff(at)).sum())
