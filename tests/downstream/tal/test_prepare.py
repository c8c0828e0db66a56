"""THUMOS14 made ready: the real annotation, small ones, and videos that are not as annotated."""

import json
import shutil

import numpy as np
import pytest

from albar_mm.datasets.motion_sprites.builder import FPS, write_mjpeg
from albar_mm.utils.errors import DatasetError
from downstream.tal.annotations import read_annotation
from downstream.tal.checks import prepare_thumos14
from tests.in_process import run_tool

from .toy import entry, write_json

#: What the small annotation below holds.
SMALL = dict(validation=(2, 3), test=(1, 1), classes=2)


def video(subset, actions, duration=3.0, fps=FPS):
    names = ('Dive', 'Throw', 'Swim')
    given = entry(subset, duration, [(begin, end, names[at]) for begin, end, at in actions])
    for each, (*_, at) in zip(given['annotations'], actions, strict=True):
        each['label_id'] = at
    return dict(given, fps=fps)


def small(folder, **changes):
    """Two training videos, the first with both classes, and one test video."""
    given = dict(
        v1=video('Validation', [(0, 1, 0), (1, 2, 1)]), v2=video('Validation', [(1, 2, 1)])
    )
    given['t1'] = video('Test', [(0.5, 1, 1)])
    return write_json(folder / 'given.json', given | changes)


def videos(folder, *names):
    folder.mkdir()
    for name in names:
        write_mjpeg(folder / f'{name}.avi', np.zeros((24, 16, 16, 3), np.uint8))
    return folder


def prepared(folder, annotation, *given, **options):
    return prepare_thumos14(annotation, folder / 'out', *given, official=SMALL, **options)


def report(folder):
    return json.loads((folder / 'report.json').read_text())


@pytest.mark.real_data
def test_the_real_annotation(real_data, tmp_path):
    path = real_data / 'thumos14' / 'thumos14.json'
    done = run_tool('prepare_dataset', 'thumos14', '--annotations', path, '--out', tmp_path)
    text = done.stdout
    assert done.returncode == 0 and 'validation: 200 videos, 3007 actions' in text
    assert 'test: 212 videos, 3358 actions' in text
    assert 'video_test_0000270: 22 of its 29 actions lie beyond its end' in text
    given = json.loads(path.read_text())
    assert json.loads((tmp_path / 'thumos14.json').read_text()) == given
    beyond = report(tmp_path)['actions_beyond_the_end']
    assert len(beyond) == 5 and beyond['video_test_0000270'] == 22
    assert f'{sum(beyond.values())} actions of 5 videos begin beyond the end' in text
    classes = (tmp_path / 'classes.txt').read_text().split()
    assert len(classes) == 20 and classes[4::3][:2] == ['CliffDiving', 'Diving']
    assert not list(tmp_path.glob('test.txt'))  # no list without videos


@pytest.mark.real_data
def test_real_videos_of_which_most_are_missing(real_data, tmp_path):
    """Of the tool: exit status 1, one line and nothing written; or 3 and the rest."""
    (tmp_path / 'videos').mkdir()
    names, out = ['video_validation_0000266', 'video_test_0000004'], tmp_path / 'out'
    clip = real_data / 'thumos14/sample_features/highjump.mp4'
    for name in names:
        shutil.copyfile(clip, tmp_path / 'videos' / f'{name}.mp4')
    given = ['--annotations', real_data / 'thumos14' / 'thumos14.json', '--out', out]
    given = ['prepare_dataset', 'thumos14', *given, '--videos', tmp_path / 'videos']
    done = run_tool(*given)
    assert done.returncode == 1 and not out.exists()
    assert done.stderr.count('\n') == 1
    assert 'lacks 410 of the 412 annotated videos' in done.stderr
    done = run_tool(*given, '--missing', 'drop')
    assert done.returncode == 3 and 'classes are in no video that is there, as ' in done.stdout
    assert len(report(out)['left_out']) == 410 and report(out)['other_frame_rate'] == []
    # the clip lasts 726 frames at 30 fps, whatever the annotation says of these two
    assert [row[2] for row in report(out)['other_length']] == [24.2, 24.2]


