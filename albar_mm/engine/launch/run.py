"""Training and testing from a config: the library behind ``tools/train.py`` and ``tools/test.py``.

The options are those of MMAction2's tools. What differs: errors say what is missing and what to do
(:class:`LaunchError`), the seed is always written into the config, a config dumped by a resumed
training can be tested, and a batch size that does not fit the learning rate is pointed out.
"""

import itertools
import os
import os.path as osp
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...compat.load_config import config_stem, load_config, parse_options
from ...debias import methods
from ...utils.config_types import mappings, type_name
from ...utils.errors import DatasetError, DebiasError, LaunchError, one_line, remedy_of
from ..checkpoints.source import POINTER, last_checkpoint, require_checkpoint
from .process import keep_freed_memory
from .testing import DrawPredictions, FittingCheckpoint

DEFAULT_SEED = 0
TRAINING_HOOKS = ('ReseedHook', 'EpochResumeHook', 'BadVideoHook', 'PretrainedCheck')
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
    with explained(cfg, LOADERS[:1] if no_validate else LOADERS[:2]):
        runner = RUNNERS.build(cfg)
        _check_batch_size(runner, cfg)
        runner.train()
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
    if cfg.get('test_dataloader') is None or cfg.get('test_evaluator') is None:
        lacking = 'has no test_dataloader and test_evaluator: there is nothing to test'
        raise LaunchError(f'{_name(cfg, config)} {lacking}')
    checkpoint = require_checkpoint(checkpoint)
    if dump is not None:
        if not dump.endswith(('.pkl', '.pickle')):
            raise LaunchError(f'--dump {dump}: the name must end in .pkl')
        given = cfg.test_evaluator
        given = list(given) if isinstance(given, Sequence) else [given]
        cfg.test_evaluator = [*given, dict(type='DumpResults', out_file_path=dump)]
    # a config dumped by a resumed training says resume=True, which would need the training set
    cfg.resume, cfg.load_from = False, checkpoint
    with explained(cfg, LOADERS[2:]):
        runner = RUNNERS.build(cfg)
        runner.register_hook(FittingCheckpoint(checkpoint, _name(cfg, config)))
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
    try:
        made = methods.debias(cfg, method, **parse_options(options or {}, '--debias-options'))
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


def _name(cfg: Config, config: str | os.PathLike | Config) -> str:
    return (cfg.filename if isinstance(config, Config) else os.fspath(config)) or 'the config'


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
        cfg.resume, cfg.load_from = True, os.fspath(resume)
    if cfg.get('load_from'):
        require_checkpoint(cfg.load_from)
    elif cfg.get('resume'):
        last_checkpoint(cfg.work_dir, needed=False)


def _check_batch_size(runner: Runner, cfg: Config) -> None:
    """Warn when the learning rate was chosen for another batch size and is not scaled."""
    scale = cfg.get('auto_scale_lr') or {}
    base = scale.get('base_batch_size')
    batch = (cfg.get('train_dataloader') or {}).get('batch_size')
    if not base or not batch or scale.get('enable'):
        return
    real = batch * runner.world_size
    if real != base:
        runner.logger.warning(
            f'The learning rate was chosen for batches of {base}, but {real} clips are trained at '
            f'once ({batch} x {runner.world_size} processes): add --auto-scale-lr to scale it by '
            f'{real / base:g}, or change the batch size'
        )


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
    for loader in loaders:
        for key, kind, path in missing_data(cfg.get(loader), loader):
            return (
                f'{key}: no such {kind}: {path}; make it, or point to yours with '
                f'--cfg-options {key}=<path> ({line})'
            )
    if isinstance(error, DatasetError):
        return line
    if isinstance(error, OSError) and remedy_of(error):
        where = error.filename or cfg.get('work_dir')
        return f'cannot use {where}: {remedy_of(error)} (--work-dir chooses the folder of a run)'
    if 'out of memory' in line:
        return (
            f'{line}; use smaller batches: --cfg-options train_dataloader.batch_size=<n>, '
            'with --auto-scale-lr'
        )
    return ''


def missing_data(node: Any, key: str) -> Iterator[tuple[str, str, str]]:
    """Annotation files and data folders that a config names and that are not there.

    Args:
        node: Part of a config, as a data loader.
        key: Dotted name of that part.

    Yields:
        Dotted name of the setting, ``'annotation file'`` or ``'data folder'``, and path.
    """
    for place, part in mappings(node, key):
        for name, path in named_data(part).items():
            if path and '://' not in path and not osp.exists(path):
                kind = 'annotation file' if name == 'ann_file' else 'data folder'
                yield f'{place}.{name}', kind, path


def named_data(dataset: Mapping[str, Any]) -> dict[str, str]:
    """Setting -> path of the annotation file and the data folders of one dataset's config.

    The settings are ``ann_file``, ``data_prefix.video`` and the like, as far as they are given.
    """
    root, prefix = dataset.get('data_root') or '', dataset.get('data_prefix')
    given = {'ann_file': dataset.get('ann_file') or None}
    if isinstance(prefix, Mapping):
        given |= {f'data_prefix.{name}': value for name, value in prefix.items()}
    return {
        name: value if '://' in value else osp.join(root, value)
        for name, value in given.items()
        if isinstance(value, str)
    }
