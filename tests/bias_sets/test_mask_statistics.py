"""Mask statistics against numbers worked out by hand."""

import json

import numpy as np
import pytest

from albar_mm.bias_sets.mask_statistics import (
    MaskStatistics,
    benchmark_statistics,
    by_suspicion,
    flags_of,
    measure_masks,
    share_of_boxes,
    statistics_lines,
    write_statistics,
)
from albar_mm.bias_sets.masks.boxes import BoxMasks
from albar_mm.utils.files import read_csv
from albar_mm.video.source_video import SourceVideo

from ..refused import refused
from .toy_benchmark import RectangleMasks, build, settings_of, write_sources


def masks_of(*rectangles, size=(10, 20)):
    """One mask a frame; a rectangle is top, bottom, left, right, or None."""
    masks = np.zeros((len(rectangles), *size), bool)
    for mask, rectangle in zip(masks, rectangles, strict=True):
        if rectangle:
            top, bottom, left, right = rectangle
            mask[top:bottom, left:right] = True
    return masks


def stats(**changes):
    named = dict(video='wave/a.avi', video_id='a', class_name='wave', label=1)
    measured = dict(frames=10, filled=0, cover=0.2, cover_min=0.1, cover_max=0.3, iou=0.9)
    more = dict(iou_min=0.8, jump=1, border=0.0, own_box=0.5)
    return MaskStatistics(**{**named, **measured, **more, **changes})


def test_by_hand():
    # 4 x 5 = 20 px; moved by 1 column; half of it and at the left border
    masks = masks_of((2, 6, 3, 8), (2, 6, 4, 9), (2, 6, 0, 5))
    found = measure_masks(masks)
    assert found['frames'] == 3 and found['cover'] == pytest.approx(20 / 200)
    assert found['iou'] == pytest.approx((16 / 24 + 4 / 36) / 2)
    assert found['iou_min'] == pytest.approx(4 / 36) and found['jump'] == 2
    assert found['border'] == pytest.approx(1 / 3) and found['own_box'] == 1


def test_own_box_of_an_l_shape_and_every_border():
    mask = masks_of((2, 6, 3, 8))
    mask[0, 2:4, 5:8] = False  # 20 - 6 px in the same box
    assert measure_masks(mask)['own_box'] == pytest.approx(14 / 20)
    for edge in ((0, 2, 5, 7), (8, 10, 5, 7), (4, 6, 0, 2), (4, 6, 18, 20)):
        assert measure_masks(masks_of(edge))['border'] == 1
    assert measure_masks(masks_of((1, 9, 1, 19)))['border'] == 0


def test_frames_without_a_mask():
    found = measure_masks(masks_of((2, 6, 3, 8), None, None, (2, 6, 3, 8)))
    # empty against empty says nothing; full against empty overlaps by 0
    assert found['iou'] == 0 and found['cover_min'] == 0 and found['own_box'] == 1
    single = measure_masks(masks_of((2, 6, 3, 8)))
    assert single['iou'] is None and single['iou_min'] is None and single['jump'] == 0


def test_share_of_given_boxes(tmp_path):
    path = tmp_path / 'boxes.txt'
    # frames count from 1; the first kept frame is frame 2 (from 0): rows 3 and 4 concern it
    path.write_text('a 1 0 0 1 1\na 3 0 2 8 6\na 4 4 2 30 6\n')
    masks = masks_of((2, 6, 4, 8), (2, 6, 4, 8), (0, 1, 0, 1))
    video = SourceVideo('a', tmp_path / 'a.avi', 0)
    shares = [16 / 32, 16 / 64]  # the second box is cut at the right border, 4 to 20
    for numbers in ([2, 3, 4], [2, 3, 8]):
        share = share_of_boxes(masks, BoxMasks(path), video, np.array(numbers))
        assert share == pytest.approx(np.mean(shares))
    alone = share_of_boxes(masks, BoxMasks(path), video, np.array([1, 3, 5]))
    assert alone == pytest.approx(shares[1])
    assert share_of_boxes(masks, BoxMasks(path), video, np.array([100, 101, 102])) == 0


def test_flags():
    assert flags_of(stats(cover=0.009)) == ('cover 0.9 %',)
    assert flags_of(stats(cover=0.81)) == ('cover 81 %',)
    assert flags_of(stats(iou=0.49)) == ('flickers (IoU 0.49)',)
    assert flags_of(stats(filled=2)) == ('2 frames without own mask',)
    assert flags_of(stats(boxes=20, box_fallbacks=3)) == ('3 of 20 boxes unrefined',)
    assert flags_of(stats(given_boxes=0.19)) == ('19 % of the boxes kept',)
    # nothing at the limits
    assert flags_of(stats(cover=0.01, iou=0.5, filled=1, boxes=10, box_fallbacks=1)) == ()
    assert flags_of(stats(cover=0.8, iou=None, iou_min=None, given_boxes=0.2)) == ()


def test_order_and_lines():
    many = [stats(video=f'{n}.avi', iou=n / 100, flags=('x',)) for n in range(12)]
    worst = stats(video='worst.avi', iou=0.9, flags=('x', 'y'))
    found = by_suspicion([stats(iou=None), *many[::-1], worst])
    assert [one.video for one in found][:3] == ['worst.avi', '0.avi', '1.avi']
    lines = statistics_lines(found)
    assert lines[1].startswith('13 suspicious videos') and lines[2] == '  worst.avi: x; y'
    assert len(lines) == 2 + 10 + 1 and lines[-1] == '  and 3 more'


def test_of_a_benchmark(tmp_path):
    sources = write_sources(tmp_path / 'sources')
    root = tmp_path / 'bias'
    masks = RectangleMasks(blank={'jump_a': (0, 3)})
    build(root, sources, settings_of(sets=('scufo',), encoding='none'), masks)
    found = benchmark_statistics(root)
    assert [one.video_id for one in found] == ['jump_a', 'jump_b (1)#&!', 'wave_a']
    first = found[0]
    assert first.filled == 1 and first.flags == ('1 frames without own mask',)
    assert first.frames == 6 and first.cover == pytest.approx(20 * 15 / (48 * 64))
    # a rectangle of 15 columns that moves by one, but for the frame that was filled
    overlaps = [14 / 16, 1, 13 / 17, 14 / 16, 14 / 16]
    assert first.iou == pytest.approx(np.mean(overlaps))
    assert first.iou_min == pytest.approx(13 / 17)
    table, document = write_statistics(root, found)
    rows = [row for _, row in read_csv(table)]
    assert rows[0]['video'] == 'jump/jump_a.avi' and rows[0]['flags'] == first.flags[0]
    assert rows[1]['filled'] == '0' and rows[1]['given_boxes'] == ''
    content = json.loads(document.read_text())
    assert content['suspicious'] == 1 and content['videos'][0]['iou'] == first.iou
    (root / 'masks' / 'wave_a.npz').unlink()
    refused('wave_a.npz: no such file; build again', benchmark_statistics, root)
    refused('benchmark.json: no such file; build one', benchmark_statistics, tmp_path)
