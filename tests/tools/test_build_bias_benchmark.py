"""``tools/build_bias_benchmark.py``: what a user meets at the command line."""

import json
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

from albar_mm.annotations.manifest import read_rows
from albar_mm.bias_sets import build as build_module
from tests.bias_sets.toy_benchmark import VIDEOS, tree, write_photos, write_sources
from tests.tools.test_train_and_test import TOOLS

SETS = [
    'TOY_SCUBA_Stripe',
    'TOY_SCUBA_Photos',
    'TOY_SCUFO_Stripe',
    'TOY_SCUFO_Photos',
    'TOY_ConflFG_Stripe',
]


@pytest.fixture
def toy(tmp_path):
    """Videos, list, photos, and a rectangle that moves to the right as NPZ masks."""
    write_sources(tmp_path / 'data')
    write_photos(tmp_path / 'photos')
    for name in VIDEOS:
        save_masks(tmp_path, name)
    return tmp_path


def save_masks(root, name, frames=None, rows=None, empty=False):
    length, height, width, _ = VIDEOS[name]
    masks = np.zeros((frames or length, rows or height, width), bool)
    for t in range(len(masks)):
        masks[t, 5:25, 5 + t : 20 + t] = not empty
    path = (root / 'masks' / name).with_suffix('.npz')
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, masks=masks)


def command(root, *more, out='bias', masks=None):
    return [
        'build',
        'toy',
        '--name',
        'TOY',
        '--masks',
        masks or f'npz:{root / "masks"}',
        '--list',
        root / 'data' / 'test_split1.txt',
        '--videos',
        root / 'data' / 'videos',
        '--backgrounds',
        'stripe',
        f'Photos={root / "photos"}',
        '--per-video',
        '2',
        '--out',
        root / out,
        '--workers',
        '1',
        *more,
    ]


def leftovers(root, out='bias'):
    """Items, manifests and temporary files that a failed build must not leave."""
    found = [*(root / out).rglob('*')] if (root / out).exists() else []
    return [p for p in found if p.suffix in ('.avi', '.part') or p.name == 'manifest.jsonl']


@pytest.mark.parametrize('name', [None, 'build', 'verify', 'report', 'leakage'])
def test_help(name, tmp_path):
    asked = [sys.executable, TOOLS / 'build_bias_benchmark.py', *([name] if name else []), '--help']
    done = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and 'example' in done.stdout and '--debug' in done.stdout
    assert re.search(r'^  python tools/build_bias_benchmark.py ', done.stdout, re.M)


def test_build_verify_and_report_in_a_process(toy):
    asked = [
        sys.executable,
        TOOLS / 'build_bias_benchmark.py',
        *command(toy, '--verify', '--report', '--encoding', 'lossless'),
    ]
    done = subprocess.run(
        [str(part) for part in asked],
        capture_output=True,
        text=True,
        cwd=toy,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )
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


def test_the_same_command_goes_on_and_tells_left_out_videos(call, toy, capfd):  # noqa: F811
    (toy / 'masks' / 'jump' / 'jump_a.npz').unlink()
    status, lines = call('build_bias_benchmark', *command(toy))
    assert status == 1 and len(lines) == 1 and '--missing-masks drop' in lines[0]
    assert not leftovers(toy)
    drop = command(toy, '--missing-masks', 'drop', '--encoding', 'none', out='fewer')
    assert call('build_bias_benchmark', *drop) == (3, [])
    before = tree(toy / 'fewer')
    assert call('build_bias_benchmark', *drop) == (3, []) and tree(toy / 'fewer') == before
    listed = json.loads((toy / 'fewer' / 'benchmark.json').read_text())['left_out']
    assert [entry['video'] for entry in listed] == ['jump/jump_a.avi']


def test_interrupted(call, toy, monkeypatch):  # noqa: F811
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(build_module, 'map_videos', stop)
    status, lines = call('build_bias_benchmark', *command(toy))
    assert status == 130 and lines == [
        'build_bias_benchmark.py: interrupted: finished parts are kept; the same command goes on'
    ]


