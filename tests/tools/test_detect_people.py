"""``tools/detect_people.py``: what a user meets at the command line."""

import json
import subprocess
import sys

import pytest

from albar_mm.annotations.person_boxes import read_person_boxes
from tests.tools.test_train_and_test import TOOLS
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
    return (
        '--list',
        'list.txt',
        '--videos',
        'videos',
        '--out',
        'people.jsonl',
        '--workers',
        '1',
        *others,
    )


def test_help():
    command = [sys.executable, '-X', 'importtime', TOOLS / 'detect_people.py', '--help']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and 'examples:' in done.stdout and '--debug' in done.stdout
    assert '| torch' not in done.stderr


def test_detectors_are_explained(call, capfd):  # noqa: F811
    import tests.tools.test_train_and_test as helpers

    assert helpers.tool('detect_people').main(['--detector', 'help']) == 0
    shown = capfd.readouterr().out
    for word in ('hog', 'onnx:MODEL', 'segmenter:MODEL', 'masks:SPEC', 'motion', 'file:PATH'):
        assert word in shown


def test_a_run(call, clips):  # noqa: F811
    assert call('detect_people', *arguments('--detector', 'file:boxes.txt')) == (0, [])
    known = read_person_boxes(clips / 'people.jsonl')
    assert known.of('videos/b.avi').at(range(3))[1].tolist() == [1]
    assert json.loads((clips / 'people.report.json').read_text())['frames_without_people'] == 4
    assert call('detect_people', *arguments('--detector', 'file:boxes.txt')) == (0, [])
    status, lines = call('detect_people', *arguments())
    assert status == 1 and 'people.jsonl: is there already, made with other settings' in lines[0]


def test_the_default_needs_no_file(call, clips):  # noqa: F811
    assert call('detect_people', *arguments()) == (0, [])
    assert json.loads((clips / 'people.report.json').read_text())['detector']['name'] == 'hog'


def test_left_out_videos(call, clips):  # noqa: F811
    (clips / 'videos' / 'a.avi').unlink()
    options = ('--detector', 'file:boxes.txt')
    status, lines = call('detect_people', *arguments(*options))
    assert status == 1 and len(lines) == 1 and 'a.avi cannot be read: no such file' in lines[0]
    assert not (clips / 'people.jsonl').exists()
    assert call('detect_people', *arguments(*options, '--missing', 'drop')) == (3, [])
    assert len((clips / 'people.jsonl').read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--detector', 'yolo'), 'no such detector; expected one of: hog'),
        (('--detector', 'onnx:gone.onnx'), 'gone.onnx: no such file'),
        (('--detector', 'hog', '--every', '0'), 'every=0'),
    ],
)
def test_errors_are_one_line(call, clips, options, message):  # noqa: F811
    status, lines = call('detect_people', *arguments(*options))
    assert status == 1 and len(lines) == 1 and message in lines[0] and '.py:' not in lines[0][20:]


def test_an_output_that_cannot_be_written(call, clips):  # noqa: F811
    for out in ('list.txt/people.jsonl', 'videos/part.jsonl'):
        (clips / 'videos' / 'part.jsonl.part').mkdir(exist_ok=True)
        status, lines = call('detect_people', *arguments('--out', out))
        assert status == 1 and len(lines) == 1
        assert f'{out}.part: cannot be written: ' in lines[0] and '.py:' not in lines[0][20:]


def test_missing_arguments(call, capfd):  # noqa: F811
    import tests.tools.test_train_and_test as helpers

    with pytest.raises(SystemExit):
        helpers.tool('detect_people').main(['--list', 'x'])
    assert 'missing: --videos, --out' in capfd.readouterr().err
