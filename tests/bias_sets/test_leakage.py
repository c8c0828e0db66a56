"""Background that masks let through: known shares, and rings that do or do not tell the class."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from albar_mm.bias_sets.leakage import (
    WHOLE,
    LeakageMeter,
    background_features,
    group_of,
    grouped_error,
    grouped_folds,
    grown,
    measure_leakage,
    probe_accuracy,
)
from albar_mm.bias_sets.masks.boxes import BoundingBoxes, BoxMasks, bounding_boxes, write_box_file
from albar_mm.bias_sets.masks.source import MaskResult, MaskSource, mean_share
from albar_mm.video.avi import avi_bytes, encode_frames
from albar_mm.video.source_video import SourceVideo
from albar_mm.visualization.leakage_report import choose_examples, leakage_figure, leakage_report

from ..refused import refused

SIDE, CLASSES, GROUPS = 40, 4, 10
COLOURS = np.array([(200, 40, 40), (40, 200, 40), (40, 40, 200), (190, 190, 40)])


@dataclass(frozen=True)
class Square(MaskSource):
    """The middle of the picture, ``half`` px to each side.

    Attributes:
        half: Half its side.
        empty: Videos without any.
    """

    half: int
    empty: tuple = ()
    name: str = 'square'

    def _make(self, video):
        masks = np.zeros(video.frames.shape[:3], bool)
        if video.video_id not in self.empty:
            inside = slice(SIDE // 2 - self.half, SIDE // 2 + self.half)
            masks[:, inside, inside] = True
        return MaskResult(masks)


def picture(rng, ring):
    """Noise, a ring of one colour within 14 px of the middle, an actor within 6 px."""
    frames = rng.randint(0, 256, (2, SIDE, SIDE, 3))
    frames[:, 6:34, 6:34] = ring + rng.randint(-15, 16, (2, 28, 28, 3))
    frames[:, 14:26, 14:26] = rng.randint(0, 256, 3)
    return np.clip(frames, 0, 255).astype(np.uint8)


def videos(telling):
    rng = np.random.RandomState(0)
    made = []
    for label in range(CLASSES):
        for group in range(GROUPS):
            ring = COLOURS[label if telling else rng.randint(CLASSES)]
            name = f'v_Class{label}_g{group:02d}_c01'
            made.append(SourceVideo(name, None, label, f'Class{label}'))
            made[-1].frames = picture(rng, ring)
    return made


METER = LeakageMeter(Square(6), {'boxes': Square(14), 'refined': Square(6)}, frames=2, margin=1)


def test_a_ring_that_carries_the_class_is_found():
    found = measure_leakage(METER, videos(True))
    boxes, refined, whole = found.sources
    assert boxes.outside == pytest.approx(1 - 12**2 / 28**2) and boxes.outside_error < 1e-12
    assert (refined.outside, refined.kept, boxes.kept) == (0, 1, 1)
    assert boxes.probe[0] > 0.95 and whole.name == WHOLE and whole.probe[0] > 0.8
    # nothing is left to see: not better than a guess, on any of the 40 videos
    assert refined.empty == len(found.videos) and boxes.empty == 0
    assert refined.probe[0] <= found.majority + 1e-9
    assert (found.majority, found.classes, found.groups) == (0.25, 4, 40)


def test_a_ring_without_the_class_is_at_chance():
    boxes = measure_leakage(METER, videos(False)).sources[0]
    assert abs(boxes.probe[0] - 0.25) < 3 * max(boxes.probe[1], 0.05)
    # one class has shares, but no accuracy
    found = measure_leakage(METER, [v for v in videos(True) if v.label == 0])
    assert found.no_probe.startswith('classes: 1, groups: 10;')
    assert found.sources[0].probe is None and found.sources[0].outside > 0.5


def test_videos_without_a_silhouette_are_listed():
    empty = 'v_Class1_g03_c01'
    meter = LeakageMeter(Square(6, empty=(empty,)), {'boxes': Square(14)})
    found = measure_leakage(meter, videos(True))
    assert [entry['video'] for entry in found.left_out] == [empty] and len(found.videos) == 39
    alone = [v for v in videos(True) if v.video_id == empty]
    refused('no video could be measured: video .* no silhouette', measure_leakage, meter, alone)


def test_shares_by_hand():
    truth = np.zeros((2, 4, 4), bool)
    truth[:, 1:3, 1:3] = True
    masks = np.zeros_like(truth)
    masks[0, 1:3, :] = True  # 8 pixels, 4 of them outside; the whole actor
    masks[1, 1, 1:4] = True  # 3 pixels, 1 outside; half of the actor
    assert mean_share(masks & ~truth, masks) == pytest.approx((4 / 8 + 1 / 3) / 2)
    assert mean_share(masks & truth, truth) == pytest.approx((1 + 0.5) / 2)
    assert mean_share(truth, np.zeros_like(truth)) is None
    assert grown(truth, 1)[0].sum() == 12 and np.array_equal(grown(truth, 0), truth)


def test_features_see_neither_arrangement_nor_number():
    rng = np.random.RandomState(1)
    frames = np.full((1, 20, 20, 3), rng.randint(0, 256, 3), np.uint8)
    small, large = np.zeros((1, 20, 20), bool), np.zeros((1, 20, 20), bool)
    small[0, 2:5, 2:5], large[0, 4:18, 1:19] = True, True
    assert np.array_equal(background_features(frames, small), background_features(frames, large))
    assert not background_features(frames, np.zeros_like(small)).any()
    # what borders on the selection does not enter
    changed = np.where(large[..., None], frames, 255 - frames)
    assert np.array_equal(background_features(changed, large), background_features(frames, large))


def test_groups_of_the_data_sets():
    def of(name, class_name=''):
        return group_of(SourceVideo(name, Path('x', name), 0, class_name))

    assert of('v_Biking_g03_c02') == of('v_Biking_g03_c07') == 'v_Biking_g03'
    assert of('AbC-_12_000010_000020') == 'AbC-_12'
    assert of('Faith_Rewarded_catch_f_cm_np1_fr_med_10', 'catch') == 'Faith_Rewarded'
    assert of('mine') == 'mine'


def test_no_group_is_on_both_sides():
    labels = [i % 3 for i in range(60)]
    groups = [f'g{i // 4}' for i in range(60)]
    fold_of = grouped_folds(labels, groups, 5)
    assert all(len(set(fold_of[[g == name for g in groups]])) == 1 for name in set(groups))
    assert np.array_equal(np.bincount(fold_of), [12] * 5)
    # scenes that tell nothing about new scenes: memorising them must not help
    scenes = np.random.RandomState(0).randn(15, 30)
    features = np.stack([scenes[i // 4] for i in range(60)])
    classes = [(i // 4) % 3 for i in range(60)]
    assert probe_accuracy(features, classes, groups)[0] < 0.7
    # two groups of two equal values: the error is that of two independent values
    assert grouped_error([1, 1, 0, 0], ['a', 'a', 'b', 'b']) == pytest.approx(0.5)


def test_boxes_around_masks_come_back_from_their_file(tmp_path):
    rng = np.random.RandomState(0)
    video = SourceVideo('v (1)', write_video(tmp_path / 'wave' / 'v (1).avi', rng, COLOURS[0]), 0)
    masks = BoundingBoxes(Square(5)).masks(video)
    assert bounding_boxes(masks).tolist() == [[15, 15, 25, 25]] * 2
    path = write_box_file(tmp_path / 'boxes.txt', Square(5), [video])
    assert np.array_equal(BoxMasks(path).masks(video), masks)
    assert bounding_boxes(np.zeros((1, 3, 3), bool)).tolist() == [[0] * 4]


def write_video(path, rng, ring):
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = picture(rng, ring)
    path.write_bytes(avi_bytes(encode_frames(frames, 'lossless'), SIDE, SIDE, 25, 'lossless'))
    return path


@pytest.fixture(scope='module')
def on_disk(tmp_path_factory):
    """Four classes of three films, a list, and masks as NPZ files."""
    tmp_path = tmp_path_factory.mktemp('leakage')
    rng = np.random.RandomState(0)
    lines = []
    for label in range(CLASSES):
        for group in range(3):
            name = f'Class{label}/v_Class{label}_g{group:02d}_c01'
            write_video(tmp_path / 'videos' / f'{name}.avi', rng, COLOURS[label])
            lines.append(f'{name}.avi {label}\n')
            masks = np.zeros((2, SIDE, SIDE), bool)
            masks[:, 14:26, 14:20] = masks[:, 14:20, 14:26] = True
            (tmp_path / 'masks' / f'Class{label}').mkdir(parents=True, exist_ok=True)
            np.savez(tmp_path / 'masks' / f'{name}.npz', masks=masks)
    (tmp_path / 'list.txt').write_text(''.join(lines))
    return tmp_path


def test_report(on_disk):
    given = on_disk / 'videos', [on_disk / 'list.txt'], f'npz:{on_disk / "masks"}'
    options = dict(refined='boxes:{boxes}', out=on_disk / 'out', frames=1, margin=1)
    lines, left_out = leakage_report(*given, **options)
    results = json.loads((on_disk / 'out' / 'leakage.json').read_text())
    expected = 100 * (1 - 108 / 144)
    assert results['metrics']['boxes/outside_share'] == pytest.approx(expected)
    assert results['metrics']['refined/outside_share'] == pytest.approx(expected)
    assert results['metrics']['refined/ring_top1'] == results['metrics']['boxes/ring_top1']
    assert results['protocol']['chance'] == 25 and results['protocol']['groups'] == 12
    assert len(results['videos']) == 12 and left_out == 0
    assert lines[0].split() == 'not actor, % actor kept, % ring top-1, % no ring'.split()
    assert lines[1].startswith('boxes') and ' 25.0 +- 0.0 ' in lines[1]
    assert (on_disk / 'out' / 'leakage.png').read_bytes().startswith(b'\x89PNG')
    assert not list(on_disk.rglob('*.part'))


def test_report_without_some_masks(on_disk, tmp_path):
    masks, out = tmp_path / 'masks', tmp_path / 'out'
    shutil.copytree(on_disk / 'masks', masks)
    (masks / 'Class0' / 'v_Class0_g00_c01.npz').unlink()
    given = (on_disk / 'videos', [on_disk / 'list.txt'], f'npz:{masks}')
    refused('1 of 12 videos have no mask: v_Class0_g00_c01;', leakage_report, *given, out=out)
    assert not out.exists()
    lines, left_out = leakage_report(*given, out=out, missing_masks='drop')
    assert left_out == 1 and any('left out 1 videos' in line for line in lines)


def test_examples_and_figure(on_disk):
    paths = sorted((on_disk / 'videos').rglob('*.avi'))
    listed = [SourceVideo(p.stem, p, int(p.stem[7]), p.parent.name) for p in paths]
    meter = LeakageMeter(Square(6), {'boxes': Square(14)}, frames=1)
    found = measure_leakage(meter, listed)
    chosen = choose_examples(found)
    assert len(chosen) == 3 and len({video.label for video in chosen}) == 3
    path = leakage_figure(on_disk / 'f.png', found, meter, chosen)
    assert path.stat().st_size > 10_000
