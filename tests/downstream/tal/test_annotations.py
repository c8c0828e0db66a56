"""Annotated actions: the real file, and what is refused."""

import pytest

from albar_mm.utils.errors import DatasetError
from downstream.tal.annotations import read_annotation

from .toy import entry, write_json


@pytest.mark.real_data
def test_real_thumos14(real_data):
    found = read_annotation(real_data / 'thumos14' / 'thumos14.json')
    assert len(found.videos) == 412 and sum(len(v.labels) for v in found.videos) == 6365
    assert len(found.classes) == 20 and found.classes == tuple(sorted(found.classes))
    assert [found.classes[label] for label in (4, 5, 7, 19)] == [
        'CliffDiving',
        'CricketBowling',
        'Diving',
        'VolleyballSpiking',
    ]
    assert len(found.of('Validation')) == 200 and len(found.of('test')) == 212
    first = next(v for v in found.videos if v.video_id == 'video_test_0000004')
    assert (first.fps, first.duration_s, first.subset) == (30.0, 33.83, 'test')
    assert first.segments[0].tolist() == [0.2, 1.1] and first.labels[0] == 5


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


@pytest.mark.parametrize(
    'change, message',
    [
        (
            dict(annotations=[dict(label='jump', segment=[5.0, 2.0])]),
            r"video 'v': segment \[5.0, 2.0\] ends before it begins",
        ),
        (
            dict(annotations=[dict(label='jump', segment=[5.0])]),
            r'segment \[5.0\]: expected \[begin',
        ),
        (dict(annotations=[dict(label='jump', segment=[5.0, float('nan')])]), 'or is no number'),
        (
            dict(annotations=[dict(label='fly', segment=[1.0, 2.0])]),
            "video 'v': class 'fly' is not one of the 2 in the list, as 'jump'",
        ),
        (dict(fps=None), 'video \'v\': "fps" is missing: expected frames a second'),
        (dict(fps=0), '"fps" is 0: expected'),
        (dict(duration='long'), '"duration" is \'long\''),
        (dict(annotations='none'), 'a list of actions'),
    ],
)
def test_entries_that_are_refused(tmp_path, change, message):
    path = write_json(tmp_path / 'a.json', dict(v={**entry(), **change}))
    with pytest.raises(DatasetError, match=message) as caught:
        read_annotation(path, ['jump', 'run'])
    assert '\n' not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize(
    'text, message',
    [
        ('[]', 'no annotation with a "database"'),
        ('{"database": {}}', 'lists no video'),
        ('{"database"', 'no annotation with a "database"'),
        ('{"database": {"v": 3}}', "video 'v': expected keys"),
    ],
)
def test_files_that_are_refused(tmp_path, text, message):
    path = tmp_path / 'a.json'
    path.write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_annotation(path)
    with pytest.raises(DatasetError, match='no such annotation file'):
        read_annotation(tmp_path / 'gone.json')


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
