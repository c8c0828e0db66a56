"""Annotated actions and files of detections: the real file, what is read, and what is refused."""

import json

import pytest

from albar_mm.utils.errors import DatasetError
from downstream.tal.annotations import read_annotation, read_predictions, write_predictions

from .rows import segments
from .toy import entry, write_json

CLASSES, VIDEOS = ['Dive', 'Throw'], ['a', 'b', 'c']
GOOD = dict(label='Throw', segment=[1, 2.5], score=0.5)


def test_classes(tmp_path):
    ids = entry()
    for action, number in zip(ids['annotations'], (1, 0), strict=True):
        action['label_id'] = number
    assert read_annotation(write_json(tmp_path / 'a.json', dict(v=ids))).classes == ('run', 'jump')
    path = write_json(tmp_path / 'b.json', dict(v=entry(), w=entry(actions=[(1, 1, 'run')])))
    found = read_annotation(path)
    assert found.classes == ('jump', 'run') and found.videos[1].empty == 1
    assert found.videos[1].segments.shape == (0, 2)
    assert read_annotation(path, ['run', 'hop', 'jump']).videos[0].labels.tolist() == [2, 0]


def action(segment=(1.0, 2.0), label='jump'):
    return dict(annotations=[dict(label=label, segment=segment)])


def document(text):
    return f'{{"database": {text}}}'


@pytest.mark.parametrize(
    'change, message',
    [
        ('[]', r'a\.json: expected a JSON object'),
        (document('{}'), 'lists no video'),
        (document('{"v"'), 'is no JSON'),
        (document('{"v": 3}'), "video 'v': expected keys"),
        (None, 'no such file'),
        (action([5.0, 2.0]), r"video 'v': segment \[5.0, 2.0\] ends before it begins"),
        (action([5.0]), r'segment \[5.0\]: expected \[begin'),
        (action('12'), "segment '12': expected"),
        (action([5.0, float('nan')]), r'segment \[5.0, nan\]: expected'),
        (action(label='fly'), "video 'v': class 'fly' is not one of the 2 in the list, as 'jump'"),
        (action(label=['jump', 'run']), r"'v': label \['jump', 'run'\]: expected the name of one"),
        (action(label=1.5), 'label 1.5: expected the name of one class, or its number'),
        (action(label=' '), "label ' ': expected"),
        (document('{"v": {}, "v": {}}'), "the key 'v' stands twice"),
        ('[' * 10**5, 'it is nested too deeply'),
        (dict(fps=None), r'video \'v\': "fps" \(frames a second\): expected .* above 0, got None'),
        (dict(fps=0), r'"fps".*: expected .* above 0, got 0'),
        (dict(duration='long'), r'"duration" \(in seconds\): expected .*, got \'long\''),
        (dict(annotations='none'), 'a list of actions'),
    ],
)
def test_annotations_that_are_refused(tmp_path, change, message):
    path = tmp_path / 'a.json'
    if isinstance(change, str):
        path.write_text(change)
    elif change is not None:
        write_json(path, dict(v={**entry(), **change}))
    with pytest.raises(DatasetError, match=message) as caught:
        read_annotation(path, ['jump', 'run'])
    assert '\n' not in str(caught.value) and str(path) in str(caught.value)


def test_ids_that_contradict(tmp_path):
    first, second = entry(), entry()
    for video, number in ((first, 0), (second, 1)):
        video['annotations'] = [dict(label='jump', label_id=number, segment=[0, 1])]
    with pytest.raises(DatasetError, match="'jump' has the label_id 1, and 0 before"):
        read_annotation(write_json(tmp_path / 'a.json', dict(v=first, w=second)))
    with pytest.raises(DatasetError, match='are not the numbers 0 to 0'):
        read_annotation(write_json(tmp_path / 'a.json', dict(w=second)))
    with pytest.raises(DatasetError, match="'training' has no video; there are 'validation'"):
        read_annotation(write_json(tmp_path / 'a.json', dict(v=entry()))).of('training')


