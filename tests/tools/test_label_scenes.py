"""``tools/label_scenes.py``: what a user meets at the command line."""

import pytest

from albar_mm.annotations.scene_labels import read_scene_labels
from tests.in_process import run_tool
from tests.preparation.test_scenes import clips  # noqa: F401


def arguments(*others):
    given = '--list list.txt --videos videos --out s.npz --workers 1'.split()
    return [*given, '--classifier', 'onnx:m.onnx,softmax=true', *others]


def test_a_run(call, clips):  # noqa: F811
    assert call('label_scenes', *arguments('--frames', '3')) == (0, [])
    assert read_scene_labels(clips / 's.npz').of('videos/k/red.avi').argmax() == 0
    (clips / 'videos' / 'k' / 'red.avi').unlink()
    status, lines = call('label_scenes', *arguments('--hard', '--out', 'h.jsonl'))
    assert status == 1 and len(lines) == 1 and 'k/red.avi cannot be read: no such file' in lines[0]
    status, _ = call('label_scenes', *arguments('--hard', '--out', 'h.jsonl', '--missing', 'drop'))
    assert status == 3 and len(read_scene_labels(clips / 'h.jsonl')) == 2


@pytest.mark.parametrize(
    ('words', 'status', 'said'),
    [
        (['--classifier', 'help'], 0, 'mmpretrain:CONFIG,CHECKPOINT'),
        (['--classifier', 'help', '--frames', 'x'], 2, 'expected a whole number from 1 to'),
        (['--classifier', 'onnx:m.onnx'], 2, 'missing: --list, --videos, --out'),
        (arguments('--workers', '0'), 2, '--workers: expected a whole number from 1 to'),
        (arguments('--classifier', 'onnx:absent.onnx'), 1, 'absent.onnx: no such file'),
    ],
)
def test_words_without_a_run(words, status, said, tmp_path):
    done = run_tool('label_scenes', *words, folder=tmp_path)
    assert done.returncode == status and said in done.stdout + done.stderr
