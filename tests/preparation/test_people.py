"""Person detectors whose answer is known, and the run over a list."""

import functools
import json
import os
import pickle
import signal
from unittest import mock

import cv2
import numpy as np
import pytest

from albar_mm.annotations.person_boxes import read_person_boxes
from albar_mm.bias_sets.masks.folders import JhmdbMasks
from albar_mm.preparation.people.detect import detect_people, parse_detector, summary
from albar_mm.preparation.people.detectors import EveryNth, HogDetector, OnnxDetector, mask_boxes
from albar_mm.utils.errors import BadVideoError, DatasetError
from albar_mm.video.source_video import read_frames

from ..bias_sets.masks.conftest import one_opencv_thread  # noqa: F401
from ..bias_sets.masks.tiny_onnx import node, weights, write_model
from ..bias_sets.masks.toy_masks import index_of, real_clip, video_of
from ..refused import refused
from ..video_files import write_video

ROWS, COLUMNS, STRIPES = 32, 64, 8
WIDTH = COLUMNS // STRIPES


def stripes_model(path, layout, person=0, classes=2, same_place=False, broken=False):
    """Finds a person in each of 8 upright stripes; the score is the mean red of the stripe.

    ``layout``: 'classes', 'classes_last', 'objectness', 'suppressed' or 'suppressed_2d'.
    """
    first = {'c': 4, 'o': 5, 's': 4}[layout[0]]
    size = 6 if layout.startswith('suppressed') else first + classes
    kernel = np.zeros((size, 3, ROWS, WIDTH), np.float32)
    score = 4 if layout.startswith('suppressed') else first + person
    kernel[score, 0] = 1 / (ROWS * WIDTH)
    boxes = np.zeros((1, size, STRIPES), np.float32)
    left = np.arange(STRIPES) * (0 if same_place else WIDTH)
    if layout.startswith('suppressed'):
        boxes[0, :4] = left, np.full(STRIPES, 4), left + WIDTH, np.full(STRIPES, 28)
        boxes[0, 5] = person
    else:
        boxes[0, 0] = left + WIDTH / 2
        boxes[0, 1:4] = [[16], [WIDTH], [24]]
        if layout == 'objectness':
            boxes[0, 4] = 0.5
    if broken:
        boxes[0, 0, 3] = np.nan
    last = layout in ('classes_last', 'objectness', 'suppressed', 'suppressed_2d')
    nodes = [
        node('Conv', ['x', 'k'], 'a', kernel_shape=[ROWS, WIDTH], strides=[ROWS, WIDTH]),
        node('ReduceMean', ['a'], 'b', axes=[2], keepdims=0),
        node('Add', ['b', 'c'], 'd' if last else 'y'),
    ]
    shape = (1, size, STRIPES)
    if last:
        shape = (1, STRIPES, size)
        end = 't' if layout.endswith('2d') else 'y'
        nodes.append(node('Transpose', ['d'], end, perm=[0, 2, 1]))
    if layout.endswith('2d'):
        shape = (STRIPES, size)
        nodes.append(node('ReduceMean', ['t'], 'y', axes=[0], keepdims=0))
    constants = [weights(name, x.shape, x.ravel()) for name, x in (('k', kernel), ('c', boxes))]
    return write_model(path, nodes, constants, (1, 3, ROWS, COLUMNS), shape)


def striped(reds, height=64, width=128):
    """A frame of upright stripes of some red."""
    frame = np.zeros((height, width, 3), np.uint8)
    step = width // len(reds)
    for index, red in enumerate(reds):
        frame[:, index * step : (index + 1) * step, 0] = red
    return video_of(frame[None])


@pytest.mark.parametrize(
    ('layout', 'option'),
    [
        ('classes', 'classes'),
        ('classes_last', 'classes'),
        ('objectness', 'objectness'),
        ('suppressed', 'suppressed'),
        ('suppressed', 'auto'),
        ('suppressed_2d', 'auto'),
    ],
)
@pytest.mark.parametrize('person', [0, 1])
def test_layouts_of_outputs(tmp_path, layout, option, person):
    """Scores 200/255 and 100/255; boxes in px of a frame twice the size of the input."""
    path = stripes_model(tmp_path / 'm.onnx', layout, person)
    detector = OnnxDetector(path, output=option, person=person, threshold=0.15)
    (found,) = detector.detect(striped([0, 200, 0, 0, 0, 0, 100, 20]))
    score = (0.5 if layout == 'objectness' else 1) / 255
    expected = [[16, 8, 32, 56, 200 * score], [96, 8, 112, 56, 100 * score]]
    assert np.allclose(found, expected, atol=1e-3)
    other = OnnxDetector(path, output=option, person=1 - person, threshold=0.15)
    assert other.detect(striped([255] * 8))[0].shape == (0, 5)


