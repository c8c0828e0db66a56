"""Boxes as masks, and the 910 source videos of UCF101."""

import pickle
from collections import Counter

import numpy as np
import pytest

from albar_mm.annotations.tubes import UCF101_24_CLASSES
from albar_mm.bias_sets.masks.boxes import FRAME_SLACK, BoxMasks
from albar_mm.bias_sets.masks.refine import GrabCutMasks
from albar_mm.bias_sets.sources import official_sources, require_masks

from ...refused import refused
from .toy_masks import UCF_CLIPS, blank_video, ucf_clip, write_boxes

#: source videos of split 1 in the official SCUBA lists of UCF101, by class
PER_CLASS = '35 37 38 39 36 45 34 36 39 49 46 38 40 34 43 32 40 28 39 33 49 31 33 36'
#: frames of these videos there, by class
PUBLISHED_FRAMES = (
    '1323 1355 8048 2194 1446 5168 4318 5519 4344 8464 11324 4480 6969 5691 5156 4832 8976 7180 '
    '12018 4855 2269 5218 1029 7096'
)


def test_two_actors_in_one_frame_by_hand(tmp_path):
    rows = [(1, 1, 2, 3, 4), (1, 6.9, 0.2, 8.9, 1.99), (3, 0, 0, 10, 8)]
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', *(('clip', *row) for row in rows)))
    masks = boxes.masks(blank_video())
    expected = np.zeros((8, 10), bool)
    expected[2:4, 1:3] = True
    expected[0:1, 6:8] = True  # cut to whole numbers
    assert np.array_equal(masks[0], expected)
    assert not masks[1].any() and masks[2].all()
    assert [len(of_frame) for of_frame in boxes.boxes(blank_video())] == [2, 0, 1]


def pickled(path, *tubes):
    """UCF101-24 in the layout of the published code; a tube is (class, rows of frame and box)."""
    by_class = {}
    for label, rows in tubes:
        by_class.setdefault(label, []).append(np.array(rows, float))
    content = dict(gttubes={'wave/clip': by_class}, labels=['wave', 'jump'])
    path.write_bytes(pickle.dumps(content))
    return path


def test_the_first_actor_alone_by_hand(tmp_path):
    tubes = [(0, [(2, 4, 0, 6, 8), (3, 4, 0, 6, 8)]), (0, [(1, 0, 0, 2, 8), (2, 0, 0, 2, 8)])]
    path = pickled(tmp_path / 'b.pkl', *tubes)
    columns = {
        'first': [[], [4, 5], [4, 5], []],
        'all': [[0, 1], [0, 1, 4, 5], [4, 5], []],
    }
    columns[None] = columns['all']
    for actors, wanted in columns.items():
        masks = BoxMasks(path, actors).masks(blank_video(4))
        assert [np.flatnonzero(mask.all(0)).tolist() for mask in masks] == wanted
        assert [mask.sum() for mask in masks] == [8 * len(of_frame) for of_frame in wanted]
    refused("actors='some': expected 'all' or 'first'", BoxMasks, path, 'some')


def test_all_actors_are_the_settings_of_older_builds(tmp_path):
    boxes = [BoxMasks(tmp_path / 'b.pkl', actors) for actors in (None, 'all', 'first')]
    assert [one.name for one in boxes] == ['ucf24_boxes', 'ucf24_boxes', 'ucf24_boxes_first']
    assert boxes[0].settings() == boxes[1].settings() == dict(name='ucf24_boxes', path='b.pkl')
    assert boxes[2].settings()['actors'] == 'first'


@pytest.mark.real_data
def test_lengths_of_the_published_ucf101_sets(real_data, tmp_path):
    """Frames of each class in the official SCUBA list, a fifth of its items: the first actor's."""
    sources = official_sources('ucf101', real_data / 'ucf101', tmp_path)
    kept = require_masks(annotation(real_data), sources, 'drop')
    lengths = {}
    for actors in ('first', 'all'):
        lengths[actors] = Counter()
        for video in kept.videos:
            tubes = BoxMasks(annotation(real_data).path, actors).tubes(video)
            assert len(tubes) == 1 or actors == 'all'
            last, first = (f(tube.frames[n] for tube in tubes) for f, n in ((max, -1), (min, 0)))
            lengths[actors][video.class_name] += int(last - first + 1)
    found = ' '.join(str(lengths['first'][name]) for name in UCF101_24_CLASSES)
    assert found == PUBLISHED_FRAMES and lengths['first'].total() == 129272
    assert lengths['all'].total() == 140699


