"""Training and testing from a config: the library behind ``tools/train.py`` and ``tools/test.py``.

The options are those of MMAction2's tools. What differs: errors say what is missing and what to do
(:class:`LaunchError`), the seed is always written into the config, a config dumped by a resumed
training can be tested, and a batch size that does not fit the learning rate is pointed out.
"""

import itertools
import os
import os.path as osp
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub, print_log
from mmengine.runner import EpochBasedTrainLoop, Runner

from ...compat.load_config import config_stem, load_config, parse_options
from ...debias import methods
from ...debias.checks import lacks_bank, warn_without_bank
from ...utils.config_types import type_name
from ...utils.errors import (
    DatasetError,
    DebiasError,
    DownloadError,
    LaunchError,
    one_line,
    remedy_of,
)
from ...utils.files import check_output, try_folder
from ...utils.lock import sole_use
from ..checkpoints.source import POINTER, bare_model, last_checkpoint, require_checkpoint
from .checks import check_dataset, check_training, check_weights, num_classes, undownloaded
from .data import missing_data
from .process import keep_freed_memory
from .testing import DrawPredictions, DumpPredictions, FittingCheckpoint

DEFAULT_SEED = 0
TRAINING_HOOKS = (
    'ReseedHook',
    'EpochResumeHook',
    'BadVideoHook',
    'PretrainedCheck',
    'StaticReportHook',
)
"""Added to ``custom_hooks`` of a training where the config does not name them."""
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_RUNS = itertools.count()