def test_coco_is_known_by_its_size(tmp_path):
    path = stripes_model(tmp_path / 'm.onnx', 'classes', classes=80)
    (found,) = OnnxDetector(path).detect(striped([255, *[0] * 7]))
    assert np.allclose(found, [[0, 8, 16, 56, 1]], atol=1e-3)
    path = stripes_model(tmp_path / 'o.onnx', 'objectness', classes=80)
    assert np.allclose(OnnxDetector(path).detect(striped([255, *[0] * 7]))[0][:, 4], 0.5)
    path = stripes_model(tmp_path / 'n.onnx', 'classes', classes=3)
    refused(r'n.onnx: gives an output of shape \(7, 8\); exp', OnnxDetector(path).check)


def test_padding_and_stretching(tmp_path):
    """A square frame fills the left half of the input, or is stretched over all of it."""
    path = stripes_model(tmp_path / 'm.onnx', 'classes')
    video = striped([255, 0, 0, 0], 64, 64)
    make = functools.partial(OnnxDetector, path, output='classes')
    (padded,) = make(threshold=0.5).detect(video)
    assert np.allclose(padded, [[0, 8, 16, 56, 1]], atol=1e-3)
    (stretched,) = make(threshold=0.5, resize='stretch').detect(video)
    assert np.allclose(stretched[:, :4], [[0, 8, 8, 56], [8, 8, 16, 56]], atol=1e-3)
    (grey,) = make(threshold=0.4).detect(video)
    assert np.allclose(sorted(grey[:, 0]), [0, 64, 80, 96, 112])  # the filling, 114 / 255


def test_suppression_of_overlaps(tmp_path):
    """All stripes at one place: the best stays; a model that suppressed is left alone."""
    for layout, number in (('classes', 1), ('suppressed', 2)):
        path = stripes_model(tmp_path / f'{layout}.onnx', layout, same_place=True)
        detector = OnnxDetector(path, output=layout, threshold=0.5)
        (found,) = detector.detect(striped([0, 200, 250, 0, 0, 0, 0, 0]))
        assert len(found) == number and found[0, 4] == pytest.approx(250 / 255, abs=1e-3)


def test_what_a_model_may_not_do(tmp_path):
    path = stripes_model(tmp_path / 'm.onnx', 'classes')
    with pytest.raises(DatasetError, match='m.onnx: gives 2 classes; person=2 is none of them'):
        OnnxDetector(path, output='classes', person=2).check()
    refused('m.onnx: gives an output of shape', OnnxDetector(path, output='suppressed').check)
    with pytest.raises(DatasetError, match='values that are not finite'):
        broken = stripes_model(tmp_path / 'n.onnx', 'classes', broken=True)
        OnnxDetector(broken, output='classes').check()
    refused('gone.onnx: no such model file', OnnxDetector(tmp_path / 'gone.onnx').check)
    cv2.setNumThreads(3)
    OnnxDetector(path, output='classes').check()
    assert cv2.getNumThreads() == 3


def test_mask_boxes_by_hand():
    mask = np.zeros((20, 30), bool)
    mask[2:6, 3:8] = mask[6, 8] = mask[10:20, 20:30] = mask[0, 0] = True
    assert mask_boxes(mask, 10).tolist() == [[3, 2, 9, 7, 1], [20, 10, 30, 20, 1]]
    assert mask_boxes(np.zeros((4, 4), bool), 1).shape == (0, 5)


class Counted:
    """Tells in its boxes which frame it saw."""

    name = 'counted'

    def settings(self):
        return dict(name=self.name)

    def check(self):
        pass

    def detect(self, video):
        return [np.array([[0, 0, 1 + int(frame[0, 0, 0]), 5, 1]]) for frame in video.frames]


def test_every_nth():
    frames = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 6, 60, 3), np.uint8)
    seen = [rows[0, 2] - 1 for rows in EveryNth(Counted(), 3).detect(video_of(frames))]
    assert seen == [0, 0, 3, 3, 3, 6, 6, 6]


