"""How much background masks let through, and how much of the action it tells.

A mask that is larger than its actor shows a ring of the original background. SCUBA then measures,
in part, what it was made to exclude. Two numbers per mask source: the share of masked-in pixels
that are not actor, and the accuracy of a classifier that sees nothing but the ring.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..annotations.official_lists import hmdb51_source
from ..utils.errors import DatasetError
from ..utils.parallel import map_videos
from ..utils.text import name_some
from ..video.source_video import SourceVideo
from .masks.source import MaskSource, mean_share

WHOLE = 'whole background'
"""Name of the comparison in which the classifier sees all pixels outside of the silhouette."""
_UCF101 = re.compile(r'(?P<group>v_.+_g\d+)_c\d+')
_KINETICS = re.compile(r'(?P<group>.+)_\d{6}_\d{6}')
FEATURES = 'Lab histogram (4x4x4) and gradient orientations (8), square roots'
PROBE = 'ridge regression on one-hot labels, strength chosen on groups within the training folds'
STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
_INNER_FOLDS = 3
_COLOURS, _ORIENTATIONS = 64, 8
#: photos keep most of their pixels near grey, at 128: equal bins would tell nothing
_CHROMA_EDGES = (0, 118, 128, 138, 256)
_LAB_EDGES = ((0, 64, 128, 192, 256), _CHROMA_EDGES, _CHROMA_EDGES)


@dataclass(frozen=True)
class VideoLeakage:
    """One video under every mask source.

    Attributes:
        video: The source video, without its frames.
        group: Videos of one group show one scene or come from one film.
        outside: Source -> share of its masked-in pixels outside of the silhouette, in [0, 1];
            mean over frames with a silhouette and a mask; None if there is none.
        kept: Source -> share of the silhouette that it keeps, mean over frames.
        features: Source, or ``WHOLE`` -> features of the background it shows, shape (D,); all 0
            where it shows none.
    """

    video: SourceVideo
    group: str
    outside: dict[str, float | None]
    kept: dict[str, float]
    features: dict[str, np.ndarray]


@dataclass(frozen=True)
class SourceLeakage:
    """One mask source over all videos; shares are in [0, 1].

    Attributes:
        name: Name of the source, or ``WHOLE``.
        outside: Mean share of masked-in pixels outside of the silhouette; None for ``WHOLE``.
        outside_error: Its standard error, groups as units; None with a single group.
        kept: Mean share of the silhouette that is kept; None for ``WHOLE``.
        probe: Accuracy on the background it shows and its standard error, groups as units; None
            where it cannot be measured.
        empty: Videos that show no background at all beyond the margin.
    """

    name: str
    outside: float | None
    outside_error: float | None
    kept: float | None
    probe: tuple[float, float] | None
    empty: int


@dataclass(frozen=True)
class Leakage:
    """What was measured.

    Attributes:
        sources: One entry for every mask source, then ``WHOLE``.
        videos: The videos.
        classes: Number of classes.
        groups: Number of groups.
        majority: Accuracy of always naming the most frequent class.
        no_probe: Why no accuracy was measured; '' if it was.
        left_out: ``video`` and ``reason`` of videos that could not be measured.
    """

    sources: tuple[SourceLeakage, ...]
    videos: tuple[VideoLeakage, ...]
    classes: int
    groups: int
    majority: float
    no_probe: str
    left_out: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class LeakageMeter:
    """Measures one video at a time, in any process.

    ``silhouettes`` are the masks taken as the truth, ``sources`` those to judge, by name. The
    background of ``frames`` frames of a video is looked at; ``margin`` pixels next to the
    silhouette do not count as background, for silhouettes are not exact.
    """

    silhouettes: MaskSource
    sources: Mapping[str, MaskSource]
    frames: int = 4
    margin: int = 4

    def __call__(self, video: SourceVideo) -> VideoLeakage | dict[str, str]:
        """Measure a video, or say why not (``video`` and ``reason``)."""
        try:
            return self._measure(video)
        except DatasetError as error:
            return dict(video=video.video_id, reason=str(error))
        finally:
            video.forget_frames()

    def rings(
        self, video: SourceVideo
    ) -> tuple[np.ndarray, np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]]:
        """Pictures and regions of the frames that are looked at, e.g. to draw them.

        Frames uint8 (n, H, W, 3), silhouettes bool (n, H, W), and for every source its masks and
        rings, both bool (n, H, W).
        """
        truth, masks, chosen, far = self._regions(video)
        regions = {name: (mask[chosen], mask[chosen] & far) for name, mask in masks.items()}
        return video.frames[chosen], truth[chosen], regions

    def _measure(self, video: SourceVideo) -> VideoLeakage:
        truth, masks, chosen, far = self._regions(video)
        frames = video.frames[chosen]
        shown = {name: mask[chosen] & far for name, mask in masks.items()} | {WHOLE: far}
        present = truth.any((1, 2))
        actor, given = truth[present], {name: mask[present] for name, mask in masks.items()}
        return VideoLeakage(
            video,
            group_of(video),
            {name: mean_share(mask & ~actor, mask) for name, mask in given.items()},
            {name: mean_share(mask & actor, actor) for name, mask in given.items()},
            {name: background_features(frames, region) for name, region in shown.items()},
        )

    def _regions(self, video: SourceVideo) -> tuple[np.ndarray, dict, np.ndarray, np.ndarray]:
        """Silhouettes, masks by source, chosen frames, and what lies far from the actor in them."""
        truth = self.silhouettes.masks(video)
        masks = {name: source.masks(video) for name, source in self.sources.items()}
        present = np.flatnonzero(truth.any((1, 2)))
        if not present.size:
            raise DatasetError(
                f'video {video.video_id}: {self.silhouettes.name} has no silhouette in any frame'
            )
        places = np.linspace(0, present.size - 1, min(self.frames, present.size))
        chosen = present[places.round().astype(int)]
        return truth, masks, chosen, ~grown(truth[chosen], self.margin)


def measure_leakage(
    meter: LeakageMeter,
    videos: Sequence[SourceVideo],
    folds: int = 5,
    seed: int = 0,
    workers: int = 1,
) -> Leakage:
    """Measure all videos and probe their backgrounds, in ``folds`` drawn by ``seed``.

    Raises:
        DatasetError: No video could be measured.
    """
    found = map_videos(meter, videos, workers)
    measured = tuple(one for one in found if isinstance(one, VideoLeakage))
    left_out = tuple(one for one in found if isinstance(one, dict))
    if not measured:
        reasons = name_some({one['reason'] for one in left_out})
        raise DatasetError(f'no video could be measured: {reasons}')
    groups = [one.group for one in measured]
    counts = np.unique([one.video.label for one in measured], return_counts=True)[1]
    no_probe = ''
    if len(counts) < 2 or len(set(groups)) < 2:
        no_probe = (
            f'classes: {len(counts)}, groups: {len(set(groups))}; a classifier needs two of each'
        )
    how = None if no_probe else (folds, seed)
    return Leakage(
        tuple(_summary(name, measured, how) for name in (*meter.sources, WHOLE)),
        measured,
        len(counts),
        len(set(groups)),
        float(counts.max() / counts.sum()),
        no_probe,
        left_out,
    )


def group_of(video: SourceVideo) -> str:
    """Videos with the same group show one scene or come from one film.

    UCF101's groups, the films that HMDB51 clips were cut from, Kinetics' YouTube ids; any other
    video is a group of its own.
    """
    for pattern in (_UCF101, _KINETICS):
        match = pattern.fullmatch(video.video_id)
        if match:
            return match['group']
    return hmdb51_source(video.video_id, video.class_name or video.path.parent.name)


def grown(masks: np.ndarray, margin: int) -> np.ndarray:
    """Dilate masks, bool (n, H, W), by a disc with a radius of ``margin`` px; 0 changes nothing."""
    if margin < 1:
        return masks.copy()
    side = 2 * margin + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.stack([cv2.dilate(mask.astype(np.uint8), disc) > 0 for mask in masks])


def _summary(
    name: str, measured: Sequence[VideoLeakage], how: tuple[int, int] | None
) -> SourceLeakage:
    probe = None
    if how:
        features = np.stack([one.features[name] for one in measured])
        labels, groups = [one.video.label for one in measured], [one.group for one in measured]
        probe = probe_accuracy(features, labels, groups, *how)
    empty = sum(not one.features[name].any() for one in measured)
    if name == WHOLE:
        return SourceLeakage(name, None, None, None, probe, empty)
    having = [one for one in measured if one.outside[name] is not None]
    shares, own = [one.outside[name] for one in having], [one.group for one in having]
    mean = float(np.mean(shares)) if shares else None
    error = grouped_error(shares, own) if len(set(own)) > 1 else None
    kept = float(np.mean([one.kept[name] for one in measured]))
    return SourceLeakage(name, mean, error, kept, probe, empty)


def background_features(frames: np.ndarray, selected: np.ndarray) -> np.ndarray:
    """What selected pixels (bool (n, H, W)) of frames (uint8 RGB) look like, wherever they are.

    Neither the number of pixels nor their arrangement enters, for the outline of a ring tells the
    actor's pose: gradients count only where their whole 3 x 3 neighbourhood is selected. float64,
    shape (73,); all zeros where nothing is selected.
    """
    colours = np.zeros(_COLOURS)
    orientations = np.zeros(_ORIENTATIONS)
    inner = 0
    for frame, mask in zip(frames, selected, strict=True):
        if not mask.any():
            continue
        lab = cv2.cvtColor(frame, cv2.COLOR_RGB2Lab)[mask]
        colours += np.histogramdd(lab, bins=_LAB_EDGES)[0].ravel()
        padded = np.pad(mask.astype(np.uint8), 1)  # what lies beyond the picture is not selected
        inside = cv2.erode(padded, np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
        dx, dy = (cv2.Sobel(grey, cv2.CV_32F, 1 - d, d)[inside] for d in (0, 1))
        angle = (np.arctan2(dy, dx) % np.pi / np.pi * _ORIENTATIONS).astype(int) % _ORIENTATIONS
        orientations += np.bincount(angle, np.hypot(dx, dy), _ORIENTATIONS)
        inner += int(inside.sum())
    if not colours.sum():
        return np.zeros(_COLOURS + _ORIENTATIONS + 1)
    total = orientations.sum()
    shares = orientations / total if total else orientations
    strength = total / inner if inner else 0.0
    return np.sqrt(np.concatenate([colours / colours.sum(), shares, [strength]]))


def grouped_folds(
    labels: Sequence[int], groups: Sequence[str], folds: int, seed: int = 0
) -> np.ndarray:
    """Divide samples so that no group is in two folds and every class is spread over them.

    The fold of every sample, int64 (N,). ``seed`` decides the order in which groups of equal size
    are dealt.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)

    def order(group: str) -> tuple[int, bytes]:
        return -len(members[group]), hashlib.sha256(f'{seed}/{group}'.encode()).digest()

    classes = {label: place for place, label in enumerate(sorted(set(labels)))}
    counts = np.zeros((folds, len(classes)))
    fold_of = np.zeros(len(groups), dtype=np.int64)
    for group in sorted(members, key=order):
        own = [classes[labels[index]] for index in members[group]]
        best = min(range(folds), key=lambda f: (counts[f, own].sum(), counts[f].sum()))
        fold_of[members[group]] = best
        np.add.at(counts[best], own, 1)
    return fold_of