def test_videos_as_annotated_and_of_another_frame_rate_or_length(tmp_path):
    folder = videos(tmp_path / 'videos', 'v1', 'v2', 't1', 'not_annotated')
    lines, absent = prepared(tmp_path, small(tmp_path), folder)
    assert absent == [] and len(lines) == 3
    assert lines[-1].endswith('classes.txt, report.json, validation.txt, test.txt')
    nothing = dict(actions_beyond_the_end={}, left_out=[], other_frame_rate=[], other_length=[])
    assert report(tmp_path / 'out') == nothing
    listed = (tmp_path / 'out/validation.txt').read_text().split()
    assert listed == [str(folder / f'{name}.avi') for name in ('v1', 'v2')]
    changes = dict(t1=video('Test', [(4, 5, 1)], fps=30.0))
    changes['v1'] = video('Validation', [(0, 1, 0), (1, 2, 1)], duration=9.0)
    text = '\n'.join(prepared(tmp_path, small(tmp_path, **changes), folder)[0])
    assert '1 videos have another frame rate than annotated, as t1 (8, annotated 30)' in text
    assert '1 videos have another length than annotated, as v1 (3, annotated 9)' in text
    assert '1 actions of 1 videos begin beyond the end of their video: t1 (1)' in text
    assert report(tmp_path / 'out')['other_frame_rate'] == [['t1', 30.0, 8.0]]
    assert report(tmp_path / 'out')['other_length'] == [['v1', 9.0, 3.0]]


def test_videos_that_are_not_there(tmp_path):
    """The rest is an annotation of its own, though the only video of a class is gone."""
    folder, annotation = videos(tmp_path / 'videos', 'v2', 't1'), small(tmp_path)
    with pytest.raises(DatasetError, match=r'videos: lacks 1 of the 3 annotated videos, as v1'):
        prepared(tmp_path, annotation, folder)
    assert not (tmp_path / 'out').exists()
    lines, absent = prepared(tmp_path, annotation, folder, missing='drop')
    assert absent == ['v1'] and '1 videos are not there, as v1: left out' in lines
    told = '1 classes are in no video that is there, as Dive: label_id is numbered anew'
    assert told in lines
    kept = read_annotation(tmp_path / 'out' / 'thumos14.json')
    assert [each.video_id for each in kept.videos] == ['v2', 't1'] and kept.classes == ('Throw',)
    assert (tmp_path / 'out/classes.txt').read_text() == 'Throw\n'
    assert report(tmp_path / 'out')['left_out'] == ['v1']
    # an annotation that lies there already is not lost
    given = annotation.rename(tmp_path / 'out' / 'thumos14.json')
    before = given.read_text()
    with pytest.raises(DatasetError, match='would be overwritten by itself without 1 videos'):
        prepared(tmp_path, given, folder, missing='drop')
    assert given.read_text() == before
    prepared(tmp_path, given)
    assert json.loads(given.read_text()) == json.loads(before)


def test_folders_that_are_refused(tmp_path):
    folder = videos(tmp_path / 'videos', 'v1', 'v2', 't1')
    (folder / 't1.avi').write_bytes(b'')
    other = videos(tmp_path / 'other', 'x')
    for given, message in (
        (tmp_path / 'gone', 'gone: no such folder'),
        (other, 'lacks 3 of the 3'),
        (folder, 't1.avi'),
    ):
        with pytest.raises(DatasetError, match=message):
            prepared(tmp_path, small(tmp_path), given, missing='drop')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(v3=video('Validation', [(0, 1, 0)])), '3 validation videos with 4 .* 2 and 3: an'),
        (dict(t1=video('Test', [])), '1 test videos with 0 actions; THUMOS14 has 1 and 1'),
        (dict(v1=video('Validation', [(0, 1, 0), (1, 2, 2)])), '3 classes; THUMOS14 has 2'),
        (dict(t1=video('Test', [(2, 1, 1)])), r"video 't1': segment \[2, 1\] ends before"),
        (dict(t1=video('Training', [(0, 1, 1)])), "'test' has no video; there are 'training'"),
    ],
)
def test_annotations_that_are_refused(tmp_path, changes, message):
    with pytest.raises(DatasetError, match=message) as caught:
        prepared(tmp_path, small(tmp_path, **changes))
    assert '\n' not in str(caught.value) and not (tmp_path / 'out').exists()