def test_hog_on_frames_smaller_than_its_window():
    found = HogDetector().detect(video_of(np.zeros((2, 30, 40, 3))))
    assert [rows.shape for rows in found] == [(0, 5)] * 2


@pytest.mark.parametrize(
    ('text', 'kind', 'name'),
    [
        ('hog', HogDetector, 'hog'),
        ('hog,enlarge=2,stride=16', HogDetector, 'hog'),
        ('motion', None, 'motion'),
        ('motion,threshold=9', None, 'motion'),
        ('onnx:{m},output=classes,person=1,size=32x64,normalized=false', OnnxDetector, 'onnx(m)'),
        ('file:{b}', None, 'file'),
        ('masks:jhmdb:{folder}', None, 'jhmdb'),
    ],
)
def test_descriptions(tmp_path, text, kind, name):
    stripes_model(tmp_path / 'm.onnx', 'classes')
    (tmp_path / 'b.txt').write_text('clip 1 0 0 5 5\n')
    places = dict(m=tmp_path / 'm.onnx', b=tmp_path / 'b.txt', folder=tmp_path)
    made = parse_detector(text.format(**places))
    assert made.name == name and (kind is None or isinstance(made, kind))
    assert pickle.loads(pickle.dumps(made)) == made
    assert json.loads(json.dumps(made.settings()))['name'] == name
    if 'enlarge' in text:
        assert (made.enlarge, made.stride) == (2.0, 16)
    if 'person' in text:
        found = made.output, made.person, made.size, made.normalized
        assert found == ('classes', 1, (32, 64), False)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('hogg', 'no such detector .did you mean .hog'),
        ('', r'no such detector; expected one of: hog\[,key=value\], onnx:MODEL'),
        ('hog,size=3', "hog has no option 'size'.*; options: enlarge, margin, stride"),
        ('hog,stride=9', 'stride=9: expected a multiple of 8'),
        ('hog,enlarge=0', 'enlarge=.*a number > 0'),
        ('onnx:', 'expected onnx:MODEL'),
        ('onnx:gone.onnx', 'gone.onnx: no such file'),
        ('onnx:{m},output=yolo', 'output=.*expected auto, classes'),
        ('onnx:{m},person=-1', 'person=.*a class index'),
        ('onnx:{m},threshold=1', 'threshold=.*a score'),
        ('onnx:{m},nms=0', 'nms=.*an intersection'),
        ('onnx:{m},resize=crop', 'resize=.*pad'),
        ('onnx:{m},scale=0', 'scale=.*a number > 0'),
        ('onnx:{m},std=0/1/1', 'std=.*three numbers > 0'),
        ('onnx:{m},channels=x', 'channels=.*rgb'),
        ('onnx:{m},size=0x4', 'size=.*height and width'),
        ('segmenter:gone.onnx', 'gone.onnx: no such file'),
        ('file:gone.pkl', 'gone.pkl: no such file'),
        ('masks:what:x', 'no such mask source'),
    ],
)
def test_wrong_descriptions(tmp_path, text, message):
    (tmp_path / 'm.onnx').touch()
    refused(f'detector .*{message}', parse_detector, text.format(m=tmp_path / 'm.onnx'))


def test_every_is_for_detectors_that_look_at_frames(tmp_path):
    (tmp_path / 'b.txt').write_text('clip 1 0 0 5 5\n')
    with pytest.raises(DatasetError, match='has an entry for every frame; leave out --every'):
        parse_detector(f'file:{tmp_path / "b.txt"}', 2)
    refused('every=0: expected', parse_detector, 'hog', 0)
    assert parse_detector('motion', 2).settings()['every'] == 2


@pytest.fixture
def clips(tmp_path):
    """Three videos and their list, in an order that is not that of the names."""
    names = ['wave/c d.avi', 'wave/a.avi', 'wave/b.avi']
    for index, name in enumerate(names):
        write_video(tmp_path / 'videos' / name, frames=4 + index, side=32, step=8)
    (tmp_path / 'list.txt').write_text(''.join(f'{name} 0\n' for name in names))
    return tmp_path


class Bright(Counted):
    """A box in frames that are bright enough; can be told to fail in a video."""

    name = 'bright'

    def __init__(self, fails=''):
        self.fails = fails

    def detect(self, video):
        if self.fails == f'{video.video_id} dies':
            os.kill(os.getpid(), signal.SIGKILL)
        if video.video_id == self.fails:
            raise DatasetError(f'video {video.video_id}: failed')
        people = np.array([[-3, 0.123, 99, 5, 0.98765], [50, 50, 60, 60, 1]])
        return [people if frame.mean() > 12 else np.empty((0, 5)) for frame in video.frames]


