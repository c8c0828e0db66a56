"""Can the action be told from background pixels alone? Features and a grouped linear probe."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

FEATURES = 'Lab histogram (4x4x4) and gradient orientations (8), square roots'
PROBE = 'ridge regression on one-hot labels, strength chosen on groups within the training folds'
STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
_INNER_FOLDS = 3
_COLOURS, _ORIENTATIONS = 64, 8
_CHROMA_EDGES = (0, 118, 128, 138, 256)
"""Photos keep most of their pixels near grey, at 128: equal bins would tell nothing."""
_LAB_EDGES = ((0, 64, 128, 192, 256), _CHROMA_EDGES, _CHROMA_EDGES)


def background_features(frames: np.ndarray, selected: np.ndarray) -> np.ndarray:
    """What selected pixels look like, wherever they are.

    Neither the number of pixels nor their arrangement enters, for the outline of a ring tells the
    actor's pose: gradients count only where their whole 3 x 3 neighbourhood is selected.

    Args:
        frames: uint8 RGB, shape (n, H, W, 3).
        selected: bool, shape (n, H, W).

    Returns:
        float64, shape (73,); all zeros where nothing is selected.
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


@dataclass(frozen=True)
class ProbeResult:
    """How well a probe tells the classes of groups that it has not seen.

    Attributes:
        accuracy: Share of samples that are right, in [0, 1].
        standard_error: Of the accuracy, with groups as the units that vary.
        correct: bool, shape (N,).
    """

    accuracy: float
    standard_error: float
    correct: np.ndarray


def grouped_folds(
    labels: Sequence[int], groups: Sequence[str], folds: int, seed: int = 0
) -> np.ndarray:
    """Divide samples so that no group is in two folds and every class is spread over them.

    Args:
        labels: Class of every sample.
        groups: Group of every sample.
        folds: Number of folds.
        seed: Seed of the order in which groups of equal size are dealt.

    Returns:
        int64, shape (N,): fold of every sample.
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
) -> ProbeResult:
    """Accuracy of a linear probe, cross-validated by group.

    Args:
        features: float, shape (N, D).
        labels: Class of every sample, N.
        groups: Group of every sample, N: samples of one group show one scene.
        folds: Number of folds, 2 or more; no more than there are groups are used.
        seed: Seed of the folds.

    Returns:
        The accuracy over all samples, each predicted by a probe that saw no sample of its group.

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
    return ProbeResult(float(correct.mean()), grouped_error(correct, groups), correct)


def grouped_error(values: Sequence[float] | np.ndarray, groups: Sequence[str]) -> float:
    """Standard error of a mean whose values vary together within a group.

    Args:
        values: N values.
        groups: Group of each; two groups or more.
    """
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


def _ridge(strength: float) -> Any:  # noqa: ANN401
    """Ridge regression of one-hot labels on standardised features."""
    from sklearn.linear_model import RidgeClassifier  # takes a while to import
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), RidgeClassifier(strength))