def probe_accuracy(
    features: np.ndarray,
    labels: Sequence[int],
    groups: Sequence[str],
    folds: int = 5,
    seed: int = 0,
) -> tuple[float, float]:
    """Accuracy of a linear probe, cross-validated by group, and its standard error by group.

    Args:
        features: float, shape (N, D).
        labels: Class of every sample, N.
        groups: Group of every sample, N: samples of one group show one scene, and none is
            predicted by a probe that saw another one of its group.
        folds: Number of folds, 2 or more; no more than there are groups are used.
        seed: Seed of the folds.

    Raises:
        ValueError: Fewer than two classes or two groups.
    """
    if len(set(labels)) < 2 or len(set(groups)) < 2:
        raise ValueError('a probe needs two classes and two groups')
    targets, groups = np.asarray(labels), np.asarray(groups)
    fold_of = grouped_folds(labels, groups, min(folds, len(set(groups))), seed)
    predicted = np.empty_like(targets)
    for fold in np.unique(fold_of):
        held, train = fold_of == fold, fold_of != fold
        probe = _ridge(_best_strength(features[train], targets[train], groups[train], seed))
        predicted[held] = probe.fit(features[train], targets[train]).predict(features[held])
    correct = predicted == targets
    return float(correct.mean()), grouped_error(correct, groups)


def grouped_error(values: Sequence[float] | np.ndarray, groups: Sequence[str]) -> float:
    """Standard error of a mean whose values vary together within a group; two groups or more."""
    _, group = np.unique(groups, return_inverse=True)
    sums = np.bincount(group, np.asarray(values, float) - np.mean(values))
    count = len(sums)
    return float(np.sqrt(count / (count - 1) * (sums**2).sum()) / len(values))


def _best_strength(x: np.ndarray, y: np.ndarray, groups: np.ndarray, seed: int) -> float:
    from sklearn.model_selection import PredefinedSplit, cross_val_predict

    count = min(_INNER_FOLDS, len(set(groups)))
    if count < 2:
        return STRENGTHS[-1]
    folds = PredefinedSplit(grouped_folds(y, groups, count, seed))
    right = {s: (cross_val_predict(_ridge(s), x, y, cv=folds) == y).sum() for s in STRENGTHS}
    return max(STRENGTHS, key=lambda s: (right[s], s))  # of equals, the smoothest


def _ridge(strength: float) -> Any:
    """Ridge regression of one-hot labels on standardised features."""
    from sklearn.linear_model import RidgeClassifier  # takes a while to import
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), RidgeClassifier(strength))
