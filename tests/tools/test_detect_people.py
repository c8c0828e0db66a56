"""``tools/detect_people.py``: what a user meets at the command line."""

import json

import pytest

from albar_mm.annotations.person_boxes import read_person_boxes
from tests.in_process import run_tool
from tests.video_files import write_video


@pytest.fixture
def clips(tmp_path):
    (tmp_path / 'videos').mkdir()
    for name in ('a', 'b'):
        write_video(tmp_path / 'videos' / f'{name}.avi', frames=3, side=32)
    (tmp_path / 'list.txt').write_text('a.avi 0\nb.avi 1\n')
    (tmp_path / 'boxes.txt').write_text('a 1 0 0 9 9\nb 2 0 0 9 9\n')
    return tmp_path


def arguments(*others):
    return '--list list.txt --videos videos --out people.jsonl --workers 1'.split() + list(others)


BOXES = arguments('--detector', 'file:boxes.txt')


def test_detectors_are_explained():
    shown = run_tool('detect_people', '--detector', 'help').stdout
    for word in ('hog', 'onnx:MODEL', 'segmenter:MODEL', 'masks:SPEC', 'motion', 'file:PATH'):
        assert word in shown


def test_a_run(call, clips):
    assert call('detect_people', *BOXES) == (0, [])
    known = read_person_boxes(clips / 'people.jsonl')
    assert known.of('videos/b.avi').at(range(3))[1].tolist() == [1]
    assert json.loads((clips / 'people.report.json').read_text())['frames_without_people'] == 4
    assert call('detect_people', *BOXES) == (0, [])
    status, lines = call('detect_people', *arguments())  # the default detector needs no file
    assert status == 1 and 'people.jsonl: is there already, made with other settings' in lines[0]
    assert 'detector.name is file, asked for hog' in lines[0]


def test_left_out_videos(call, clips):
    (clips / 'videos' / 'a.avi').unlink()
    status, lines = call('detect_people', *BOXES)
    assert status == 1 and len(lines) == 1 and 'a.avi cannot be read: no such file' in lines[0]
    assert not (clips / 'people.jsonl').exists()
    assert call('detect_people', *BOXES, '--missing', 'drop') == (3, [])
    assert len((clips / 'people.jsonl').read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--detector', 'yolo'], 'no such detector; expected one of: hog'),
        (['--out', 'list.txt/people.jsonl'], 'people.jsonl.part: cannot be written: '),
        (['--out', 'videos/part.jsonl'], 'part.jsonl.part: cannot be written: '),
    ],
)
def test_errors_are_one_line(call, clips, options, message):
    (clips / 'videos' / 'part.jsonl.part').mkdir()
    status, lines = call('detect_people', *arguments(*options))
    assert status == 1 and len(lines) == 1 and message in lines[0] and '.py:' not in lines[0][20:]


def test_missing_arguments():
    assert 'missing: --videos, --out' in run_tool('detect_people', '--list', 'x').stderr