@pytest.mark.parametrize('labels', [(3, 10), ('3 ', ' 10')])
def test_classes_called_by_numbers(tmp_path, labels):
    """What we write of them we read."""
    path = write_json(tmp_path / 'a.json', dict(v=entry(actions=[(0, 1, n) for n in labels])))
    classes = read_annotation(path).classes
    assert classes == ('10', '3') and read_annotation(path, [10, 3]).classes == classes
    write_predictions(tmp_path / 'b.json', segments([('v', 0, 1, 1, 0.5)]), classes, ['v'])
    assert read_predictions(tmp_path / 'b.json', classes, ['v']).labels.tolist() == [1]
    found = written(tmp_path, dict(v=[dict(label=labels[0], segment=[0, 1], score=1)]))
    assert read_predictions(found, classes, ['v']).labels.tolist() == [1]


def written(folder, results, **others):
    path = folder / 'found.json'
    path.write_text(json.dumps(dict(results=results, **others)))
    return path


def test_detections_that_are_written_are_read(tmp_path):
    found = segments([('a', 0, 9.25, 1, 0.9), ('b', 1, 10, 0, 0.125), ('a', 2, 3, 0, 0.5)])
    path = tmp_path / 'new' / 'found.json'
    write_predictions(path, found, CLASSES, VIDEOS)
    document = json.loads(path.read_text())
    assert set(document) == {'version', 'results', 'external_data'}  # all that ActivityNet asks for
    assert document['results']['a'][0] == dict(label='Throw', segment=[0, 9.25], score=0.9)
    assert document['results']['c'] == []
    with pytest.raises(DatasetError, match='none.json: no such file'):
        read_predictions(tmp_path / 'none.json', CLASSES, VIDEOS)
    again = read_predictions(path, CLASSES, VIDEOS)
    assert list(again.videos) == ['a', 'a', 'b'] and again.labels.tolist() == [1, 0, 0]
    assert again.segments.tolist() == [[0, 9.25], [2, 3], [1, 10]]
    assert again.scores.tolist() == [0.9, 0.5, 0.125]


def second(**change):
    return dict(a=[GOOD], b=[GOOD, GOOD | change])


@pytest.mark.parametrize(
    'results, message',
    [
        ({}, '"results" is empty: no video was tested'),
        (dict(a=[], b=[]), 'its videos have no detection: was the score threshold too high'),
        ([], r'expected "results", {video: \[{"label", "segment", "score"'),
        (None, 'expected "results", {video'),
        (dict(a=GOOD), "video 'a': expected a list of detections"),
        (dict(a=[GOOD], x=[GOOD], y=[]), "2 of 3 videos are not annotated, as 'x', 'y'; expected"),
        (second(segment=[3, 2]), r"'b', detection 1: segment \[3, 2\] ends before it begins"),
        (second(segment=[3]), r'segment \[3\]: expected \[begin, end\] in seconds'),
        (second(segment=[0, float('nan')]), r'segment \[0, nan\]: expected'),
        (second(segment=None), 'segment None: expected'),
        (second(score=None), 'score: expected .*, got None'),
        (second(score='high'), "score: expected a finite number, got 'high'"),
        (second(score=float('inf')), 'score: expected a finite number, got inf'),
        (second(label='Jump'), "label 'Jump' is not one of the 2 classes, as 'Dive'"),
        (second(label=['Dive']), r"detection 1: label \['Dive'\]: expected the name of one class"),
        (second(label=None), 'label None: expected the name'),
        (second(label=True), 'label True: expected the name'),
        (dict(a=[[1, 2, 0.5]]), r'\[1, 2, 0.5\]: expected "label", "segment" and "score"'),
    ],
)
def test_detections_that_are_refused(tmp_path, results, message):
    with pytest.raises(DatasetError, match=message):
        read_predictions(written(tmp_path, results, version='1'), CLASSES, VIDEOS)
