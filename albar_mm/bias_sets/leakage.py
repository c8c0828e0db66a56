"""How much background masks let through, and how much of the action it tells.

A mask that is larger than its actor shows a ring of the original background. SCUBA then measures,
in part, what it was made to exclude. Two numbers per mask source: the share of masked-in pixels
that are not actor, and the accuracy of a classifier that sees nothing but the ring.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..annotations.official_lists import hmdb51_source
from ..utils.errors import DatasetError
from ..utils.parallel import map_videos
from ..utils.text import name_some
from ..video.source_video import SourceVideo
from .masks.source import MaskSource, result_of
from .ring_probe import ProbeResult, background_features, grouped_error, probe_accuracy

WHOLE = 'whole background'
"""Name of the comparison in which the classifier sees all pixels outside of the silhouette."""
_UCF101 = re.compile(r'(?P<group>v_.+_g\d+)_c\d+')
_KINETICS = re.compile(r'(?P<group>.+)_\d{6}_\d{6}')


@dataclass(frozen=True)
class VideoLeakage:
    """One video under every mask source.

    Attributes:
        video: The source video, without its frames.
        group: Videos of one group show one scene or come from one film.
        outside: Source -> share of its masked-in pixels outside of the silhouette, in [0, 1];
            mean over frames with a silhouette and a mask; None if there is none.
        kept: Source -> share of the silhouette that it keeps, mean over frames.
        features: Source, or ``WHOLE`` -> features of the background it shows, shape (D,).
        pixels: Source, or ``WHOLE`` -> number of those background pixels.
    """

    video: SourceVideo
    group: str
    outside: dict[str, float | None]
    kept: dict[str, float]
    features: dict[str, np.ndarray]
    pixels: dict[str, int]


@dataclass(frozen=True)
class SourceLeakage:
    """One mask source over all videos; shares are in [0, 1].

    Attributes:
        name: Name of the source, or ``WHOLE``.
        outside: Mean share of masked-in pixels outside of the silhouette; None for ``WHOLE``.
        outside_error: Its standard error, groups as units; None with a single group.
        kept: Mean share of the silhouette that is kept; None for ``WHOLE``.
        probe: Accuracy on the background it shows; None where it cannot be measured.
        empty: Videos that show no background at all beyond the margin.
    """

    name: str
    outside: float | None
    outside_error: float | None
    kept: float | None
    probe: ProbeResult | None
    empty: int


@dataclass(frozen=True)
class Leakage:
    """What was measured.

    Attributes:
        sources: One entry for every mask source, then ``WHOLE``.
        videos: The videos.
        classes: Number of classes.
        groups: Number of groups.
        chance: Accuracy of a uniform guess, 1 / classes.
        majority: Accuracy of always naming the most frequent class.
        no_probe: Why no accuracy was measured; '' if it was.
        left_out: ``video`` and ``reason`` of videos that could not be measured.
    """

    sources: tuple[SourceLeakage, ...]
    videos: tuple[VideoLeakage, ...]
    classes: int
    groups: int
    chance: float
    majority: float
    no_probe: str
    left_out: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class LeakageMeter:
    """Measures one video at a time, in any process.

    Attributes:
        silhouettes: Masks taken as the truth.
        sources: Name -> mask source to judge.
        frames: Frames of a video whose background is looked at.
        margin: Pixels next to the silhouette that do not count as background: silhouettes are
            not exact.
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

        Args:
            video: The source video.

        Returns:
            Frames uint8 (n, H, W, 3), silhouettes bool (n, H, W), and for every source its masks
            and rings, both bool (n, H, W).
        """
        truth, masks, chosen, far = self._regions(video)
        regions = {name: (mask[chosen], mask[chosen] & far) for name, mask in masks.items()}
        return video.frames[chosen], truth[chosen], regions

    def _measure(self, video: SourceVideo) -> VideoLeakage:
        truth, masks, chosen, far = self._regions(video)
        frames = video.frames[chosen]
        shown = {name: mask[chosen] & far for name, mask in masks.items()} | {WHOLE: far}
        present = truth.any((1, 2))
        return VideoLeakage(
            video,
            group_of(video),
            {name: outside_share(mask[present], truth[present]) for name, mask in masks.items()},
            {name: kept_share(mask[present], truth[present]) for name, mask in masks.items()},
            {name: background_features(frames, region) for name, region in shown.items()},
            {name: int(region.sum()) for name, region in shown.items()},
        )

    def _regions(self, video: SourceVideo) -> tuple[np.ndarray, dict, np.ndarray, np.ndarray]:
        """Silhouettes, masks by source, chosen frames, and what lies far from the actor in them."""
        truth = result_of(self.silhouettes, video).masks
        masks = {name: result_of(source, video).masks for name, source in self.sources.items()}
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
    """Measure all videos and probe their backgrounds.

    Args:
        meter: What to measure.
        videos: The videos.
        folds: Folds of the cross-validation.
        seed: Seed of the folds.
        workers: Processes.

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
        1 / len(counts),
        float(counts.max() / counts.sum()),
        no_probe,
        left_out,
    )