def run(clips, detector=None, out='out', videos='videos', **options):
    files = clips / 'list.txt', clips / videos, clips / out / 'people.jsonl'
    return detect_people(*files, detector or Bright(), say=lambda _: None, **options)


@pytest.mark.parametrize('workers', [1, 2])
def test_a_list(clips, workers):
    done = run(clips, workers=workers)
    rows = [json.loads(line) for line in done.out.read_text().splitlines()]
    assert [row['video'] for row in rows] == ['wave/c d.avi', 'wave/a.avi', 'wave/b.avi']
    for row in rows:
        frames = read_frames(clips / 'videos' / row['video'])
        bright = frames.mean((1, 2, 3)) > 12
        # clipped to the frame; the box beside it is gone
        assert row['boxes'] == [[[0.0, 0.1, 32, 5.0, 0.9877]] if b else [] for b in bright]
        assert 0 < sum(bright) < len(bright)
    assert (done.row['videos'], done.row['frames']) == (3, 15)
    report = json.loads(done.report.read_text())
    assert report['frames_without_people'] == 6 and report['detector'] == dict(name='bright')
    assert report['list']['file'] == 'list.txt' and report['videos_without_people'] == []
    names = sorted(path.name for path in done.out.parent.iterdir())
    assert names == ['people.jsonl', 'people.report.json']
    assert read_person_boxes(done.out).of(clips / 'videos' / 'wave' / 'b.avi').num_frames == 6
    assert 'people in 3 of 3 videos; 6 of 15 frames (40.0 %) have none' in summary(done)[0]


def test_an_interrupted_run_goes_on(clips):
    """Finished videos are not detected again; a line cut short is; the bytes are the same."""
    refused('video b: failed', run, clips, Bright('b'))
    part = clips / 'out' / 'people.jsonl.part'
    assert len(part.read_text().splitlines()) == 3 and not part.with_suffix('').exists()
    with part.open('a') as stream:
        stream.write('{"video": "wave/b.avi", "boxes": [[')
    done = run(clips, Bright('a'))  # would fail on a finished video
    assert done.kept == 2 and not part.exists()
    whole = run(clips, out='again')
    assert whole.out.read_bytes() == done.out.read_bytes()
    complete = run(clips, Bright('a'))
    assert complete.kept == 3 and complete.row == done.row
    refused('people.jsonl: is there already, made with other setti', run, clips, Counted())
    done.out.write_text('')
    refused('it was changed since', run, clips)


def test_videos_that_cannot_be_read(clips):
    (clips / 'videos' / 'wave' / 'a.avi').write_bytes(b'')
    refused('a.avi cannot be read: the file is empty', run, clips, error=BadVideoError)
    done = run(clips, missing='drop')
    assert done.row['videos'] == 2 and [entry['video'] for entry in done.row['left_out']] == [
        'wave/a.avi'
    ]
    assert any('left out 1 listed videos' in line for line in summary(done))
    assert json.loads(done.report.read_text())['left_out'] == done.row['left_out']


def test_a_video_that_kills_its_process(clips):
    with pytest.raises(BadVideoError, match='video wave/a.avi: its process was killed while at'):
        run(clips, Bright('a dies'), workers=2)
    done = run(clips, Bright('a dies'), workers=2, missing='drop')
    assert done.row['videos'] == 2 and [entry['video'] for entry in done.row['left_out']] == [
        'wave/a.avi'
    ]


