"""The file of finished videos goes on with what earlier versions and killed processes left."""

import json
import resource
from functools import partial

import pytest

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.journal import Journal
from albar_mm.utils.parallel import map_videos

SETTINGS = dict(detector=dict(name='hog', size=(3, 4)), every=2)
HEAD = '{"detector": {"name": "hog", "size": [3, 4]}, "every": 2}\n'  # as version 1.0 wrote it
ROW = '{"video": "é/a.avi", "boxes": []}\n'


@pytest.mark.parametrize('rest', ['', '{"video": "b', '{"video": "b"}'])
def test_a_line_that_was_cut_short_is_cut_off(tmp_path, rest):
    journal = Journal(tmp_path / 'a.part')
    journal.path.write_text(HEAD + ROW + rest)
    places = journal.begin(SETTINGS)
    assert journal.path.read_text() == HEAD + ROW
    assert list(journal.rows(places.values())) == [json.loads(ROW)]
    journal.copy(places.values(), tmp_path / 'out.jsonl')
    assert (tmp_path / 'out.jsonl').read_text() == ROW


@pytest.mark.parametrize('begun', [None, '', HEAD[:9]])
def test_begun_anew(tmp_path, begun):
    if begun is not None:
        (tmp_path / 'a.part').write_text(begun)
    assert Journal(tmp_path / 'a.part').begin(SETTINGS) == {}
    assert (tmp_path / 'a.part').read_text() == HEAD


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"my": "notes"}', 'a.part:1: is no file of finished videos'),
        (HEAD.replace('hog', 'onnx'), r'begun with other settings \(detector.name is onnx, asked'),
        (HEAD + '{"video": 3}\n' + ROW, 'a.part:2: expected a row with "video"'),
        (HEAD + '{"video"\n' + ROW, 'a.part:2: is no JSON'),
    ],
)
def test_nothing_of_somebody_else_is_changed(tmp_path, text, message):
    (tmp_path / 'a.part').write_text(text)
    with pytest.raises(DatasetError, match=f'{message}.*; run the same command as before, name an'):
        Journal(tmp_path / 'a.part').begin(SETTINGS)
    assert (tmp_path / 'a.part').read_text() == text


def test_many_processes_append(tmp_path):
    journal = Journal(tmp_path / 'a.part')
    journal.begin(SETTINGS)
    names = [f'{i}.avi' for i in range(40)]
    map_videos(partial(_append, journal), names, 3)
    places = journal.begin(SETTINGS)
    rows = list(journal.rows(places[name] for name in names))
    assert rows == [dict(video=name, x='y' * 5000) for name in names]


def _append(journal, name):
    journal.append(dict(video=name, x='y' * 5000))


def test_a_failed_append_leaves_nothing(tmp_path):
    journal = Journal(tmp_path / 'a.part')
    journal.begin(SETTINGS)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(HEAD) + 9, before[1]))  # a full disk
    try:
        with pytest.raises(DatasetError, match='a.part: cannot be written: .*then run again'):
            journal.append(dict(video='a' * 99))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert journal.path.read_text() == HEAD
