"""Untrimmed sprites: motion of each stretch, no jumps, still background."""

import numpy as np
import pytest

from albar_mm.datasets.motion_sprites.looks import CLASSES, rng_for
from albar_mm.datasets.motion_sprites.untrimmed import (
    Stretch,
    UntrimmedSpec,
    joined_trajectory,
    untrimmed_frames,
)

DIRECTIONS = dict(right=(1, 0), left=(-1, 0), down=(0, 1), up=(0, -1))


def test_each_stretch_moves_as_its_class_says_and_nothing_jumps():
    stretches = [Stretch(label, 9 + label) for label in (3, 0, 5, 6, 1, 2, 7, 4)]
    poses = joined_trajectory(stretches, rng_for('test'))
    assert len(poses.x) == len(poses.y) == sum(each.frames for each in stretches)
    steps = [np.diff(path) for path in (poses.x, poses.y)]
    steps = np.stack([(step + 32) % 64 - 32 for step in steps], axis=1)  # the short way round
    assert np.abs(steps).max() <= 7
    begin = 0
    for stretch in stretches:
        wanted = np.sum([DIRECTIONS[word] for word in CLASSES[stretch.label].split('_')[1:]], 0)
        moved = steps[begin : begin + stretch.frames - 1].sum(0)
        assert np.sign(moved).tolist() == wanted.tolist()
        begin += stretch.frames


def test_frames():
    spec = UntrimmedSpec(0, 'a', 4, 3, (Stretch(0, 5), Stretch(2, 7)))
    frames = untrimmed_frames(spec)
    assert frames.shape == (spec.num_frames, 64, 64, 3) == (12, 64, 64, 3)
    assert frames.dtype == np.uint8 and np.array_equal(frames, untrimmed_frames(spec))
    still = (frames == np.median(frames, 0).astype(np.uint8)).all(-1).mean()
    assert 0.5 < still < 1  # a fixed camera
    other = untrimmed_frames(UntrimmedSpec(0, 'b', 4, 3, spec.stretches))
    assert not np.array_equal(frames, other)


@pytest.mark.parametrize(
    'labels, wanted',
    [((0, 1, 0), [(0, 9), (20, 29)]), ((0, 0, 1), [(0, 19)]), ((1, 2), []), ((1, 0), [(10, 19)])],
)
def test_intervals(labels, wanted):
    spec = UntrimmedSpec(0, 'a', 0, 0, tuple(Stretch(label, 10) for label in labels))
    assert spec.intervals(0) == wanted