def train(
    config: str | os.PathLike | Config,
    *,
    work_dir: str | None = None,
    resume: str | bool | None = None,
    amp: bool = False,
    no_validate: bool = False,
    auto_scale_lr: bool = False,
    seed: int | None = None,
    diff_rank_seed: bool = False,
    deterministic: bool = False,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
    launcher: str = 'none',
    debias: str | None = None,
    debias_options: Mapping[str, Any] | Sequence[str] | None = None,
) -> Runner:
    """Train a model.

    :data:`TRAINING_HOOKS` are added to ``custom_hooks`` where the config does not name them.

    Args:
        config: Path of a config, ``albar_mm::<name>``, ``mmaction::<path>``, or a ``Config`` (which
            is copied).
        work_dir: Folder for logs and checkpoints; by default the config's, or
            ``./work_dirs/<config name>``.
        resume: True or ``'auto'`` goes on from the latest checkpoint in ``work_dir`` (or starts
            anew when there is none); a path goes on from that checkpoint.
        amp: Train with mixed precision (plain precision on a machine without a GPU).
        no_validate: Leave out validation.
        auto_scale_lr: Scale the learning rate by the ratio of the real batch size to the config's
            ``auto_scale_lr.base_batch_size``.
        seed: Seed of all random numbers; by default the config's ``randomness.seed``, or 0.
        diff_rank_seed: Add the rank to the seed in each process.
        deterministic: Ask cuDNN for deterministic algorithms.
        cfg_options: Settings that override the config: a mapping of dotted keys, or ``key=value``
            strings as on the command line.
        launcher: ``'none'``, ``'pytorch'`` (torchrun), ``'slurm'`` or ``'mpi'``.
        debias: Method to mix into the config, see :func:`albar_mm.mixin.debias`.
        debias_options: Its options: a mapping, or ``key=value`` strings.

    Returns:
        The runner, after training.

    Raises:
        LaunchError: Something named by the arguments or the config is missing or does not fit.
    """
    cfg = debiased(load_config(config, cfg_options), debias, debias_options)
    _require(cfg, config, ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'))
    _set_run(cfg, config, work_dir, launcher)
    if amp:
        kind = type_name(cfg.optim_wrapper) or 'OptimWrapper'
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise LaunchError(f'--amp: the config has its own optimiser wrapper, {kind}')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if auto_scale_lr:
        if not (cfg.get('auto_scale_lr') or {}).get('base_batch_size'):
            raise LaunchError(
                '--auto-scale-lr needs auto_scale_lr = dict(base_batch_size=...) in the config: '
                'the batch size that the learning rate was chosen for'
            )
        cfg.auto_scale_lr.enable = True
    _set_randomness(cfg, seed, diff_rank_seed, deterministic)
    _set_resume(cfg, resume)
    hooks = list(cfg.get('custom_hooks') or [])
    named = {type_name(hook) for hook in hooks}
    cfg.custom_hooks = hooks + [dict(type=name) for name in TRAINING_HOOKS if name not in named]
    check_weights(cfg)
    if lacks_bank(cfg.model):
        warn_without_bank()
    loaders = LOADERS[:1] if no_validate else LOADERS[:2]
    with sole_use(cfg.work_dir), explained(cfg, loaders):
        runner = RUNNERS.build(cfg)
        check_training(runner)
        runner.train()
        _say_which_weights_count(runner)
    return runner


def test(
    config: str | os.PathLike | Config,
    checkpoint: str | os.PathLike,
    *,
    work_dir: str | None = None,
    dump: str | None = None,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
    show: bool = False,
    show_dir: str | None = None,
    interval: int = 1,
    wait_time: float = 2,
    launcher: str = 'none',
) -> dict[str, float]:
    """Test a checkpoint on the config's test set.

    Args:
        config: As for :func:`train`; also the config that a training left in its work folder.
        checkpoint: Path or address of the weights.
        work_dir: As for :func:`train`.
        dump: Write the predictions to this ``.pkl`` file too.
        cfg_options: As for :func:`train`.
        show: Show predictions in a window.
        show_dir: Write pictures of predictions to this folder.
        interval: Draw one of so many samples.
        wait_time: Seconds that each window stays.
        launcher: As for :func:`train`.

    Returns:
        Metric name to value, as the evaluators name them.

    Raises:
        LaunchError: As :func:`train`.
    """
    cfg = load_config(config, cfg_options)
    _set_run(cfg, config, work_dir, launcher)
    _require(cfg, config, ('model', 'test_dataloader', 'test_evaluator', 'test_cfg'))
    checkpoint = require_checkpoint(checkpoint)
    if dump is not None:
        if not dump.endswith(('.pkl', '.pickle')):
            raise LaunchError(f'--dump {dump}: the name must end in .pkl')
        check_output(dump)
    if show_dir is not None:
        try_folder(show_dir)
    # a config dumped by a resumed training says resume=True, which would need the training set
    cfg.resume, cfg.load_from = False, checkpoint
    with explained(cfg, LOADERS[2:]):
        runner = RUNNERS.build(cfg)
        check_dataset(runner.test_dataloader.dataset, LOADERS[2], num_classes(bare_model(runner)))
        runner.register_hook(FittingCheckpoint(checkpoint, _name(cfg, config)))
        if dump is not None:
            runner.register_hook(DumpPredictions(dump))
        if show or show_dir is not None:
            runner.register_hook(DrawPredictions(show, show_dir, interval, wait_time))
        return runner.test()


def debiased(
    cfg: Config, method: str | None, options: Mapping[str, Any] | Sequence[str] | None = None
) -> Config:
    """Mix a debiasing method into a config; its default work folder is one of its own.

    Args:
        cfg: The config.
        method: See :func:`albar_mm.mixin.debias`; None leaves the config as it is.
        options: As ``debias_options`` of :func:`train`.

    Raises:
        LaunchError: The method cannot be mixed into this config, or there are options of none.
    """
    if not method:
        if options:
            raise LaunchError('--debias-options are those of a method: name it with --debias')
        return cfg
    given = parse_options(options or {}, '--debias-options')
    if method.lower() == 'stillmix':
        given.setdefault('bank', None)  # train() says what that is, of any config
    try:
        made = methods.debias(cfg, method, **given)
    except DebiasError as error:
        raise LaunchError(f'--debias: {error}') from error
    if not made.get('work_dir'):
        made.work_dir = osp.join('./work_dirs', f'{config_stem(cfg)}_{method.lower()}')
    return made


def print_config(
    config: str | os.PathLike | Config,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
    debias: str | None = None,
    debias_options: Mapping[str, Any] | Sequence[str] | None = None,
) -> None:
    """Print a config, or what a debiasing method changes in it; arguments as for :func:`train`."""
    cfg = load_config(config, cfg_options)
    made = debiased(cfg, debias, debias_options)
    print(methods.difference(cfg, made) if debias else cfg.pretty_text)
    if cost := methods.static_cost(made):
        print(f'# {cost}')


def _name(cfg: Config, config: str | os.PathLike | Config) -> str:
    return (cfg.filename if isinstance(config, Config) else os.fspath(config)) or 'the config'


def _require(cfg: Config, config: str | os.PathLike | Config, parts: Sequence[str]) -> None:
    lacking = [part for part in parts if cfg.get(part) is None]
    if lacking:
        raise LaunchError(
            f'config {_name(cfg, config)}: has no {", ".join(lacking)}: there is nothing to run; '
            'begin with a config of configs/ or of MMAction2'
        )


def _set_run(
    cfg: Config, config: str | os.PathLike | Config, work_dir: str | None, launcher: str
) -> None:
    keep_freed_memory()
    cfg.launcher = launcher
    cfg.work_dir = work_dir_of(cfg, work_dir)
    if launcher == 'pytorch' and 'RANK' not in os.environ:
        raise LaunchError(
            '--launcher pytorch: RANK is not set; start it with '
            f'torchrun --nproc_per_node=<processes> tools/train.py {_name(cfg, config)} '
            '--launcher pytorch'
        )
    # MMEngine keeps loggers and message hubs by experiment name and second: two runs of one
    # process within a second would share their histories
    if number := next(_RUNS):
        cfg.experiment_name = f'{cfg.get("experiment_name") or config_stem(cfg)}_{number}'


def _set_randomness(
    cfg: Config, seed: int | None, diff_rank_seed: bool, deterministic: bool
) -> None:
    given = dict(cfg.get('randomness') or {})
    if seed is not None:
        given['seed'] = seed
    if given.get('seed') is None:
        given['seed'] = DEFAULT_SEED
        print_log(f'No seed given: {DEFAULT_SEED} is used', logger='current')
    given['diff_rank_seed'] = diff_rank_seed or given.get('diff_rank_seed', False)
    given['deterministic'] = deterministic or given.get('deterministic', False)
    cfg.randomness = given
    sampler = (cfg.get('train_dataloader') or {}).get('sampler')
    if isinstance(sampler, Mapping):  # else MMEngine may draw one, from numbers used up elsewhere
        sampler.setdefault('seed', given['seed'])


def _set_resume(cfg: Config, resume: str | bool | None) -> None:
    if resume in (True, 'auto'):
        # without a checkpoint the run starts anew, from the weights that the config names
        if last_checkpoint(cfg.work_dir, needed=False) is not None:
            cfg.resume, cfg.load_from = True, None
    elif resume:
        cfg.resume, cfg.load_from = True, require_checkpoint(resume)
    elif not cfg.get('load_from') and cfg.get('resume'):
        last_checkpoint(cfg.work_dir, needed=False)


def _say_which_weights_count(runner: Runner) -> None:
    """Say which weights count where no validation chooses any."""
    hooks = [hook for hook in runner.hooks if isinstance(hook, CheckpointHook)]
    if runner.val_loop is None or not any(hook.save_best for hook in hooks):
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        length = f'{runner.max_epochs} epoch(s)' if by_epoch else f'{runner.max_iters} iterations'
        print_log(f'Nothing was chosen: the last weights of {length} count', 'current')


def work_dir_of(cfg: Config, work_dir: str | os.PathLike | None = None) -> str:
    """Folder that a run writes to.

    Args:
        cfg: The run's config.
        work_dir: Choice of the caller; else the config's, else ``./work_dirs/<config name>``.
    """
    default = cfg.get('work_dir') or osp.join('./work_dirs', config_stem(cfg))
    return default if work_dir is None else os.fspath(work_dir)


def resume_hint(work_dir: str) -> str:
    """Say in a sentence what an interrupted training left behind and how to go on."""
    if osp.isfile(osp.join(work_dir, POINTER)):
        return f'finished checkpoints are in {work_dir}; add --resume to the command to go on'
    return f'no checkpoint was finished yet in {work_dir}; run the same command to start anew'


@contextmanager
def explained(cfg: Config, loaders: Sequence[str]) -> Iterator[None]:
    """Turn the failure of a run into one that names a missing file or folder, if that is why.

    The search runs only after a failure: a dataset may create its files when it is built.

    Args:
        cfg: The run's config.
        loaders: Names of the data loaders that the run uses.

    Raises:
        LaunchError: The cause was found.
        Exception: The failure itself, where it was not.
    """
    if wrong := _missing(cfg, loaders, there=True):  # a list that is a device never ends
        raise LaunchError(wrong)
    try:
        yield
    except LaunchError:
        raise
    except Exception as error:
        why = _reason(error, cfg, loaders)
        if why:
            raise LaunchError(why) from error
        raise


def _reason(error: Exception, cfg: Config, loaders: Sequence[str]) -> str:
    line = one_line(error)
    if missing := _missing(cfg, loaders):
        return missing
    if isinstance(error, DatasetError):
        return line
    if isinstance(error, DownloadError) and LOADERS[0] in loaders:
        key, advice = undownloaded(cfg, error.url)
        return f'{key}: {line} ({advice})'
    if isinstance(error, KeyError) and Path(_place(error)).name == 'checkpoint_hook.py':
        # a metric without a prefix tells its scores when it has measured
        logged = MessageHub.get_current_instance().log_scalars
        scores = [key[4:] for key in logged if key.startswith('val/') and 'time' not in key]
        return (
            f'default_hooks.checkpoint.save_best: val_evaluator gives no {error.args[0]}; it gives '
            f'{", ".join(scores)}: name one of them, then --resume goes on'
        )
    if isinstance(error, OSError) and remedy_of(error, written=False):
        where = error.filename or cfg.work_dir
        own = osp.realpath(where).startswith(osp.realpath(cfg.work_dir))
        advice = ' (--work-dir chooses the folder of a run)' if own else ''
        return f'cannot use {where}: {remedy_of(error, own)}{advice}'
    if 'Cannot infer the rule' in line:
        return f'{line}: set default_hooks.checkpoint.rule to greater or less'
    if 'out of memory' in line:
        return (
            f'{line}; use smaller batches: --cfg-options train_dataloader.batch_size=<n>, '
            'with --auto-scale-lr'
        )
    return ''


def _missing(cfg: Config, loaders: Sequence[str], there: bool = False) -> str:
    """What of the data is missing and what to do; ``there``: only what is of another kind."""
    for loader in loaders:
        for key, path, wrong, advice in missing_data(cfg.get(loader), loader):
            if osp.exists(path) or not there:
                own = f', or name yours: --cfg-options {key}=<path>'
                return f'{wrong}: {advice}{own if key not in advice else ""}'
    return ''


def _place(error: BaseException) -> str:
    return traceback.extract_tb(error.__traceback__)[-1].filename
