"""SIGKILL at random moments, then the same command again: nothing lost, nothing different."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from albar_mm.compat import safe_load
from albar_mm.datasets.motion_sprites import SpritesSettings, build_motion_sprites
from downstream.features.encoder import FrozenEncoder
from tests.bias_sets.toy_benchmark import VIDEOS, write_photos, write_sources
from tests.downstream.anomaly import toy as anomaly
from tests.downstream.features.videos import moving, write_video
from tests.downstream.tal import toy as tal
from tests.preparation.test_scenes import model
from tests.preparation.toy_reference import write_reference
from tests.processes import PATIENCE, start_tool
from tests.tools.test_build_bias_benchmark import save_masks
from tests.toy import write_toy_config, write_toy_videos
from tests.video_files import write_frames

from .runs import SHORT
from .test_compare_methods import CONFIGS, ONE_SET
from .test_resume import write_config

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
DOWNSTREAM = CONFIGS / 'downstream'
FEATURES = '--clip-len 4 --stride 3 --frame-interval 2 --device cpu --batch-size 2'
MGFN = 'backbone=dict(in_channels=16,channels=(8,8),depths=(1,1)'


def training(data, persistent=True):
    config = write_config(data, write_toy_videos(data), persistent=persistent, epochs=4)
    return f'train {config} --seed 5 --work-dir out --resume'


def training_with_new_workers(data):
    return training(data, persistent=False)


def features(data):
    config = write_toy_config(data / 'toy.py', write_toy_videos(data))
    torch.manual_seed(0)
    torch.save(FrozenEncoder(config, None).model.state_dict(), data / 'weights.pth')
    (data / 'many').mkdir()
    for index in range(20):
        write_video(data / f'many/v{index:02}.mp4', moving(200 + index % 5))
    given = f'--config {config} --checkpoint {data}/weights.pth --videos {data}/many --out out'
    return f'downstream features {given} {FEATURES} --workers 2'


def builder(data):
    write_sources(data)
    write_photos(data / 'photos')
    for name in VIDEOS:
        save_masks(data, name)
    given = f'--masks npz:{data}/masks --list {data}/test_split1.txt --videos {data}/videos'
    backgrounds = f'--backgrounds stripe Photos={data}/photos --per-video 9'
    return f'build_bias_benchmark build toy --name TOY {given} {backgrounds} --out out --workers 2'


def clips(data, count=12, frames=8):
    lines = []
    for index in range(count):
        grey = np.full((128, 128, 3), index, np.uint8)
        write_frames(data / f'videos/v{index}.avi', [grey] * frames, side=128)
        lines.append(f'v{index}.avi {index % 2}\n')
    (data / 'list.txt').write_text(''.join(lines))
    return f'--list {data}/list.txt --videos {data}/videos --workers 2'


def people(data):
    return f'detect_people {clips(data)} --detector hog --out out/people.jsonl'


def scenes(data):
    listed = clips(data, 200)
    model(data / 'm.onnx')
    return f'label_scenes {listed} --classifier onnx:{data}/m.onnx,softmax=true --out out/s.npz'


def bank(data):
    config, weights = write_reference(data, write_toy_videos(data))
    options = '--size 20 --window 0.5 1 --frame-size 16 --workers 2'
    return f'build_frame_bank {config} {weights} {options} --out out/bank.npz'


def sprites(data):
    sizes = '--train 160 --val 40 --test 40 --no-unbiased'
    return f'prepare_dataset motion_sprites --out out {sizes}'


def joined(data):
    for name in ('calm', 'fight'):
        (data / 'clips' / name).mkdir(parents=True)
        for index in range(4):
            write_video(data / f'clips/{name}/{name}{index}.mp4', moving(30 + index))
    sizes = '--train 40 --test 10 --size 96 128 --test-share 0.5'
    return f'join_clips {data}/clips out --background calm {sizes}'


def compared(data):
    root = data / 'data/motion_sprites'
    build_motion_sprites(root, SpritesSettings(train=32, val=8, test=8), workers=1)
    # paths in the config start at the current folder
    (data.parent / 'whole/data').symlink_to(data / 'data')
    (data.parent / 'killed/data').symlink_to(data / 'data')
    given = f'{CONFIGS}/compare_sprites.py --methods none mixup --jobs 2 --work-dir out'
    return f'compare_methods {given} --cfg-options {" ".join([*SHORT, *ONE_SET])}'


def on_features(task, config, lists, *options):
    given = f'--features {{0}}/store --annotations {lists} --config {DOWNSTREAM}/{config}'
    short = 'train_cfg.max_epochs=6 train_cfg.val_interval=2 default_hooks.checkpoint.interval=1'
    more = ' '.join([short, *options])
    return f'downstream {task} {given} --seeds 0 --work-dir out --cfg-options {more}'


def anomalies(data):
    anomaly.write_oracle(data)
    lists = '{0}/train.txt {0}/test.txt'
    return on_features('anomaly', 'anomaly_mgfn_sprites.py', lists).format(data)


def actions(data):
    tal.write_oracle(data, train=24, test=8)
    lists = '{0}/segments.json'
    return on_features('tal', 'tal_tridet_sprites.py', lists).format(data)


@dataclass(frozen=True)
class Job:
    """A command and how often it is killed; ``write`` makes its input and returns its words."""

    write: Callable[[Path], str]
    kills: int = 6


JOBS = [
    Job(training, 12),
    Job(training_with_new_workers),
    Job(features, 12),
    Job(builder, 12),
    *map(Job, (people, scenes, bank, sprites, joined, compared, anomalies, actions)),
]


def content(folder):
    """What a command made: file -> what it holds, without times, logs and what is drawn."""
    return {
        str(path.relative_to(folder)): _held(path)
        for path in sorted(folder.rglob('*'))
        if path.is_file()
        and not re.search(
            r'/\d{8}_\d{6}/|output.txt|last_checkpoint|\.(py|log|html|md|png|lock)$', f'/{path}'
        )
    }


def _held(path):
    if path.suffix == '.pth':
        saved = safe_load(path, map_location='cpu')
        return _digest({key: saved.get(key) for key in ('state_dict', 'optimizer')})
    if path.name in ('results.json', 'experiment.json'):
        return _timeless(json.loads(path.read_text()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(node):
    if isinstance(node, torch.Tensor):
        return hashlib.sha256(np.ascontiguousarray(node).tobytes()).hexdigest()
    if isinstance(node, dict):
        return {key: _digest(value) for key, value in node.items()}
    return [_digest(value) for value in node] if isinstance(node, list) else node


def _timeless(node):
    """JSON without times, and without the bytes of checkpoints, which hold times."""
    if isinstance(node, dict):
        gone = {'train_seconds', 'test_seconds', 'run'}
        gone |= {'bytes', 'sha256'} if 'weights_sha256' in node else set()
        gone |= {'sha256'} if str(node.get('file')).endswith('.py') else set()  # names a folder
        return {key: _timeless(value) for key, value in node.items() if key not in gone}
    return [_timeless(value) for value in node] if isinstance(node, list) else node


def running(session):
    """Processes of a session that are there."""
    found = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            state, _, _, its = stat.read_text().rpartition(')')[2].split()[:4]
        except OSError:
            continue
        if int(its) == session and state != 'Z':
            found.append(int(stat.parent.name))
    return found


def killed_and_repeated(job, root, seed, kills):
    """Kill a command so often, at moments drawn from the time that it takes; then let it end."""
    for name in ('data', 'whole', 'killed'):
        (root / name).mkdir()
    name, *words = job.write(root / 'data').split()

    def start(place, words=words):
        return start_tool(name, *words, folder=root / place, output=root / f'{place}.txt')

    def ended(process, place):
        process.join(PATIENCE)
        assert process.exitcode == 0, (root / f'{place}.txt').read_text()[-3000:]

    ended(start('whole', ['--help']), 'whole')  # what is imported once does not count
    begun, rng, done, starts = time.monotonic(), random.Random(seed), 0, 0
    ended(start('whole'), 'whole')
    lasts, whole = time.monotonic() - begun, content(root / 'whole/out')
    assert whole
    while done < kills:
        starts += 1
        assert starts < 10 * kills
        process = start('killed')
        process.join(rng.uniform(0, lasts))
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGKILL)
            done += 1
        else:  # it was the first to end: all over again
            ended(process, 'killed')
            assert content(root / 'killed/out') == whole
            shutil.rmtree(root / 'killed/out')
        process.join()
        dead = time.monotonic() + 10
        while left := running(process.pid):
            assert time.monotonic() < dead, f'{left} outlive the command'
            time.sleep(0.05)
    ended(start('killed'), 'killed')
    found = content(root / 'killed/out')
    wrong = {name for name in whole.keys() | found.keys() if whole.get(name) != found.get(name)}
    assert not wrong
    print(f'{job.write.__name__}: {done} kills in {starts} starts of {lasts:.1f} s, all equal')


@pytest.mark.slow
@pytest.mark.parametrize('job', JOBS, ids=lambda job: job.write.__name__)
def test_killed_at_random(job, tmp_path):
    killed_and_repeated(job, tmp_path, seed=0, kills=job.kills)


@pytest.mark.parametrize('job', [Job(builder)], ids=lambda job: job.write.__name__)
def test_killed_once(job, tmp_path):
    killed_and_repeated(job, tmp_path, seed=1, kills=1)
