"""Shared fixtures: tiny videos, a tiny run of the real Runner, and the real clips."""

import copy
import functools
import gc
import itertools
import multiprocessing
import os
import sys
import time
import types
from pathlib import Path

import pytest

# Before PyTorch is imported: tests run side by side share the cores, as do what they start.
if 'PYTEST_XDIST_WORKER_COUNT' in os.environ:
    jobs = int(os.environ['PYTEST_XDIST_WORKER_COUNT'])
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, (os.cpu_count() or 1) // jobs)))

from .toy import write_toy_config, write_toy_videos
from .weight_noise import weight_noise

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--weight-noise N``: see :mod:`tests.weight_noise`."""
    parser.addoption(
        '--weight-noise',
        type=int,
        default=0,
        metavar='N',
        help='disturb the initial weights of every training by draw N of noise of '
        '1e-6; results that tests assert must hold all the same',
    )


def pytest_collection_finish() -> None:
    """Every data set collects garbage, a quarter of a second through all that was imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def disturbed_weights(request: pytest.FixtureRequest):
    """Trainings of the test begin beside their initial weights where ``--weight-noise`` says so."""
    with weight_noise(request.config.getoption('--weight-noise')):
        yield


@pytest.fixture(scope='session', autouse=True)
def cheap_runners():
    """What MMEngine does for every config and run costs a test less, and is no lottery.

    A shipped config is read once, and so are the dozens of model indices that MMAction2's take. A
    config is laid out for every checkpoint: each layout is made once. Runs are named by the second,
    and two of one name share their logs: each gets a second of its own, however fast tests follow
    each other. Trainings side by side come from a process that has imported PyTorch.
    """
    config, runner = map(sys.modules.get, ('mmengine.config.config', 'mmengine.runner.runner'))
    if runner is None:  # no test that was collected runs anything
        yield
        return
    lay_out, read = config.FormatCode, config.Config.fromfile
    laid_out = functools.cache(lambda text, style: lay_out(text, style_config=dict(style)))
    shipped = functools.cache(read)

    def fromfile(filename, *args, **kwargs):
        if args or kwargs or not Path(filename).is_relative_to(CONFIGS):
            return read(filename, *args, **kwargs)
        return copy.deepcopy(shipped(filename))

    seconds = itertools.count(int(time.time()))
    clock = {**vars(time), 'time': lambda: float(next(seconds))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config.Config, 'fromfile', staticmethod(fromfile))
        patch.setattr(
            config,
            'FormatCode',
            lambda text, style_config, **_: laid_out(text, tuple(style_config.items())),
        )
        patch.setattr(runner, 'time', types.SimpleNamespace(**clock))
        utils = sys.modules['mmengine.config.utils']
        patch.setattr(utils, 'load', functools.cache(utils.load))
        if side_by_side := sys.modules.get('albar_mm.experiments.side_by_side'):
            from .processes import forked

            started = types.SimpleNamespace(
                Pipe=multiprocessing.Pipe, Process=lambda **given: forked().Process(**given)
            )
            patch.setattr(side_by_side, '_PROCESSES', started)
        yield


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What MMEngine's current logger is told during the test."""
    from mmengine.logging import MMLogger

    seen: list[str] = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'log', lambda level, message, *a, **k: seen.append(message))
    return seen


@pytest.fixture(scope='session')
def real_data() -> Path:
    """Folder of real clips that ``ALBAR_MM_DATA`` names.

    Without it a test is skipped on a user's machine, and fails where ``CI=true``.
    """
    named = os.environ.get('ALBAR_MM_DATA')
    if named and Path(named).is_dir():
        return Path(named)
    reason = 'ALBAR_MM_DATA is not set: it names the folder of real test clips'
    if named:
        reason = f'ALBAR_MM_DATA={named} is no folder'
    if os.environ.get('CI', '').lower() == 'true':
        pytest.fail(f'{reason} (required where CI=true)')
    pytest.skip(reason)


@pytest.fixture(scope='session')
def toy_videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with eight tiny mp4 files of two classes and their list ``list.txt``."""
    return write_toy_videos(tmp_path_factory.mktemp('toy_videos'))


@pytest.fixture
def toy_config(toy_videos: Path, tmp_path: Path) -> Path:
    """Config file of a tiny 3D recogniser on ``toy_videos`` (two epochs of two steps)."""
    return write_toy_config(tmp_path / 'toy.py', toy_videos)