def test_plan_needs_no_videos(call, toy):  # noqa: F811
    for path in (toy / 'data' / 'videos').rglob('*.avi'):
        path.unlink()
    assert call('build_bias_benchmark', *command(toy, '--dry-run')) == (0, [])
    assert len((toy / 'bias' / 'plan.jsonl').read_text().splitlines()) == 30
    assert not leftovers(toy)


def test_findings_make_the_status(call, toy, monkeypatch):  # noqa: F811
    assert call('build_bias_benchmark', *command(toy))[0] == 0
    check = [
        'verify',
        toy / 'bias',
        '--videos',
        toy / 'data' / 'videos',
        '--workers',
        '1',
        '--backgrounds',
        'stripe',
        f'Photos={toy / "photos"}',
        '--all',
    ]
    assert call('build_bias_benchmark', *check) == (0, [])
    path = toy / 'bias' / 'TOY_SCUBA_Stripe' / 'wave_a__1.avi'
    path.write_bytes(path.read_bytes()[:-1] + b'x')
    assert call('build_bias_benchmark', *check)[0] == 1
    status, lines = call('build_bias_benchmark', 'verify', toy / 'gone', '--videos', toy)
    assert status == 1 and len(lines) == 1 and 'build_bias_benchmark.py build' in lines[0]


def test_a_report_of_manifests_alone(call, toy):  # noqa: F811
    asked = command(toy, '--encoding', 'none', '--report')
    assert call('build_bias_benchmark', *asked) == (0, [])
    for name in ('mask_statistics.csv', 'mask_statistics.json', 'contact_sheet/page_001.png'):
        assert (toy / 'bias' / name).is_file()
    status, lines = call(
        'build_bias_benchmark',
        'report',
        toy / 'bias',
        '--videos',
        toy / 'data' / 'videos',
        '--workers',
        '1',
    )
    assert status == 1 and "no folder was given for the backgrounds 'photos'" in lines[0]


def test_leakage(call, toy):  # noqa: F811
    asked = [
        'leakage',
        '--videos',
        toy / 'data' / 'videos',
        '--list',
        toy / 'data' / 'test_split1.txt',
        '--silhouettes',
        f'npz:{toy / "masks"}',
        '--out',
        toy / 'leakage',
        '--workers',
        '1',
        '--margin',
        '1',
    ]
    assert call('build_bias_benchmark', *asked) == (0, [])
    results = json.loads((toy / 'leakage' / 'leakage.json').read_text())
    assert results['metrics']['boxes/outside_share'] == 0 and len(results['videos']) == 3
    status, lines = call('build_bias_benchmark', *asked, '--folds', '1')
    assert status == 1 and lines == [
        'build_bias_benchmark.py: error: --folds 1: expected 2 or more'
    ]


class Evil:
    """Unpickled by the plain loader, it makes a file."""

    def __reduce__(self):
        return os.system, ('touch evil_was_here',)


def other_length(root):
    save_masks(root, 'wave/wave_a.avi', frames=9)


def other_size(root):
    save_masks(root, 'wave/wave_a.avi', rows=48)


def all_empty(root):
    save_masks(root, 'wave/wave_a.avi', empty=True)


def broken_masks(root):
    (root / 'masks' / 'wave' / 'wave_a.npz').write_bytes(b'not a zip')


def no_masks(root):
    (root / 'masks' / 'wave' / 'wave_a.npz').unlink()


def one_id_twice(root):
    path = root / 'data' / 'test_split1.txt'
    path.write_text(path.read_text() + 'wave/jump_a.avi 1\n')


def cut_short(root):
    path = root / 'data' / 'videos' / 'wave' / 'wave_a.avi'
    path.write_bytes(path.read_bytes()[:2000])


