"""Boxes refined to silhouettes, by GrabCut and by any other source."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from albar_mm.bias_sets.masks.boxes import BoxMasks
from albar_mm.bias_sets.masks.folders import NpzMasks
from albar_mm.bias_sets.masks.refine import (
    MIN_BOX_SHARE,
    GrabCutMasks,
    WithinBoxes,
    padded_box,
    silhouette_or_box,
)
from albar_mm.bias_sets.masks.source import MaskResult, MaskSource

from ...refused import refused
from .test_grabcut import disc, textured
from .toy_masks import UCF_CLIPS, ShortTubes, blank_video, iou, ucf_clip, video_of, write_boxes


def test_padded_box_by_hand():
    assert padded_box(np.array([10, 20, 30, 60]), 0.1, 100, 100).tolist() == [8, 16, 32, 64]
    assert padded_box(np.array([1, 1, 99, 50]), 0.5, 100, 60).tolist() == [0, 0, 100, 60]
    assert padded_box(np.array([3, 4, 5, 6]), 0, 100, 60).tolist() == [3, 4, 5, 6]


@pytest.mark.parametrize(('pixels', 'fallback'), [(0, True), (19, True), (20, False)])
def test_silhouette_or_box_at_the_boundary(pixels, fallback):
    """20 of 400 pixels are 5 %; those outside of the box do not count."""
    assert MIN_BOX_SHARE == 0.05
    mask = np.zeros((50, 50), bool)
    box, limit = np.array([10, 10, 30, 30]), np.array([8, 8, 32, 32])
    mask[10, 10 : 10 + min(pixels, 19)] = True
    mask[11, 10 : 10 + max(pixels - 19, 0)] = True
    mask[8, 8:32] = True  # within the limit alone
    mask[40, 40] = True  # outside of everything
    found, is_box = silhouette_or_box(mask, box, limit)
    assert is_box is fallback
    expected = np.zeros_like(mask)
    if fallback:
        expected[10:30, 10:30] = True
    else:
        expected[8:32, 8:32] = mask[8:32, 8:32]
    assert np.array_equal(found, expected)


def moving_disc(frames=4):
    """A disc that moves 3 px a frame, its masks, and rows of its boxes."""
    made = [disc(centre=(50 + 3 * t, 45)) for t in range(frames)]
    rows = [('clip', t + 1, *box) for t, (_, _, box) in enumerate(made)]
    return video_of([f for f, _, _ in made]), np.stack([m for _, m, _ in made]), rows


@pytest.mark.parametrize('propagate', [True, False])
def test_grabcut_follows_a_disc(tmp_path, propagate):
    video, truth, rows = moving_disc()
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', *rows))
    made = GrabCutMasks(boxes, propagate=propagate).result(video)
    assert made.notes == dict(boxes=4, box_fallbacks=0)
    assert all(iou(a, b) > 0.9 for a, b in zip(made.masks, truth, strict=True))
    again = pickle.loads(pickle.dumps(GrabCutMasks(boxes, propagate=propagate))).result(video)
    assert np.array_equal(again.masks, made.masks)


def test_two_actors_and_a_frame_without_one(tmp_path):
    frame, left, box = disc(centre=(30, 45), radius=16)
    other, right, other_box = disc(centre=(90, 45), radius=16)
    frame[right] = other[right]
    rows = [('clip', 1, *box), ('clip', 1, *other_box), ('clip', 3, *box)]
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', *rows))
    made = GrabCutMasks(boxes).result(video_of([frame] * 3))
    assert made.notes['boxes'] == 3
    assert iou(made.masks[0], left | right) > 0.9 and iou(made.masks[2], left) > 0.9
    assert not made.masks[1].any()


def test_fallbacks_are_boxes_and_counted(tmp_path):
    """Nothing stands out on a blank frame; the disc of the next one does."""
    frame, truth, box = disc()
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', ('clip', 1, *box), ('clip', 2, *box)))
    video = video_of([0 * frame, frame])
    made = GrabCutMasks(boxes).result(video)
    assert np.array_equal(made.masks[0], boxes.masks(video)[0])
    assert iou(made.masks[1], truth) > 0.9
    assert made.notes == dict(boxes=2, box_fallbacks=1)


def test_grabcut_stays_within_the_padded_boxes(tmp_path):
    rng = np.random.RandomState(0)
    video = video_of([textured(60, 80, t) for t in range(6)])
    rows = []
    for t in range(6):
        x, y = rng.randint(0, 50), rng.randint(0, 35)
        rows.append(('clip', t + 1, x, y, x + rng.randint(5, 30), y + rng.randint(5, 25)))
    masks = GrabCutMasks(BoxMasks(write_boxes(tmp_path / 'b.txt', *rows)), padding=0.2).masks(video)
    for mask, (_, _, *box) in zip(masks, rows, strict=True):
        x1, y1, x2, y2 = padded_box(np.array(box), 0.2, 80, 60)
        assert mask.any()
        mask[y1:y2, x1:x2] = False
        assert not mask.any()


@dataclass(frozen=True)
class Everything(MaskSource):
    """Every pixel, or none from frame ``until`` on."""

    until: int = 99
    name: str = 'everything'

    def _make(self, video):
        masks = np.ones(video.frames.shape[:3], bool)
        masks[self.until :] = False
        return MaskResult(masks)


def test_within_by_hand(tmp_path):
    rows = [('clip', 1, 2, 2, 6, 4), ('clip', 1, 8, 0, 10, 2), ('clip', 2, 2, 2, 6, 4)]
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', *rows))
    made = WithinBoxes(Everything(until=1), boxes, padding=0.25).result(blank_video())
    expected = np.zeros((3, 8, 10), bool)
    # 0.25 * 4 = 1 to the sides; 0.25 * 2 = 0.5, which Python rounds to 0
    expected[0, 2:4, 1:7] = True
    expected[0, 0:2, 8:10] = True
    expected[1, 2:4, 2:6] = True  # nothing found: the box itself
    assert np.array_equal(made.masks, expected)
    assert made.notes == dict(boxes=3, box_fallbacks=1)


def test_within_checks_and_names_both(tmp_path):
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', ('clip', 1, 2, 2, 6, 4)))
    np.savez(tmp_path / 'clip.npz', mask=np.ones((2, 8, 10), bool))
    source = WithinBoxes(NpzMasks(tmp_path), boxes)
    assert source.files(blank_video()) == [tmp_path / 'clip.npz', tmp_path / 'b.txt']
    refused('clip.npz holds 2 masks', source.masks, blank_video())
    said = "refines person boxes, got 'npz'; expected boxes:"
    refused(said, WithinBoxes, boxes, NpzMasks(tmp_path))
    refused(said, GrabCutMasks, NpzMasks(tmp_path))


@pytest.mark.real_data
@pytest.mark.parametrize('name', UCF_CLIPS)
def test_grabcut_on_real_clips(real_data, name):
    boxes = ShortTubes(real_data / 'ucf101' / 'ucf101_24_boxes_pyannot.pkl')
    video = ucf_clip(real_data, name, frames=20)
    whole, made = boxes.masks(video), GrabCutMasks(boxes).result(video)
    assert made.notes['boxes'] == 20 and made.notes['box_fallbacks'] <= 2
    assert made.masks.any((1, 2)).all()
    assert 0.08 < made.masks.sum() / whole.sum() < 0.6
