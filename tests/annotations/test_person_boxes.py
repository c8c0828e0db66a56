"""Files of person boxes: layouts, lookup by video, and what is refused."""

import json
import os
import pickle

import numpy as np
import pytest

from albar_mm.annotations.person_boxes import read_person_boxes
from albar_mm.datasets.motion_sprites import SpritesSettings, build_motion_sprites
from albar_mm.utils.errors import DatasetError

from ..bias_sets.masks.toy_masks import UCF_CLIPS, write_boxes
from ..pickled_call import Calls
from ..refused import refused


def write_lines(path, *rows):
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text(''.join(line + '\n' for line in lines))
    return path


def detections():
    return {
        'v_a': {
            1: np.array([[1, 2, 3, 4, 0.5], [0, 0, 9, 9, 0.25]], np.float32),
            2: np.zeros((0, 5)),
            3: [[5, 5, 6, 9, 0.9], [2, 3, 2, 9, 0.8]],
        },
        'wave/v_b': {np.int64(2): [[1, 1, 2, 2]]},
        'v_c': {},
    }


def write_npy(path, content):
    np.save(path, np.array(content, dtype=object), allow_pickle=True)
    return path


def write_pkl(path, content):
    path.write_bytes(pickle.dumps(content))
    return path


def test_lines(tmp_path):
    """Lists of boxes with and without scores, single boxes, frames without any."""
    path = write_lines(
        tmp_path / 'b.jsonl',
        dict(video='wave/a.avi', boxes=[[], [[1, 2, 3.5, 4, 0.5], [0, 0, 9, 9]], [[1, 1, 2, 2]]]),
        '',
        dict(video='wave/b.avi', boxes=[[0, 0, 5, 5], [], [1, 0, 5, 5, 0.25]], scene=3),
    )
    known = read_person_boxes(path)
    assert len(known) == 2 and known.num_boxes == 5 and known.dropped == 0
    boxes, positions = known.of('/d/wave/a.avi').at([1, 0, 2, 1])
    assert boxes.dtype == np.float32 and positions.dtype == np.int64
    second = [[1, 2, 3.5, 4], [0, 0, 9, 9]]
    assert boxes.tolist() == [*second, [1, 1, 2, 2], *second]
    assert positions.tolist() == [0, 0, 2, 3, 3]
    assert known.of('wave/a').at([1], 0.51)[0].tolist() == [[0, 0, 9, 9]]  # no score counts as 1
    other = known.of('wave/b.avi')
    assert other.num_frames == 3 and other.at([0, 1, 2], 0.25)[1].tolist() == [0, 2]
    assert other.at([], 0.1)[0].shape == (0, 4)


@pytest.mark.parametrize('write', [write_npy, write_pkl])
def test_published_detections(tmp_path, write):
    """Frames from 1; a box that covers nothing is left out and counted."""
    known = read_person_boxes(write(tmp_path / f'd.{write.__name__[-3:]}', detections()))
    assert known.names == ('v_a', 'wave/v_b', 'v_c') and known.dropped == 1
    video = known.of('/d/wave/v_a.avi')
    assert video.at([0, 1, 2], 0.4)[0].tolist() == [[1, 2, 3, 4], [5, 5, 6, 9]]
    assert video.at([0, 1, 2], 0.5, above=True)[0].tolist() == [[5, 5, 6, 9]]
    assert video.at([0], 0.25)[0].tolist() == [[1, 2, 3, 4], [0, 0, 9, 9]]
    assert video.at([3, 5])[0].tolist() == [[5, 5, 6, 9]] * 2  # clamped to the entries
    assert known.of('wave/v_b.mp4').at([0, 1], 1.0)[1].tolist() == [1]
    assert known.of('v_c').num_frames == 0 and known.of('v_c').at([0, 9])[0].shape == (0, 4)


def test_boxes_of_another_video_are_noticed(tmp_path):
    path = write_lines(tmp_path / 'b.jsonl', dict(video='a', boxes=[[0, 0, 1, 1]] * 30))
    video = read_person_boxes(path).of('a')
    assert len(video.at([29, 42])[0]) == 2  # OpenCV announces up to a quarter too many
    refused(r'b.jsonl: a has entries for 30 frames, but frame 43 ', video.at, [43])


def test_annotated_tracks_end_where_they_end(tmp_path):
    rows = ('wave/a', 2, 1, 2, 3, 4), ('wave/a', 2, 5, 5, 9, 9), ('wave/a', 3, 1, 2, 3, 5)
    path = write_boxes(tmp_path / 'b.txt', *rows)
    video = read_person_boxes(path).of('wave/a.avi')
    boxes, positions = video.at([0, 1, 2, 3, 500])
    assert positions.tolist() == [1, 1, 2]
    assert boxes.tolist() == [[1, 2, 3, 4], [5, 5, 9, 9], [1, 2, 3, 5]]