@pytest.mark.parametrize(
    ('box', 'rows', 'columns'),
    [
        ((-3, -2, 4, 5), (0, 5), (0, 4)),
        ((7, 6, 30, 40), (6, 8), (7, 10)),
        ((-5, -5, 50, 50), (0, 8), (0, 10)),
        ((4.2, 3.1, 4.9, 3.8), (3, 4), (4, 5)),  # at least one pixel
    ],
)
def test_clipping(tmp_path, box, rows, columns):
    masks = BoxMasks(write_boxes(tmp_path / 'b.txt', ('clip', 1, *box))).masks(blank_video(1))
    expected = np.zeros((1, 8, 10), bool)
    expected[0, slice(*rows), slice(*columns)] = True
    assert np.array_equal(masks, expected)


@pytest.mark.parametrize('box', [(10, 0, 12, 5), (0, 8, 5, 9), (-5, 0, -1, 5), (0, -9, 4, -2)])
def test_outside_of_the_image(tmp_path, box):
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', ('clip', 1, *box)))
    said = 'clip: .*b.txt: the box .* of frame 1 lies outside of the image of 10x8 px'
    refused(said, boxes.masks, blank_video())


def test_boxes_beyond_the_end(tmp_path):
    rows = [('clip', frame, 0, 0, 5, 5) for frame in range(1, 4 + FRAME_SLACK)]
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', *rows))
    assert boxes.masks(blank_video(3)).any((1, 2)).all()
    refused('has boxes up to frame 6, but .* has 2 frames; get', boxes.masks, blank_video(2))


@pytest.mark.parametrize('name', ['clip', 'wave/clip', 'clip.avi', 'wave/clip.avi'])
def test_names_of_a_video(tmp_path, name):
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', (name, 1, 0, 0, 5, 5)))
    assert boxes.masks(blank_video()).any()
    other = blank_video(name='other')
    refused('other: .*b.txt holds no boxes of it; looked for', boxes.masks, other)


def test_the_class_folder_decides_between_two_of_one_name(tmp_path):
    rows = ('jump/clip', 1, 0, 0, 1, 1), ('wave/clip', 1, 0, 0, 10, 8)
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', *rows))
    assert boxes.masks(blank_video(1)).all()


def test_a_changed_file_is_read_again(tmp_path):
    boxes = BoxMasks(write_boxes(tmp_path / 'b.txt', ('clip', 1, 0, 0, 1, 1)))
    assert boxes.masks(blank_video(1)).sum() == 1
    write_boxes(tmp_path / 'b.txt', ('clip', 1, 0, 0, 10, 8))
    assert boxes.masks(blank_video(1)).all()
    (tmp_path / 'b.txt').unlink()
    refused('b.txt: no such file', boxes.masks, blank_video(1))


def annotation(real_data):
    return BoxMasks(real_data / 'ucf101' / 'ucf101_24_boxes_pyannot.pkl')


@pytest.mark.real_data
def test_910_source_videos_of_ucf101(real_data, tmp_path):
    sources = official_sources('ucf101', real_data / 'ucf101', tmp_path)
    assert len(sources.videos) == 3783
    for masks in (annotation(real_data), GrabCutMasks(annotation(real_data))):
        kept = require_masks(masks, sources, 'drop')
        counts = Counter(video.class_name for video in kept.videos)
        assert ' '.join(str(counts[name]) for name in UCF101_24_CLASSES) == PER_CLASS
        assert len(kept.videos) == 910 and len(kept.left_out) == 3783 - 910


@pytest.mark.real_data
@pytest.mark.parametrize('name', UCF_CLIPS)
def test_real_clips(real_data, name):
    boxes, video = annotation(real_data), ucf_clip(real_data, name)
    assert boxes.name == 'ucf24_boxes' and boxes.tubes(video)[0].class_name == 'SoccerJuggling'
    masks = boxes.masks(video)
    assert masks.shape == (*video.frames.shape[:3],) and 0.1 < masks.mean() < 0.4
    annotated = {int(frame) for tube in boxes.tubes(video) for frame in tube.frames}
    assert set(np.flatnonzero(masks.any((1, 2))).tolist()) == annotated