def no_images(root):
    for path in (root / 'photos').iterdir():
        path.unlink()


def grey_images(root):
    from PIL import Image

    for path in (root / 'photos').iterdir():
        Image.open(path).convert('L').save(path)


def in_training_list(root):
    (root / 'data' / 'train_split1.txt').write_text('wave/wave_a.avi 1\n')


@pytest.mark.parametrize(
    ('spoil', 'wanted'),
    [
        (
            other_length,
            r'wave_a: .*wave_a.npz holds 9 masks .* has 6 frames .*make the masks again',
        ),
        (other_size, r'wave_a.npz holds 6 masks of 71x48 px, but .* 71x51 px'),
        (all_empty, r'video wave_a: none of its 6 frames has a mask; take the video out'),
        (broken_masks, r'wave_a.npz: cannot be read as an NPZ file'),
        (no_masks, r'1 of 3 source videos have no mask: wave_a; .*--missing-masks drop'),
        (one_id_twice, r'jump/jump_a.avi and wave/jump_a.avi would both be jump_a'),
        (cut_short, r'wave_a.avi cannot be read: .*truncated'),
        (no_images, r'photos: holds no images .* for the backgrounds Photos'),
        (grey_images, r'all 3 images are refused as backgrounds Photos, photo0.png as grey-scale'),
        (in_training_list, r'1 source videos .* are in .*train_split1.txt'),
    ],
)
def test_bad_input_is_one_line(call, toy, spoil, wanted):  # noqa: F811
    spoil(toy)
    status, lines = call('build_bias_benchmark', *command(toy))
    assert status == 1 and len(lines) == 1 and re.search(wanted, lines[0]), lines
    assert '.py:' not in lines[0].removeprefix('build_bias_benchmark.py: ')
    assert not leftovers(toy)


def test_a_folder_that_cannot_be_made(call, toy):  # noqa: F811
    status, lines = call('build_bias_benchmark', *command(toy, out='photos/photo0.png/bias'))
    assert status == 1 and len(lines) == 1, lines
    assert re.search(r'photo0.png.*: Not a directory: .* or choose another folder', lines[0])


def test_a_pickle_that_runs_code(call, toy):  # noqa: F811
    (toy / 'evil.pkl').write_bytes(pickle.dumps(Evil()))
    status, lines = call('build_bias_benchmark', *command(toy, masks=f'boxes:{toy / "evil.pkl"}'))
    assert status == 1 and len(lines) == 1 and 'evil.pkl' in lines[0]
    assert not list(toy.rglob('evil_was_here')) and not leftovers(toy)


@pytest.mark.parametrize(
    ('args', 'wanted'),
    [
        (
            ['build', 'toy', '--masks', 'motion'],
            r"'toy' is none of hmdb51, .* test list with --list",
        ),
        (['build', 'hmdb51', '--masks', 'motion'], r'data/hmdb51/test_split1.txt: cannot be read'),
        (['build', 'hmdb51', '--masks', 'nothing:x'], r'nothing'),
        (['build', 'hmdb51', '--masks', 'motion', '--cover-filter', '0.9'], r'0.9,0.1, or none'),
        (['build', 'hmdb51', '--masks', 'motion', '--cover-filter', '0.9,7'], r'two shares from 0'),
        (['build', 'toy', '--masks', 'motion', '--lists', '.'], r"no official lists of 'toy'"),
        (
            ['build', 'hmdb51', '--masks', 'motion', '--lists', '.', '--list', 'x'],
            r'leave out --list',
        ),
        (['build', 'hmdb51', '--masks', 'motion', '--backgrounds', 'here'], r'NAME=FOLDER'),
    ],
)
def test_wrong_arguments(call, args, wanted):  # noqa: F811
    status, lines = call('build_bias_benchmark', *args)
    assert status == 1 and len(lines) == 1 and re.search(wanted, lines[0]), lines
    assert '--debug shows' not in lines[0]