@pytest.mark.parametrize(
    ('name', 'path', 'found'),
    [
        ('clip', '/d/wave/clip.avi', True),
        ('wave/clip.avi', '/d/wave/clip.avi', True),
        ('wave/clip', '/d/frames/wave/clip', True),
        ('data/videos/wave/clip.avi', 'wave/clip.mp4', True),
        ('run/clip', '/d/wave/clip.avi', False),
        ('clip2', '/d/wave/clip.avi', False),
        ('Diving/v_Diving_g01_c01', '/d/clips/v_Diving_g01_c01.avi', True),
        ('Diving/v_Fencing_g01_c01', '/d/clips/v_Fencing_g01_c01.avi', False),
        ('train/abcdefghi-__000010_000020', '/d/x/abcdefghi-__000010_000020.mp4', True),
        ('a(b)!#&.x', '/d/wave/a(b)!#&.x.avi', True),
        ('v_HandstandPushups_g01_c01', '/d/HandstandPushups/v_HandStandPushups_g01_c01.avi', True),
        (
            'HandStandPushups/v_HandStandPushups_g01_c01.avi',
            '/d/HandstandPushups/v_HandStandPushups_g01_c01.avi',
            True,
        ),
        ('abcdefghi-_', '/d/air drumming/abcdefghi-__000010_000020.mp4', True),
        ('air_drumming/abcdefghi-_', '/d/air drumming/abcdefghi-__000010_000020.mp4', True),
        ('abcdefghi-__000010_000020', '/d/abcdefghi-_.mp4', True),
        ('abcdefghi-__000010_000020', '/d/abcdefghi-__000010_000020.mp4', True),
        ('abcdefghi-__000030_000040', '/d/abcdefghi-__000010_000020.mp4', False),
    ],
)
def test_names_of_videos(tmp_path, name, path, found):
    file = write_lines(tmp_path / 'b.jsonl', dict(video=name, boxes=[[]]))
    assert (read_person_boxes(file).of(path) is not None) == found


def test_the_longest_name_wins_and_two_are_an_error(tmp_path):
    names = ('train/clip.avi', 'clip.avi', 'val/clip.avi', 'val/clip.mp4', 'run/other')
    path = write_lines(tmp_path / 'b.jsonl', *(dict(video=name, boxes=[[]]) for name in names))
    known = read_person_boxes(path)
    assert known.of('/d/train/clip.avi').name == 'train/clip.avi'
    assert known.of('/d/clip.avi').name == 'clip.avi'
    for video in ('/d/val/clip.avi', 'val/clip.mkv'):
        match = f'b.jsonl: 2 entries may be video {video}: val/clip.avi, val/clip.mp4; keep'
        refused(match, known.of, video)
    assert known.of('/d/train/other.avi') is None
    assert 'it has run/other, in another folder' in str(known.missing('/d/train/other.avi'))
    assert str(known.missing('/d/x.avi')).startswith(f'{path}: no person boxes of video /d/x.avi; ')


def test_read_once_and_again_after_a_change(tmp_path):
    path = write_lines(tmp_path / 'b.jsonl', dict(video='a', boxes=[[]]))
    first = read_person_boxes(path)
    assert read_person_boxes(str(path)) is first
    write_lines(path, dict(video='b', boxes=[[]]))
    os.utime(path, ns=(1, 1))
    assert read_person_boxes(path).names == ('b',)


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ('{"video": "a", "boxes": [[1, 2, 3', 'b.jsonl:2: is no JSON'),
        ('[1]', 'b.jsonl:2: expected a JSON object'),
        (dict(boxes=[[]]), 'b.jsonl:2: expected "video", some text, which is missing'),
        (dict(video='a'), 'b.jsonl:2: a: expected "boxes", a list with one entry per frame, which'),
        (dict(video='a', boxes=[]), 'a: expected "boxes", a list with one entry'),
        (dict(video='a', boxes=[[], 3]), 'b.jsonl:2: a: frame 1: expected a list of boxes'),
        (dict(video='a', boxes=[[1, 2]]), 'a: frame 0: expected boxes x1, y1, x2, y2 or'),
        (dict(video='a', boxes=[[], [[1, 2, 'x', 4]]]), 'a: frame 1: expected boxes of numbers'),
        (dict(video='a', boxes=[[[0, 0, 9, 9], 7]]), 'a: frame 0: expected boxes of numbers'),
        # a box without numbers would move the boxes of all frames and videos after it
        (dict(video='a', boxes=[[], [[]]]), 'a: frame 1: expected boxes x1'),
        (dict(video='a', boxes=[[], [[0, 0, 9, 9], []]]), 'a: frame 1: expected boxes x1'),
        (dict(video='a', boxes=[[[0, 0, 10**400, 9]]]), 'a: frame 0: expected boxes of numbers'),
        (dict(video='a', boxes=[[[1, 2, 1, 4]]]), 'frame 0: the box .* is empty'),
        ('{"video": "a", "boxes": [[[1, 2, NaN, 4]]]}', 'a: frame 0: expected finite numbers'),
        (dict(video='/', boxes=[[]]), "'/' names no video"),
    ],
)
def test_wrong_lines(tmp_path, row, message):
    path = write_lines(tmp_path / 'b.jsonl', dict(video='ok', boxes=[[]]), row)
    refused(message, read_person_boxes, path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([1], 'expected a dict of videos, got list'),
        ({}, 'expected a dict of videos, got dict {}'),
        ({'a': [1]}, 'a: expected a dict of frame numbers from 1 to boxes, got list'),
        ({'a': {0: np.ones((1, 5))}}, 'a: expected a dict of frame numbers'),
        ({'a': {'1': np.ones((1, 5))}}, 'a: expected a dict of frame numbers'),
        ({'a': {10**12: np.zeros((0, 5))}}, 'a: 1 entries, but one of frame 10{12}'),
        ({'a': {1: np.ones((1, 3))}}, 'a: frame 1: expected boxes x1'),
        ({'a': {1: np.full((1, 5), np.inf)}}, 'a: frame 1: expected finite numbers'),
    ],
)
def test_wrong_detections(tmp_path, content, message):
    write = write_pkl if isinstance(content, list) else write_npy  # an array of one dimension
    path = tmp_path / f'd.{write.__name__[-3:]}'
    refused(f'{path.name}: {message}', read_person_boxes, write(path, content))


