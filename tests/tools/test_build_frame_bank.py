"""``tools/build_frame_bank.py`` at the command line."""

import re
from unittest import mock

import cv2
import pytest

from albar_mm.annotations.frame_bank import load_frame_bank
from albar_mm.preparation.frame_bank import scoring
from tests.in_process import run_tool
from tests.preparation.toy_reference import write_reference


@pytest.fixture(scope='module')
def reference(toy_videos, tmp_path_factory):
    return write_reference(tmp_path_factory.mktemp('reference'), toy_videos)


@pytest.fixture
def run(tmp_path):
    """Exit status, what is printed, and the tool's own lines on stderr."""

    def run(*words):
        done = run_tool('build_frame_bank', *words, '--out', 'new/bank.npz', folder=tmp_path)
        own = [line for line in done.stderr.splitlines() if line.startswith('build_frame_bank.py:')]
        return done.returncode, done.stdout, own

    return run


def test_a_bank_and_its_picture(reference, run, tmp_path):
    options = '--size 20 --window 0.5 1 --frame-size 16 --report sheet/bank.png --workers 0'
    status, said, notes = run(*reference, *options.split())
    assert (status, notes) == (0, [])
    assert load_frame_bank(tmp_path / 'new/bank.npz').frames.shape == (20, 16, 16, 3)
    assert (tmp_path / 'new' / 'bank.scores.jsonl').is_file()
    assert '48 frames in the window 0.5 to 1 of p(top-1)\nnew/bank.npz: 20 frames of 16 px' in said
    picture = cv2.imread(str(tmp_path / 'sheet/bank.png'))
    assert min(picture.shape[:2]) > 500 and said.endswith('sheet/bank.png\n')


def test_bad_input_is_one_line(reference, run, tmp_path):
    config, weights = reference
    for words, text in (
        ((config, weights, '--window', 1, 0.5), '--window 1 0.5: expected 0 <= first < second'),
        ((config, weights, '--measure', 'x'), "--measure must be one of 'top1', 'gt', got 'x'"),
        ((config,), 'give either a checkpoint of the reference network, or --published-scores'),
        ((config, 'absent.pth'), r'checkpoint absent.pth: no such file; the current folder is'),
        ((config, '--published-scores', 'absent.pkl'), 'absent.pkl: no such file'),
        (('absent.py', weights), 'config absent.py: no such file'),
        ((config, weights, '--device', 'gpu'), '--device gpu: cannot be used: Expected one of cpu'),
        ((config, weights, '--report', tmp_path), 'cannot be written: it is a folder'),
    ):
        status, _, notes = run(*words)
        assert status == 1 and len(notes) == 1 and re.search(text, notes[0]), notes
        assert 'Traceback' not in notes[0]
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]


def test_unreadable_videos_give_their_own_status(reference, run, toy_videos, tmp_path):
    (tmp_path / 'list.txt').write_text((toy_videos / 'list.txt').read_text() + 'absent.mp4 1\n')
    option = f'train_dataloader.dataset.ann_file={tmp_path}/list.txt'
    words = (*reference, '--workers', 0, '--cfg-options', option)
    status, _, notes = run(*words)
    assert status == 1 and '1 of 9 videos cannot be read: absent.mp4 (no such file)' in notes[0]
    status, said, notes = run(*words, '--skip-unreadable')
    assert (status, notes) == (3, []) and '1 videos are left out: absent.mp4' in said


def test_ctrl_c_says_how_to_go_on(reference, run, monkeypatch):
    stop = mock.Mock(side_effect=KeyboardInterrupt)
    monkeypatch.setattr(scoring.ReferenceNetwork, 'probabilities', stop)
    status, _, notes = run(*reference, '--workers', 0)
    said = 'interrupted: finished videos are kept; the same command goes on'
    assert (status, notes) == (130, [f'build_frame_bank.py: {said}'])
