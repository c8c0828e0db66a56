"""``tools/label_scenes.py``: what a user meets at the command line."""

import subprocess
import sys

import pytest

from albar_mm.annotations.scene_labels import read_scene_labels
from tests.tools.test_train_and_test import TOOLS, tool


def arguments(*others):
    return (
        '--list',
        'list.txt',
        '--videos',
        'videos',
        '--out',
        's.npz',
        '--workers',
        '1',
        '--classifier',
        'onnx:m.onnx,softmax=true',
        *others,
    )


def test_help():
    command = [sys.executable, '-X', 'importtime', TOOLS / 'label_scenes.py', '--help']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and 'examples:' in done.stdout and '--debug' in done.stdout
    assert '| torch' not in done.stderr


def test_classifiers_are_explained(capfd):
    assert tool('label_scenes').main(['--classifier', 'help']) == 0
    shown = capfd.readouterr().out
    assert 'onnx:MODEL' in shown and 'mmpretrain:CONFIG,CHECKPOINT' in shown


def test_a_run(call, clips):  # noqa: F811
    assert call('label_scenes', *arguments('--frames', '3')) == (0, [])
    assert read_scene_labels(clips / 's.npz').of('videos/k/red.avi').argmax() == 0
    (clips / 'videos' / 'k' / 'red.avi').unlink()
    status, lines = call('label_scenes', *arguments('--hard', '--out', 'h.jsonl'))
    assert status == 1 and len(lines) == 1 and 'k/red.avi cannot be read: no such file' in lines[0]
    status, _ = call('label_scenes', *arguments('--hard', '--out', 'h.jsonl', '--missing', 'drop'))
    assert status == 3 and len(read_scene_labels(clips / 'h.jsonl')) == 2


def test_wrong_arguments(call, clips):  # noqa: F811
    for wrong in (
        ['--classifier', 'help', '--frames', 'x'],
        ['--classifier', 'onnx:m.onnx'],
        [*arguments(), '--workers', '0'],
    ):
        with pytest.raises(SystemExit):
            tool('label_scenes').parse_args(wrong)
    status, lines = call('label_scenes', *arguments('--classifier', 'onnx:absent.onnx'))
    assert status == 1 and 'absent.onnx: no such file' in lines[0]