@pytest.mark.parametrize('write', [write_npy, write_pkl])
def test_a_pickle_that_runs_something_is_refused(tmp_path, write):
    evil = Calls(os.mkdir, str(tmp_path / 'ran'))
    path = write(tmp_path / f'd.{write.__name__[-3:]}', {'a': {1: evil}})
    refused(r'the pickle asks for posix.mkdir, which annotations', read_person_boxes, path)
    assert not (tmp_path / 'ran').exists()


def test_wrong_arrays(tmp_path):
    np.save(tmp_path / 'plain.npy', np.ones((2, 5)))
    write_npy(tmp_path / 'two.npy', [{}, {}])
    for name, shape in (('plain', r'\(2, 5\) of float64'), ('two', r'\(2,\) of object')):
        with pytest.raises(DatasetError, match=f'{name}.npy: holds an array {shape}; expected'):
            read_person_boxes(tmp_path / f'{name}.npy')
    whole = write_npy(tmp_path / 'whole.npy', detections()).read_bytes()
    for length in (0, 5, 100, len(whole) - 9):
        (tmp_path / 'cut.npy').write_bytes(whole[:length])
        with pytest.raises(DatasetError, match='cut.npy: cannot be read as a pickle of boxes'):
            read_person_boxes(tmp_path / 'cut.npy')


def test_an_array_with_more_places_than_objects_is_refused(tmp_path):
    """numpy would read beyond the end of the list."""
    header = write_npy(tmp_path / 'a.npy', {}).read_bytes()
    start = header.index(b'\x80')
    inner = np.empty(2, dtype=object)
    inner[:] = ['x', 'y']
    raw = pickle.dumps(inner, protocol=2)
    assert raw.count(b'K\x02\x85') == 1  # the shape (2,)
    broken = header[:start] + raw.replace(b'K\x02\x85', b'K\x7f\x85')
    (tmp_path / 'a.npy').write_bytes(broken)
    refused('an array of objects whose shape is wrong', read_person_boxes, tmp_path / 'a.npy')


def test_files_that_are_not_there_or_hold_nothing(tmp_path):
    with pytest.raises(DatasetError, match='gone.jsonl: no such file of person boxes; tools/det'):
        read_person_boxes(tmp_path / 'gone.jsonl')
    for name, content in (
        ('a.jsonl', b'\n'),
        ('a.json', b'\xff\xfe'),
        ('a.txt', b''),
        ('a: a box of frame 10{12}', b'a 1000000000000 0 0 9 9'),
    ):
        path = tmp_path / (name if '.' in name else 'far.txt')
        path.write_bytes(content)
        refused(name, read_person_boxes, path)


def test_motion_sprites(tmp_path):
    """Its rows bound the masks that it was built with."""
    build_motion_sprites(tmp_path, SpritesSettings(train=8, val=8, test=8), False, 1)
    known = read_person_boxes(tmp_path / 'train.jsonl')
    video = sorted((tmp_path / 'videos' / 'train').iterdir())[0]
    mask = np.load(tmp_path / 'masks' / 'train' / f'{video.stem}.npz')['mask']
    boxes, positions = known.of(video).at(range(8))
    assert positions.tolist() == list(range(8))
    for of_frame, (x1, y1, x2, y2) in zip(mask, boxes.astype(int), strict=True):
        assert of_frame[y1:y2, x1:x2].sum() == of_frame.sum() > 0
        assert of_frame[:, x1].any() and of_frame[y2 - 1].any()


@pytest.mark.real_data
def test_ucf101_24(real_data):
    known = read_person_boxes(real_data / 'ucf101' / 'ucf101_24_boxes_pyannot.pkl')
    assert len(known) == 3194 and known.num_boxes > 500_000
    assert known._rows.nbytes + known._starts.nbytes < 32 * 2**20
    for name in UCF_CLIPS:
        boxes, _ = known.of(real_data / 'clips' / f'{name}.avi').at(range(40))
        assert len(boxes) >= 40 and (boxes[:, 2:] <= (320, 240)).all()