def group_of(video: SourceVideo) -> str:
    """Videos with the same group show one scene or come from one film.

    UCF101's groups, the films that HMDB51 clips were cut from, Kinetics' YouTube ids; any other
    video is a group of its own.

    Args:
        video: The video.
    """
    for pattern in (_UCF101, _KINETICS):
        match = pattern.fullmatch(video.video_id)
        if match:
            return match['group']
    return hmdb51_source(video.video_id, video.class_name or video.path.parent.name)


def grown(masks: np.ndarray, margin: int) -> np.ndarray:
    """Dilate masks by a disc.

    Args:
        masks: bool, shape (n, H, W).
        margin: Radius in px; 0 changes nothing.

    Returns:
        bool, shape (n, H, W).
    """
    if margin < 1:
        return masks.copy()
    side = 2 * margin + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.stack([cv2.dilate(mask.astype(np.uint8), disc) > 0 for mask in masks])


def outside_share(masks: np.ndarray, truth: np.ndarray) -> float | None:
    """Mean share of masked-in pixels that are not actor.

    Args:
        masks: bool, shape (T, H, W).
        truth: Silhouettes, bool (T, H, W).

    Returns:
        In [0, 1], over frames with a mask; None if none has one.
    """
    area = masks.sum((1, 2), dtype=np.int64)
    outside = (masks & ~truth).sum((1, 2), dtype=np.int64)
    return float((outside[area > 0] / area[area > 0]).mean()) if area.any() else None


def kept_share(masks: np.ndarray, truth: np.ndarray) -> float:
    """Mean share of the silhouette that is masked in.

    Args:
        masks: bool, shape (T, H, W).
        truth: Silhouettes, bool (T, H, W), none of them empty.
    """
    inside = (masks & truth).sum((1, 2), dtype=np.int64)
    return float((inside / truth.sum((1, 2), dtype=np.int64)).mean())


def _summary(
    name: str, measured: Sequence[VideoLeakage], how: tuple[int, int] | None
) -> SourceLeakage:
    probe = None
    if how:
        features = np.stack([one.features[name] for one in measured])
        labels, groups = [one.video.label for one in measured], [one.group for one in measured]
        probe = probe_accuracy(features, labels, groups, *how)
    empty = sum(not one.pixels[name] for one in measured)
    if name == WHOLE:
        return SourceLeakage(name, None, None, None, probe, empty)
    having = [one for one in measured if one.outside[name] is not None]
    shares, own = [one.outside[name] for one in having], [one.group for one in having]
    mean = float(np.mean(shares)) if shares else None
    error = grouped_error(shares, own) if len(set(own)) > 1 else None
    kept = float(np.mean([one.kept[name] for one in measured]))
    return SourceLeakage(name, mean, error, kept, probe, empty)
