"""``dist_*.sh`` and ``slurm_*.sh``: what they start, with which arguments, and how they fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.in_process import TOOLS
from tests.processes import PATIENCE

SCRIPTS = {'dist_train': 2, 'dist_test': 3, 'slurm_train': 3, 'slurm_test': 4}
SETTINGS = (
    'NNODES NODE_RANK PORT MASTER_ADDR GPUS GPUS_PER_NODE CPUS_PER_TASK SRUN_ARGS PYTHON PYTHONPATH'
)
FAKE_PYTHON = """\
#!/bin/bash
printf '%s\\0' "$@" >"$RECORD.python"
printf '%s' "${PYTHONPATH-unset}" >"$RECORD.pythonpath"
exit 7
"""
FAKE_SRUN = """\
#!/bin/bash
printf '%s\\0' "$@" >"$RECORD.srun"
[ -n "$SLURM_NODEID" ] || exit 5
while [ "$1" != bash ]; do shift; done
exec "$@"
"""
FAKE_SCONTROL = """\
#!/bin/bash
[ "$*" = 'show hostnames nodes[3-4]' ] && printf 'nodes3\\nnodes4\\n'
"""


@pytest.fixture
def shell(tmp_path):
    """Run a script in a folder with a space in its name; fakes stand in for python and slurm."""
    bin_folder, cwd = tmp_path / 'bin', tmp_path / 'any folder'
    bin_folder.mkdir()
    cwd.mkdir()
    fakes = {'python': FAKE_PYTHON, 'srun': FAKE_SRUN, 'scontrol': FAKE_SCONTROL}
    for name, text in fakes.items():
        (bin_folder / name).write_text(text)
        (bin_folder / name).chmod(0o755)

    def run(name, *args, path=None, **env):
        clean = {key: value for key, value in os.environ.items() if key not in SETTINGS.split()}
        clean |= {'PATH': path or f'{bin_folder}:{os.environ["PATH"]}', 'RECORD': str(cwd / 'got')}
        words = [shutil.which('bash'), TOOLS / f'{name}.sh', *map(str, args)]
        options = dict(capture_output=True, text=True, timeout=PATIENCE)
        return subprocess.run(words, cwd=cwd, env=clean | env, **options)

    run.cwd = cwd
    return run


def recorded(shell, name):
    """Arguments that a fake was given."""
    return (shell.cwd / f'got.{name}').read_text().split('\0')[:-1]


@pytest.mark.parametrize('name, count', SCRIPTS.items())
def test_usage(shell, name, count):
    without = shell(name)
    assert without.returncode == 2 and not without.stdout
    assert f'usage: {name}.sh ' in without.stderr
    asked = shell(name, '--help')
    assert asked.returncode == 0 and not asked.stderr
    assert f'usage: {name}.sh ' in asked.stdout and 'example' in asked.stdout
    assert f'tools/{name}.sh ' in asked.stdout  # the example
    assert shell(name, 'config.py', '-h').returncode == 0
    few = shell(name, *['1'] * (count - 1), '--work-dir', 'w')
    assert few.returncode == 2
    (line,) = few.stderr.splitlines()
    assert line.startswith(f'{name}.sh: error: {count} arguments come before the options')
    assert f'got {count - 1}' in line
    assert not list(shell.cwd.iterdir())  # nothing was started


@pytest.mark.parametrize(
    'name, args, env, said',
    [
        ('dist_train', ['c.py', 'two'], {}, "GPUS must be a whole number above 0, got 'two'"),
        ('dist_test', ['c.py', 'w.pth', '0'], {}, "GPUS must be a whole number above 0, got '0'"),
        ('dist_train', ['c.py', '2'], {'NNODES': '2'}, 'NNODES=2 needs MASTER_ADDR'),
        ('slurm_train', ['p', 'j', 'c.py'], {'GPUS': '12'}, 'no multiple of GPUS_PER_NODE=8'),
        ('slurm_train', ['p', 'j', 'c.py'], {'CPUS_PER_TASK': 'x'}, 'CPUS_PER_TASK must be'),
    ],
)
def test_bad_values(shell, name, args, env, said):
    done = shell(name, *args, **env)
    assert done.returncode == 2 and not list(shell.cwd.iterdir())
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'{name}.sh: error: ') and said in line


OPTIONS = ['--work-dir', 'a b', '--cfg-options', 'x.y="[1, 2]"', 'glob=*', 'empty=']
HERE = '--standalone --local_addr=127.0.0.1 --nproc_per_node=2'
THERE = '--nnodes=2 --node_rank=1 --master_addr={} --master_port=13000 --nproc_per_node=8'
CLUSTER = dict(NNODES='2', NODE_RANK='1', MASTER_ADDR='10.0.0.1', PORT='13000')
NODE = dict(
    PORT='13000', GPUS='16', SLURM_NNODES='2', SLURM_NODEID='1', SLURM_JOB_NODELIST='nodes[3-4]'
)


@pytest.mark.parametrize(
    'name, args, env, torchrun',
    [
        ('dist_train', ['my config.py', '2'], {}, HERE),
        ('dist_test', ['c.py', 'w.pth', '8'], CLUSTER, THERE.format('10.0.0.1')),
        # on a node of slurm the first host is the meeting point
        (
            'slurm_test',
            ['g', 'j', 'c.py', 'w.pth'],
            NODE | dict(PORT='13000'),
            THERE.format('nodes3'),
        ),
    ],
)
def test_what_is_started(shell, name, args, env, torchrun):
    """Every argument arrives whole; torchrun's exit status is the script's."""
    done = shell(name, *args, *OPTIONS, **env)
    assert done.returncode == 7, done.stderr
    own = args[2:] if name.startswith('slurm') else args[:-1]
    script = str(TOOLS / f'{name.split("_")[1]}.py')
    assert recorded(shell, 'python') == [
        *('-m', 'torch.distributed.run', *torchrun.split()),
        *(script, *own, '--launcher', 'pytorch', *OPTIONS),
    ]
    assert (shell.cwd / 'got.pythonpath').read_text() == 'unset'


def test_settings_of_the_user_are_kept(shell):
    shell('dist_train', 'c.py', '2', PORT='29502', PYTHONPATH='/mine')
    given = recorded(shell, 'python')
    assert '--master_port=29502' in given and '--master_addr=127.0.0.1' in given
    assert '--standalone' not in given
    assert (shell.cwd / 'got.pythonpath').read_text() == '/mine'


def test_slurm_asks_for_one_torchrun_a_node(shell):
    env = dict(GPUS='16', GPUS_PER_NODE='4', CPUS_PER_TASK='6', SRUN_ARGS='--time=1:00 --mem=9G')
    done = shell('slurm_train', 'gpu', 'my job', 'c.py', '--seed', '1', **env, PORT='13000')
    assert done.returncode == 5, done.stderr  # srun's own
    asked = '--gres=gpu:4 --nodes=4 --ntasks=4 --ntasks-per-node=1 --cpus-per-task=24'
    assert recorded(shell, 'srun') == [
        *('--partition=gpu', '--job-name=my job', *asked.split(), '--kill-on-bad-exit=1'),
        *('--time=1:00', '--mem=9G', 'bash', str(TOOLS / '_slurm_node.sh'), '4', 'train.py'),
        *('c.py', '--launcher', 'pytorch', '--seed', '1'),
    ]
    shell('slurm_train', 'gpu', 'job', 'c.py', GPUS='2')  # few stay on one node
    given = recorded(shell, 'srun')
    assert {'--gres=gpu:2', '--nodes=1', '--ntasks=1', '--cpus-per-task=10'} <= set(given)


def test_without_slurm(shell, tmp_path):
    """One sentence where srun is missing."""
    bare = tmp_path / 'bare'
    bare.mkdir()
    for name in ('dirname', 'basename', 'sed'):
        (bare / name).symlink_to(shutil.which(name))
    done = shell('slurm_train', 'gpu', 'job', 'c.py', path=str(bare))
    assert done.returncode == 2 and 'no srun on PATH' in done.stderr


def test_real_training_and_testing(shell, toy_config):
    """Two processes train and test with the real torchrun, from a folder that is not ours."""
    config = shutil.copy(toy_config, shell.cwd / 'toy config.py')
    env = dict(PYTHON=sys.executable, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1')
    options = ['--work-dir', 'out put', '--cfg-options', 'train_cfg.max_epochs=1']
    done = shell('dist_train', Path(config).name, '2', *options, **env)
    assert done.returncode == 0, done.stderr[-3000:]
    weights = shell.cwd / 'out put' / 'epoch_1.pth'
    assert weights.is_file()
    done = shell('dist_test', config, weights, '2', '--dump', 'out.pkl', **env)
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'acc/top1' in done.stdout and (shell.cwd / 'out.pkl').is_file()


def test_real_failure(shell):
    """A training that cannot start makes the script fail too."""
    done = shell('dist_train', 'none.py', '1', PYTHON=sys.executable)
    assert done.returncode == 1 and 'config none.py: no such file' in done.stderr
