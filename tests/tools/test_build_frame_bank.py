"""``tools/build_frame_bank.py`` at the command line."""

import os
import re
import subprocess
import sys

import cv2
import pytest

from albar_mm.annotations.frame_bank import load_frame_bank
from tests.preparation.toy_reference import write_reference

from .test_train_and_test import TOOLS, tool


@pytest.fixture
def call(capfd, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('WORLD_SIZE', raising=False)

    def run(*args):
        capfd.readouterr()
        monkeypatch.setattr(sys, 'argv', ['build_frame_bank.py'])
        status = tool('build_frame_bank').main([str(arg) for arg in args])
        said = capfd.readouterr()
        own = [line for line in said.err.splitlines() if line.startswith('build_frame_bank.py: ')]
        return status, said.out, own

    return run


@pytest.fixture(scope='module')
def reference(toy_videos, tmp_path_factory):
    return write_reference(tmp_path_factory.mktemp('reference'), toy_videos)


def test_a_bank_and_its_picture(reference, call, tmp_path):
    status, said, notes = call(
        *reference,
        '--out',
        'new/bank.npz',
        '--size',
        20,
        '--window',
        0.5,
        1,
        '--frame-size',
        16,
        '--report',
        'sheet/bank.png',
        '--workers',
        0,
    )
    assert (status, notes) == (0, [])
    assert load_frame_bank('new/bank.npz').frames.shape == (20, 16, 16, 3)
    assert (tmp_path / 'new' / 'bank.scores.jsonl').is_file()
    assert '48 frames in the window 0.5 to 1 of p(top-1)\nnew/bank.npz: 20 frames of 16 px' in said
    picture = cv2.imread('sheet/bank.png')
    assert min(picture.shape[:2]) > 500 and said.endswith('sheet/bank.png\n')


def test_bad_input_is_one_line(reference, call, tmp_path):
    config, weights = reference
    for args, text in (
        ((config, weights, '--window', 1, 0.5), '--window 1 0.5: expected 0 <= first < second'),
        ((config, weights, '--measure', 'x'), '--measure x: expected one of top1, gt'),
        ((config,), 'give either a checkpoint of the reference network, or --published-scores'),
        ((config, 'absent.pth'), r'checkpoint absent.pth: no such file; train it with tools/train'),
        ((config, '--published-scores', 'absent.pkl'), 'absent.pkl: no such file'),
        (('absent.py', weights), 'config absent.py: no such file'),
        ((config, weights, '--device', 'gpu'), '--device gpu: cannot be used: Expected one of cpu'),
        ((config, weights, '--report', tmp_path), 'cannot be written: it is a folder'),
    ):
        status, _, notes = call(*args, '--out', 'bank.npz')
        assert status == 1 and len(notes) == 1 and re.search(text, notes[0]), notes
        assert 'Traceback' not in notes[0]
    assert not list(tmp_path.iterdir())


def test_unreadable_videos_give_their_own_status(reference, call, toy_videos, tmp_path):
    (tmp_path / 'list.txt').write_text((toy_videos / 'list.txt').read_text() + 'absent.mp4 1\n')
    options = (
        '--out',
        'bank.npz',
        '--workers',
        0,
        '--cfg-options',
        f'train_dataloader.dataset.ann_file={tmp_path}/list.txt',
    )
    status, _, notes = call(*reference, *options)
    assert status == 1 and '1 of 9 videos cannot be read: absent.mp4 (no such file)' in notes[0]
    status, said, notes = call(*reference, *options, '--skip-unreadable')
    assert (status, notes) == (3, [])
    assert '1 videos are left out: absent.mp4' in said


def test_ctrl_c_says_how_to_go_on(reference, call, monkeypatch):
    from albar_mm.preparation.frame_bank import network as network

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(network.ReferenceNetwork, 'probabilities', stop)
    status, _, notes = call(*reference, '--out', 'bank.npz', '--workers', 0)
    assert status == 130
    assert notes == [
        'build_frame_bank.py: interrupted: finished videos are kept; the same command goes on'
    ]


def test_help_from_any_folder(tmp_path):
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', TOOLS / 'build_frame_bank.py', '--help'],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and 'examples:' in done.stdout
    assert not re.search(r'\| +(torch|mmengine|albar_mm)$', done.stderr, re.MULTILINE)
