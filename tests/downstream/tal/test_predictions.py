"""Files of detections: what is read, and what is told of one that cannot be."""

import json

import pytest

from albar_mm.utils.errors import DatasetError
from downstream.tal.predictions import evaluate_file, read_predictions, write_predictions

from .rows import segments

CLASSES, VIDEOS = ['Dive', 'Throw'], ['a', 'b', 'c']
GOOD = dict(label='Throw', segment=[1, 2.5], score=0.5)


def written(folder, results, **others):
    path = folder / 'found.json'
    path.write_text(json.dumps(dict(results=results, **others)))
    return path


def test_what_is_written_is_read(tmp_path):
    found = segments([('a', 0, 9.25, 1, 0.9), ('b', 1, 10, 0, 0.125), ('a', 2, 3, 0, 0.5)])
    path = tmp_path / 'new' / 'found.json'
    write_predictions(path, found, CLASSES, VIDEOS)
    document = json.loads(path.read_text())
    assert set(document) == {'version', 'results', 'external_data'}  # all that ActivityNet asks for
    assert document['results']['a'][0] == dict(label='Throw', segment=[0, 9.25], score=0.9)
    assert document['results']['c'] == []
    again = read_predictions(path, CLASSES, VIDEOS)
    assert list(again.videos) == ['a', 'a', 'b'] and again.labels.tolist() == [1, 0, 0]
    assert again.segments.tolist() == [[0, 9.25], [2, 3], [1, 10]]
    assert again.scores.tolist() == [0.9, 0.5, 0.125]


def test_scores_of_a_file(tmp_path):
    truth = segments([('a', 0, 10, 0), ('a', 20, 30, 0)])
    path = written(
        tmp_path,
        dict(
            a=[
                dict(label='Dive', segment=[begin, end], score=score)
                for begin, end, score in ((0, 9, 0.9), (1, 10, 0.8), (21, 29, 0.7))
            ]
        ),
    )
    scores = evaluate_file(path, truth, CLASSES, per_class=True, recall_k=(1,))
    assert scores['mAP'] == scores['mAP@0.3'] == scores['AP_Dive'] == 83.3333
    assert scores['recall@1x@0.5'] == 50 and scores['fp_double_detection'] == 33.3333
    with pytest.raises(DatasetError, match="1 of 1 videos are not annotated, as 'a'"):
        evaluate_file(path, truth, CLASSES, videos=['x'])


@pytest.mark.parametrize(
    'entry, message',
    [
        (GOOD | dict(segment=[3, 2]), r"'b', detection 1: segment \[3, 2\] ends before it begins"),
        (GOOD | dict(segment=[3]), r'segment is \[3\]: expected \[begin, end\] in seconds'),
        (GOOD | dict(segment=[0, float('nan')]), r'segment is \[0, nan\]: expected'),
        (GOOD | dict(segment=None), 'segment is None: expected'),
        ({key: GOOD[key] for key in ('label', 'segment')}, 'score is missing: expected a finite'),
        (GOOD | dict(score='high'), "score is 'high': expected a finite number"),
        (GOOD | dict(score=float('inf')), 'score is inf: expected'),
        (GOOD | dict(label='Jump'), "label 'Jump' is not one of the 2 classes, as 'Dive'"),
        (GOOD | dict(label=['Dive']), 'is not one of the 2 classes'),
        ([1, 2, 0.5], r'\[1, 2, 0.5\]: expected "label", "segment" and "score"'),
    ],
)
def test_detections_that_are_refused(tmp_path, entry, message):
    path = written(tmp_path, dict(a=[GOOD], b=[GOOD, entry]))
    with pytest.raises(DatasetError, match=message):
        read_predictions(path, CLASSES, VIDEOS)


@pytest.mark.parametrize(
    'results, message',
    [
        ({}, '"results" is empty: no video was tested'),
        (dict(a=[], b=[]), 'its videos have no detection'),
        ([], 'expected {"results"'),
        (None, 'expected {"results"'),
        (dict(a=GOOD), "video 'a': expected a list of detections"),
        (
            dict(a=[GOOD], x=[GOOD], y=[]),
            "2 of 3 videos are not annotated, as 'x', 'y'; expected names as 'a'",
        ),
    ],
)
def test_files_that_are_refused(tmp_path, results, message):
    with pytest.raises(DatasetError, match=message):
        read_predictions(written(tmp_path, results, version='1'), CLASSES, VIDEOS)


def test_files_that_are_no_json(tmp_path):
    with pytest.raises(DatasetError, match='none.json: no such prediction file'):
        read_predictions(tmp_path / 'none.json', CLASSES, VIDEOS)
    (tmp_path / 'cut.json').write_text('{"results": {')
    with pytest.raises(DatasetError, match='cut.json: cannot be read as JSON'):
        read_predictions(tmp_path / 'cut.json', CLASSES, VIDEOS)
