"""README's commands from the videos of HMDB51 to the table, on the real clips that there are."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from albar_mm.utils.files import read_json_lines
from tests.in_process import run_tool

ROOT = Path(__file__).parents[2]
#: Options of the tools that make it small; nothing else differs from what README says.
FEWER = {
    'prepare_dataset': ['--missing', 'drop'],  # 21 of the 51 classes are there
    'build_bias_benchmark': ['--per-video', '1'],
    'train': [
        '--no-validate',
        '--cfg-options',
        'load_from=None',
        'train_cfg.max_epochs=1',
        'param_scheduler.0.end=1',
        'train_dataloader.dataset.indices=2',
        'train_dataloader.batch_size=1',
    ],
    'test': ['--cfg-options'],
    'report': [],
}
BUILT = ('scuba/places365', 'scuba/stripe', 'scufo/places365', 'scufo/stripe', 'conflfg/stripe')


def readme_commands():
    """Words of the commands that README lists under the heading."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    block = text.split('## HMDB51, from the videos to the table')[1].split('```')[1]
    lines = block.replace('\\\n', ' ').strip().splitlines()[1:]
    return [shlex.split(line, comments=True) for line in lines]


def follow(folder, places, options, run):
    """Do what README says in a folder that holds the checkout's ``tools`` and ``configs`` alone.

    Returns:
        What the tools printed, by name.
    """
    for name in ('tools', 'configs'):
        (folder / name).symlink_to(ROOT / name)
    said = {}
    for words in readme_commands():
        assert words.pop(0) == 'python'
        name = Path(words[0]).stem
        given = [re.sub(r'\b[A-Z]{5,}$', lambda found: str(places[found[0]]), w) for w in words[1:]]
        given = [word.replace('epoch_50.pth', 'epoch_1.pth') for word in given]
        done = run(name, *given, *FEWER[name], *options.get(name, []), folder=folder)
        text = done.stdout + done.stderr
        status = 3 if name == 'prepare_dataset' else 0  # it tells of the clips that are not here
        assert done.returncode == status, f'{words}: {done.returncode}\n{text[-3000:]}'
        said[name] = text
    assert list(said) == list(FEWER)  # in an order that works
    return said


def check(folder, said, videos):
    """One table of what is there; log and results name what is not."""
    (file,) = (folder / 'work_dirs').rglob('results.json')
    results = json.loads(file.read_text())
    expected = dict.fromkeys(BUILT, videos) | {'iid/original': videos}
    assert results['protocol']['sets'] == expected
    assert results['protocol']['missing_sets'] == ['scuba/vqgan', 'scufo/vqgan']
    assert results['metrics'].keys() >= {'scuba/avg', 'contrasted/avg', 'conflfg/top1', 'iid/top1'}
    of = results['metrics']
    assert of['scuba/avg'] == pytest.approx((of['scuba/places365'] + of['scuba/stripe']) / 2)
    assert results['checkpoint']['file'] == 'epoch_1.pth'
    log = ''.join(path.read_text() for path in (folder / 'work_dirs').rglob('*.log'))
    assert len(re.findall('lacks 2 of the 7 sets that are asked for: scuba/vqgan', log)) == 1
    assert 'Static bias (not there: scuba/vqgan, scufo/vqgan)' in log
    assert 'albar_hmdb51' in said['report']
    rows = read_json_lines(folder / 'data/hmdb51/bias/HMDB51_SCUBA_Places365/manifest.jsonl')
    assert len(list(rows)) == videos


def small(views, size, scale):
    """Options that shrink frames: ``pipeline`` holds the steps of hmdb51.py, in its order."""
    train, test = (f'{part}_dataloader.dataset.pipeline' for part in ('train', 'test'))
    return dict(
        train=[f'{train}.5.scale=({size},{size})', 'train_dataloader.num_workers=0']
        + ['train_dataloader.persistent_workers=False'],
        test=[f'{test}.3.scale=(-1,{scale})', f'{test}.4.crop_size={size}']
        + [f'test_dataloader.num_workers={views}'],
    )


def test_a_few_clips(real_data, tmp_path):
    """In this process, on frames of 32 px."""
    source, videos = real_data / 'hmdb51_jhmdb21', tmp_path / 'given'
    lists = real_data / 'hmdb51_splits'
    for name in ('wave', 'pour', 'golf'):
        (videos / name).mkdir(parents=True)
        rows = (lists / f'{name}_test_split1.txt').read_text().split('\n')
        for flag, most in (('1', 2), ('2', 1)):
            named = (row[:-2].strip() for row in rows if f' {flag}' in row)
            clips = (source / 'videos' / name / video for video in named)
            for clip in [path for path in clips if path.is_file()][:most]:
                shutil.copy(clip, videos / name)
    images = real_data / 'backgrounds'
    places = dict(LISTS=lists, VIDEOS=videos, MASKS=source / 'masks', IMAGES=images)
    work = tmp_path / 'work'
    work.mkdir()
    options = small(0, 32, 32)
    options['train'].append('default_hooks.checkpoint.save_optimizer=False')
    check(work, follow(work, places, options, run_tool), videos=3)


@pytest.mark.slow
def test_the_clips_of_all_21_classes(real_data, tmp_path):
    """As a user: processes; Swin-T on 32 frames, of 224 px in training and 56 px in the test."""
    source = real_data / 'hmdb51_jhmdb21'
    places = dict(LISTS=real_data / 'hmdb51_splits', VIDEOS=source / 'videos')
    places |= dict(MASKS=source / 'masks', IMAGES=real_data / 'backgrounds')

    def run(name, *words, folder):
        command = [sys.executable, f'tools/{name}.py', *map(str, words)]
        environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    options = dict(small(1, 56, 64), train=[])
    check(tmp_path, follow(tmp_path, places, options, run), videos=256)
