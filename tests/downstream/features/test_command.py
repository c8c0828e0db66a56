"""tools/downstream.py features, as a user runs it."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from albar_mm.utils.errors import DatasetError, LaunchError
from downstream.features.command import INCOMPLETE, run_features
from downstream.features.encoder import FrozenEncoder
from downstream.features.store import FeatureStore
from tests.in_process import run_tool
from tests.processes import PATIENCE
from tests.refused import refused

from .videos import moving, repeat_video, write_video

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / 'tools' / 'downstream.py'
SNIPPETS = dict(clip_len=4, stride=3, frame_interval=2)
FLAGS = ['--clip-len', '4', '--stride', '3', '--frame-interval', '2', '--device', 'cpu']


def make_videos(folder, count, frames=9):
    folder.mkdir()
    for index in range(count):
        write_video(folder / f'v{index:02}.mp4', moving(frames + index % 5))


@pytest.fixture
def given(toy_config, tmp_path):
    """Arguments of the tool: five videos, the toy recogniser and weights."""
    make_videos(tmp_path / 'videos', 5)
    torch.manual_seed(0)
    encoder = FrozenEncoder(toy_config, None)
    torch.save(dict(state_dict=encoder.model.state_dict()), tmp_path / 'weights.pth')
    model = dict(config=str(toy_config), checkpoint=str(tmp_path / 'weights.pth'))
    return dict(model, videos=[str(tmp_path / 'videos')])


def words(given, out, *flags):
    names = ('config', 'checkpoint')
    options = [word for name in names for word in (f'--{name}', given[name])]
    options += ['--videos', *given['videos'], '--out', str(out), *FLAGS]
    return ['features', *options, *map(str, flags)]


def command(given, out, *flags):
    return [sys.executable, str(TOOL), *words(given, out, *flags)]


def started(words, **options):
    """A process that ended, without the Python path of this one."""
    environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    options |= dict(capture_output=True, text=True, timeout=PATIENCE)
    return subprocess.run(words, env={**environment, 'OMP_NUM_THREADS': '1'}, **options)


def run(given, out, *flags, launcher=(sys.executable,)):
    done = started([*launcher, *command(given, out, *flags)[1:]])
    own = [line for line in done.stderr.splitlines() if line.startswith('downstream.py: ')]
    return done.returncode, done.stdout, own


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != '.lock')


def same(one, other):
    """Two stores hold the same files and metadata, and values within 1e-5."""
    assert files(one.root) == files(other.root)
    assert {**one.settings, 'made_with': None} == {**other.settings, 'made_with': None}
    for video in one.ids():
        assert one.info(video) == other.info(video)
        assert one.load(video) == pytest.approx(other.load(video), abs=1e-5)


def test_from_another_folder_again_and_with_other_settings(given, tmp_path):
    shown = run_tool('downstream', 'features', '--help').stdout
    assert 'examples:' in shown and '--shard' in shown
    (tmp_path / 'elsewhere').mkdir()
    done = run_tool('downstream', *words(given, 'store'), folder=tmp_path / 'elsewhere')
    assert done.returncode == 0, done.stderr
    assert '5 videos; decoder ' in done.stdout and '5 videos done, 0 were there' in done.stdout
    store = FeatureStore(tmp_path / 'elsewhere/store')
    assert store.ids() == [f'v0{index}' for index in range(5)]
    assert store.load('v01').shape == (4, 32)
    options = dict(given, out=store.root, device='cpu')
    assert run_features(**options, sampling=SNIPPETS) == 0
    sampling = dict(SNIPPETS, stride=4)
    refused('sampling.stride is 3, asked for 4', run_features, **options, sampling=sampling)


def test_weights_by_their_address(given, tmp_path, monkeypatch):
    """One that was downloaded before, as torch keeps it, and one that cannot be."""
    kept = tmp_path / 'hub' / 'checkpoints' / 'w.pth'
    kept.parent.mkdir(parents=True)
    kept.write_bytes(Path(given['checkpoint']).read_bytes())
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    remote = dict(given, checkpoint='http://127.0.0.1:9/w.pth')
    done = run_tool('downstream', *words(remote, tmp_path / 'store'))
    assert done.returncode == 0, done.stderr
    made_with = FeatureStore(tmp_path / 'store').settings['made_with']
    assert made_with['checkpoint'] == dict(file=remote['checkpoint'])
    kept.unlink()
    done = run_tool('downstream', *words(remote, tmp_path / 'other'))
    assert done.returncode == 1 and done.stderr.endswith('name the file in place of the address\n')


def test_bad_videos(given, tmp_path, monkeypatch):
    (tmp_path / 'videos/v02.mp4').write_bytes(b'')
    odd = {'no UTF-8': b'caf\xe9', 'longer than': b'n' * 230}
    for name in odd.values():
        (tmp_path / 'videos' / os.fsdecode(name + b'.mp4')).touch()
    (tmp_path / 'videos/v99.mp4').symlink_to('nowhere')
    (tmp_path / 'videos/readme.md').write_text('hello')
    options = dict(given, sampling=SNIPPETS, device='cpu', out=tmp_path / 'store')
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(io.BytesIO(), errors='backslashreplace'))
    assert run_features(**options, on_bad='skip') == INCOMPLETE == 3
    text = sys.stdout.buffer.getvalue().decode()
    assert '1 other files are no videos' in text
    assert '4 videos cannot be read' in text and 'v02.mp4: ' in text
    assert len(FeatureStore(tmp_path / 'store')) == 4
    rows = {row['video']: row['reason'] for row in FeatureStore(tmp_path / 'store').failed()}
    assert 'the file is empty' in rows.pop('v02') and 'not there' in rows.pop('v99')
    for reason, name in odd.items():
        path = str(tmp_path / 'videos' / os.fsdecode(name + b'.mp4'))
        assert reason in rows.pop(path)
        os.unlink(path)
    refused('v02.mp4 cannot be read', run_features, **options)


def test_shards_and_processes_of_torchrun_make_the_store_of_one(given, tmp_path, monkeypatch):
    options = dict(given, sampling=SNIPPETS, device='cpu')
    run_features(**options, out=tmp_path / 'whole')
    for index in range(2):
        run_features(**options, out=tmp_path / 'parts', shard=f'{index}/2', batch_size=3)
    same(FeatureStore(tmp_path / 'whole'), FeatureStore(tmp_path / 'parts'))
    monkeypatch.setenv('WORLD_SIZE', '2')
    for rank in range(2):
        monkeypatch.setenv('RANK', str(rank))
        run_features(**options, out=tmp_path / 'two')
        assert len(FeatureStore(tmp_path / 'two')) == (3, 5)[rank]
    same(FeatureStore(tmp_path / 'whole'), FeatureStore(tmp_path / 'two'))
    options |= dict(out=tmp_path / 'two', shard='0/2', error=LaunchError)
    refused('--shard and torchrun both share out', run_features, **options)


@pytest.mark.slow
def test_torchrun_shares_out_the_videos(given, tmp_path):
    run_features(**given, sampling=SNIPPETS, device='cpu', out=tmp_path / 'whole')
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2']
    status, text, own = run(given, tmp_path / 'two', launcher=launcher)
    assert (status, own) == (0, [])
    assert 'shard 0 of 2: 3' in text and 'shard 1 of 2: 2' in text
    same(FeatureStore(tmp_path / 'whole'), FeatureStore(tmp_path / 'two'))


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(shard='2/2'), r'--shard 2/2: expected 0/2 to 1/2'),
        (dict(shard='half'), r'--shard half: expected i/n'),
        (dict(preset='ucf'), r"preset must be one of 'ucf-crime', .*, got 'ucf'"),
        (dict(sampling={}), r'stride: not given'),
        (dict(decoder='opencv'), r"decoder 'opencv': features are read with pyav now"),
        (dict(device='cuda:77'), r'--device cuda:77: '),
        (dict(batch_size=0), 'batch_size: expected a whole number from 1, got 0'),
        (dict(workers=-3), 'workers: expected a whole number from 1, got -3'),
        (dict(sampling=dict(SNIPPETS, fps=float('nan'))), 'fps: expected a finite number'),
        (dict(dtype='int8'), r"dtype must be one of .*, got 'int8'"),
    ],
)
def test_bad_arguments_leave_nothing(given, tmp_path, change, message):
    options = {**given, 'sampling': SNIPPETS, 'device': 'cpu', 'out': tmp_path / 'store', **change}
    refused(message, run_features, **options, error=(LaunchError, DatasetError))
    assert not (tmp_path / 'store').exists()


def test_the_tool_does_not_hide_the_package(tmp_path):
    """``tools/downstream.py`` has its name, and Python puts the folder of a tool first."""
    code = (
        f'import sys; sys.path.insert(0, {str(TOOL.parent)!r}); import _command; '
        '_command.use_repository(); import downstream; print(downstream.__path__)'
    )
    done = started([sys.executable, '-c', code], cwd=tmp_path)
    assert str(ROOT / 'downstream') in done.stdout, done.stderr


#: The peak of the resources module would be that of the parent, where it is higher.
AND_SAY_PEAK = """\
import atexit, pathlib, re, runpy, sys
sys.argv = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
atexit.register(lambda: print('peak', re.findall(r'VmHWM:\\s*(\\d+)',
                                                 open('/proc/self/status').read())[0]))
runpy.run_path(sys.argv[0], run_name='__main__')
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
def test_memory_is_flat_over_an_hour(given, tmp_path):
    frames = np.tile(moving(50, 128, 160), (30, 1, 1, 1))
    minute = write_video(tmp_path / 'minute.mp4', frames, fps=25)
    hour = repeat_video(minute, tmp_path / 'hour.mp4', times=60)
    peaks = {}
    for path in (minute, hour):
        python, *rest = command(dict(given, videos=[str(path)]), tmp_path / path.stem)
        words = [python, '-c', AND_SAY_PEAK, *rest]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        peak = re.findall(r'^peak (\d+)$', done.stdout, re.MULTILINE)[0]
        peaks[path.stem] = int(peak) / 1024
    assert FeatureStore(tmp_path / 'hour').grid('hour').num_frames == 3600 * 25
    print(f'\npeak memory in MiB: {peaks}')
    # 60 times the frames; the frames of an hour alone would take 5 GiB at this size
    assert peaks['hour'] < peaks['minute'] + 40, peaks
