"""``tools/build_bias_benchmark.py``: what a user meets at the command line."""

import json
import os
import pickle
import re
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from albar_mm.annotations.manifest import read_rows
from albar_mm.bias_sets import survey
from tests.bias_sets.toy_benchmark import SETS, VIDEOS, tree, write_photos, write_sources
from tests.in_process import run_tool
from tests.pickled_call import Calls


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Videos, list, photos, and a rectangle that moves to the right as NPZ masks: where we are."""
    monkeypatch.chdir(tmp_path)
    write_sources(tmp_path / 'data')
    write_photos(tmp_path / 'photos')
    for name in VIDEOS:
        save_masks(tmp_path, name)
    return tmp_path


def call(*words):
    """Status and error lines of the tool, run in the current folder."""
    done = run_tool('build_bias_benchmark', *words)
    return done.returncode, done.stderr.splitlines()


def save_masks(root, name):
    length, height, width, _ = VIDEOS[name]
    masks = np.zeros((length, height, width), bool)
    for t in range(length):
        masks[t, 5:25, 5 + t : 20 + t] = True
    path = (root / 'masks' / name).with_suffix('.npz')
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, masks=masks)


def command(*more, out='bias', masks='npz:masks'):
    return [
        *('build', 'toy', '--name', 'TOY', '--masks', masks, '--list', 'data/test_split1.txt'),
        *('--videos', 'data/videos', '--backgrounds', 'stripe', 'Photos=photos'),
        *('--per-video', '2', '--out', out, '--workers', '1', *more),
    ]


def leftovers(root, out='bias'):
    """Items, manifests and temporary files that a failed build must not leave."""
    found = [*(root / out).rglob('*')] if (root / out).exists() else []
    return [p for p in found if p.suffix in ('.avi', '.part') or p.name == 'manifest.jsonl']


@pytest.mark.parametrize('name', [None, 'build', 'verify', 'report', 'leakage'])
def test_help(name):
    done = run_tool('build_bias_benchmark', *([name] if name else []), '--help')
    assert done.returncode == 0 and 'example' in done.stdout and '--debug' in done.stdout
    assert re.search(r'^  python tools/build_bias_benchmark.py ', done.stdout, re.M)


def test_build_verify_and_report(toy):
    asked = command('--verify', '--report', '--encoding', 'lossless')
    done = run_tool('build_bias_benchmark', *asked)
    assert done.returncode == 0, done.stderr
    for folder in SETS:
        assert f'{folder}: 6 items' in done.stdout and len(read_rows(toy / 'bias' / folder)) == 6
    frames = 2 * 5 * sum(row[0] for row in VIDEOS.values())
    assert re.search(rf'30 items, {frames} frames, [\d.]+ GB, \d+ s, \d+ frames/s', done.stdout)
    assert '30 files and 30 items rendered again: no findings' in done.stdout
    assert '0 suspicious videos' in done.stdout
    page = (toy / 'bias' / 'contact_sheet.html').read_text()
    assert page.startswith('<!DOCTYPE html>') and page.count('data:image/jpeg') == 1
    assert not re.search(r'(src|href)="(?!data:)', page)

    check = ['verify', 'bias', '--videos', 'data/videos', '--workers', '1', '--all']
    check += ['--backgrounds', 'stripe', 'Photos=photos']
    assert call(*check) == (0, [])
    path = toy / 'bias' / 'TOY_SCUBA_Stripe' / 'wave_a__1.avi'
    path.write_bytes(path.read_bytes()[:-1] + b'x')
    assert call(*check)[0] == 1
    status, lines = call('verify', 'gone', '--videos', 'data')
    assert status == 1 and len(lines) == 1 and 'build_bias_benchmark.py build' in lines[0]


def test_the_same_command_goes_on_and_tells_left_out_videos(toy):
    (toy / 'masks' / 'jump' / 'jump_a.npz').unlink()
    drop = command('--missing-masks', 'drop', '--encoding', 'none', '--report', out='fewer')
    assert call(*drop) == (3, [])
    before = tree(toy / 'fewer')
    assert call(*drop) == (3, []) and tree(toy / 'fewer') == before
    listed = json.loads((toy / 'fewer' / 'benchmark.json').read_text())['left_out']
    assert [entry['video'] for entry in listed] == ['jump/jump_a.avi']
    # a report of manifests alone
    for name in ('mask_statistics.csv', 'mask_statistics.json', 'contact_sheet/page_001.png'):
        assert (toy / 'fewer' / name).is_file()
    status, lines = call('report', 'fewer', '--videos', 'data/videos', '--workers', '1')
    assert status == 1 and "no folder was given for the backgrounds 'photos'" in lines[0]


def test_interrupted(toy, monkeypatch):
    monkeypatch.setattr(survey, 'map_videos', mock.Mock(side_effect=KeyboardInterrupt))
    said = 'interrupted: finished parts are kept; the same command goes on'
    assert call(*command()) == (130, [f'build_bias_benchmark.py: {said}'])


def test_plan_needs_no_videos(toy):
    for path in (toy / 'data' / 'videos').rglob('*.avi'):
        path.unlink()
    assert call(*command('--dry-run')) == (0, [])
    assert len((toy / 'bias' / 'plan.jsonl').read_text().splitlines()) == 30
    assert not leftovers(toy)


def test_leakage(toy):
    asked = ['leakage', '--videos', 'data/videos', '--list', 'data/test_split1.txt']
    asked += ['--silhouettes', 'npz:masks', '--out', 'leakage', '--workers', '1', '--margin', '1']
    assert call(*asked) == (0, [])
    results = json.loads((toy / 'leakage' / 'leakage.json').read_text())
    assert results['metrics']['boxes/outside_share'] == 0 and len(results['videos']) == 3


def cut_short(root):
    path = root / 'data' / 'videos' / 'wave' / 'wave_a.avi'
    path.write_bytes(path.read_bytes()[:2000])


def grey_images(root):
    for path in (root / 'photos').iterdir():
        Image.open(path).convert('L').save(path)


def no_images(root):
    for path in (root / 'photos').iterdir():
        path.unlink()


MASK = 'masks/wave/wave_a.npz'
SPOILT = {
    'wave_a.npz: cannot be read as arrays': lambda root: (root / MASK).write_bytes(b'not a zip'),
    'have no mask: wave_a; .*--missing-masks drop': lambda root: (root / MASK).unlink(),
    'wave_a.avi cannot be read: .*truncated': cut_short,
    'photos: holds no images .* for the backgrounds Photos': no_images,
    'all 3 images are refused as backgrounds Photos, photo0.png as grey-scale': grey_images,
}


@pytest.mark.parametrize('wanted', SPOILT)
def test_bad_input_is_one_line(toy, wanted):
    SPOILT[wanted](toy)
    status, lines = call(*command())
    assert status == 1 and len(lines) == 1 and re.search(wanted, lines[0]), lines
    assert '.py:' not in lines[0].removeprefix('build_bias_benchmark.py: ')
    assert not leftovers(toy)


def test_a_folder_that_cannot_be_made(toy):
    status, lines = call(*command(out='photos/photo0.png/bias'))
    assert status == 1 and len(lines) == 1, lines
    assert re.search(r'photo0.png.*: Not a directory.* or choose another folder', lines[0])


def test_a_pickle_that_runs_code(toy):
    (toy / 'evil.pkl').write_bytes(pickle.dumps(Calls(os.mkdir, 'evil_was_here')))
    status, lines = call(*command(masks='boxes:evil.pkl'))
    assert status == 1 and len(lines) == 1 and 'evil.pkl' in lines[0]
    assert not list(toy.rglob('evil_was_here')) and not leftovers(toy)


@pytest.mark.parametrize(
    ('words', 'wanted'),
    [
        ('toy', r"'toy' is none of hmdb51, .* test list with --list"),
        ('hmdb51', r'data/hmdb51/test_split1.txt: no such file; lists are made by'),
        ('hmdb51 --masks nothing:x', r'nothing'),
        ('hmdb51 --cover-filter 0.9', r'0.9,0.1, or none'),
        ('hmdb51 --cover-filter 0.9,7', r'--cover-filter 0.9,7: expected .* from 0 to 1'),
        ('hmdb51 --fps fast', r"--fps fast: native, or frames a second: expected .*'fast'"),
        ('toy --lists .', r"no official lists of 'toy'"),
        ('hmdb51 --lists . --list x', r'leave out --list'),
        ('hmdb51 --backgrounds here', r'NAME=FOLDER'),
    ],
)
def test_wrong_arguments(tmp_path, monkeypatch, words, wanted):
    monkeypatch.chdir(tmp_path)
    status, lines = call('build', '--masks', 'motion', *words.split())
    assert status == 1 and len(lines) == 1 and re.search(wanted, lines[0]), lines
    assert '--debug shows' not in lines[0]