def test_a_run_that_ended_before_its_report_goes_on(clips, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        report = mock.Mock(side_effect=KeyboardInterrupt)
        patch.setattr('albar_mm.preparation.list_job.write_json', report)
        run(clips)
    out = clips / 'out' / 'people.jsonl'
    written = out.read_bytes()
    done = run(clips, Bright('a'))  # would fail if it detected again
    assert done.report.is_file() and out.read_bytes() == written
    out.with_name('people.jsonl.part').touch()
    assert run(clips).kept == 3
    done.report.unlink()
    out.with_name('people.jsonl.part').unlink()
    refused('is there already, without a sound', run, clips)


@pytest.mark.parametrize(
    ('text', 'options', 'message'),
    [
        ('\n', {}, 'list.txt: the list is empty; lists are made by'),
        ('wave/a.avi\n', {}, "list.txt:1: expected '<path> <number>'"),
        (None, {}, 'list.txt: no such file; lists are made by'),
        ('a.avi 0\n', dict(out='o.txt'), 'o.txt: name a file that ends in .jsonl'),
        ('a.avi 0\n', dict(missing='skip'), 'missing must be one of'),
        ('a.avi 0\n', dict(missing='drop'), 'none of 1 videos can be read; the first: video'),
    ],
)
def test_bad_input(tmp_path, text, options, message):
    if text is not None:
        (tmp_path / 'list.txt').write_text(text)
    out = tmp_path / options.pop('out', 'o.jsonl')
    with pytest.raises((DatasetError, ValueError), match=message):
        detect_people(tmp_path / 'list.txt', tmp_path, out, Bright(), **options)


def test_published_detections_become_our_lines(clips):
    """Frames from 1 there, from 0 here; the last entry holds for a frame more."""
    boxes = {frame: np.array([[frame, 1, 20, 9, 0.5]]) for frame in (1, 2, 3, 4)}
    content = dict.fromkeys(('c_d', 'a', 'wave/b'), boxes)
    np.save(clips / 'd.npy', np.array(content, dtype=object), allow_pickle=True)
    done = run(clips, parse_detector(f'file:{clips / "d.npy"}'))
    first, *_, last = [json.loads(line) for line in done.out.read_text().splitlines()]
    assert first['boxes'] == [[[frame, 1, 20, 9, 0.5]] for frame in (1, 2, 3, 4)]
    assert [boxes[0][0] for boxes in last['boxes']] == [1, 2, 3, 4, 4, 4]


def real_rows(real_data, count):
    rows = index_of(real_data)
    return rows[:: len(rows) // count][:count]


@pytest.mark.real_data
def test_boxes_of_a_real_segmenter_hold_real_people(real_data):
    """At least half of the pixels of the puppet masks lie in the boxes, in all but few clips."""
    detector = parse_detector(f'segmenter:{real_data / "models" / "selfie_segmentation.tflite"}')
    puppets = JhmdbMasks(real_data / 'hmdb51_jhmdb21' / 'masks')
    held = []
    for row in real_rows(real_data, 8):
        truth = puppets.masks(real_clip(real_data, row))[::12]
        found = detector.detect(real_clip(real_data, row, step=12))
        for mask, rows in zip(truth, found, strict=True):
            inside = np.zeros_like(mask)
            for x1, y1, x2, y2 in rows[:, :4].astype(int):
                inside[y1:y2, x1:x2] = True
            held.append((mask & inside).sum() / max(1, mask.sum()))
    assert np.mean(np.array(held) > 0.5) > 0.7


@pytest.mark.real_data
def test_hog_finds_a_real_person_who_walks(real_data):
    """Upright people, as the detector was trained for: the box holds most of the puppet mask."""
    puppets = JhmdbMasks(real_data / 'hmdb51_jhmdb21' / 'masks')
    held = []
    for row in [row for row in index_of(real_data, None) if row['class'] == 'walk'][:8]:
        truth = puppets.masks(real_clip(real_data, row))[::12]
        boxes = HogDetector().detect(real_clip(real_data, row, 12))
        for mask, found in zip(truth, boxes, strict=True):
            for x1, y1, x2, y2 in np.maximum(found, 0)[:, :4].astype(int):
                held += [mask[y1:y2, x1:x2].sum() / mask.sum()] if mask.any() else []
    assert len(held) >= 5 and np.mean(np.array(held) > 0.5) > 0.5


@pytest.mark.real_data
def test_puppet_masks_become_their_boxes(real_data, tmp_path):
    root = real_data / 'hmdb51_jhmdb21'
    rows = real_rows(real_data, 2)
    (tmp_path / 'list.txt').write_text(''.join(f'{r["class"]}/{r["video"]}.avi 0\n' for r in rows))
    detector = parse_detector(f'masks:jhmdb:{root / "masks"}')
    done = run(tmp_path, detector, videos=root / 'videos')
    known = read_person_boxes(done.out)
    for row in rows:
        video = real_clip(real_data, row)
        masks = JhmdbMasks(root / 'masks').masks(video)
        boxes, positions = known.of(video.path).at(range(len(masks)))
        union = np.zeros_like(masks)
        for position, (x1, y1, x2, y2) in zip(positions, boxes.astype(int), strict=True):
            union[position, y1:y2, x1:x2] = True
        assert (masks & union).sum() > 0.98 * masks.sum()
