"""Saying in one line why a run failed (used by :mod:`albar_mm.engine` only)."""

import errno
import os.path as osp
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.fileio import exists
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from ...utils.errors import DatasetError, LaunchError, one_line

_CANNOT_WRITE = {
    errno.ENOSPC: 'the disk is full: make room',
    errno.EDQUOT: 'your quota is used up: make room',
    errno.EROFS: 'the disk is read-only: choose another folder with --work-dir',
    errno.EACCES: 'no permission: choose another folder with --work-dir, or change its rights',
}


class FittingCheckpoint(Hook):
    """Refuse to test a model that a checkpoint does not fill.

    MMEngine only warns about parameters that a checkpoint lacks, and tests random weights.

    Args:
        path: The checkpoint, for the message.
        config: Name of the config, for the message.
    """

    priority = 'LOWEST'  # after hooks that change the checkpoint, such as EMAHook

    def __init__(self, path: str, config: str) -> None:
        self.path, self.config = path, config

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint with the model.

        Args:
            runner: The runner of the test.
            checkpoint: What was loaded.

        Raises:
            LaunchError: A parameter is missing, or of another shape.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        given = checkpoint.get('state_dict', checkpoint)
        fault = unfilled(model.named_parameters(), given)
        if fault:
            raise LaunchError(
                f'checkpoint {self.path} does not fit the model of {self.config}: {fault}: '
                'test it with the config that it was trained with'
            )


def unfilled(parameters: Iterable[tuple[str, Tensor]], given: Mapping[str, Any]) -> str:
    """Say which parameters a checkpoint would leave as they are; '' for none.

    Args:
        parameters: Name and value of each that is wanted.
        given: State dict of the checkpoint.
    """
    shapes = {
        key.removeprefix('module.'): value.shape
        for key, value in given.items()
        if hasattr(value, 'shape')
    }
    wanted = {name: value.shape for name, value in parameters}
    wrong = [name for name, shape in wanted.items() if shapes.get(name) != shape]
    if not wrong:
        return ''
    return (
        f'{len(wrong)} of its {len(wanted)} parameters are missing or of another shape, as '
        f'{wrong[0]}'
    )


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
        missing = [text for loader in loaders for text in _missing(cfg.get(loader), loader)]
        if missing:
            raise LaunchError(f'{missing[0]} ({one_line(error)})') from error
        weights = cfg.get('load_from')
        if weights and '://' not in weights and not osp.isfile(weights):
            raise LaunchError(f'load_from: no such checkpoint: {weights}') from error
        if isinstance(error, DatasetError):
            raise LaunchError(one_line(error)) from error
        if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
            where = error.filename or cfg.get('work_dir')
            raise LaunchError(f'cannot use {where}: {_CANNOT_WRITE[error.errno]}') from error
        if 'out of memory' in str(error):
            raise LaunchError(
                f'{one_line(error)}; use smaller batches: --cfg-options '
                'train_dataloader.batch_size=<n>, with --auto-scale-lr'
            ) from error
        raise


def _missing(node: Any, key: str) -> Iterator[str]:  # noqa: ANN401
    """Annotation files and data folders that a data loader's config names and that are not there.

    Args:
        node: Part of a config.
        key: Dotted name of that part.
    """
    if isinstance(node, (list, tuple)):
        for index, item in enumerate(node):
            yield from _missing(item, f'{key}.{index}')
    if not isinstance(node, Mapping):
        return
    root = node.get('data_root') or ''
    prefix = node.get('data_prefix')
    named = (
        {f'data_prefix.{k}': v for k, v in prefix.items()} if isinstance(prefix, Mapping) else {}
    )
    for name, value in {'ann_file': node.get('ann_file'), **named}.items():
        if isinstance(value, str) and value:
            path = value if osp.isabs(value) or '://' in value else osp.join(root, value)
            if '://' not in path and not exists(path):
                kind = 'annotation file' if name == 'ann_file' else 'data folder'
                yield (
                    f'{key}.{name}: no such {kind}: {path}; make it, or point to yours with '
                    f'--cfg-options {key}.{name}=<path>'
                )
    for name, value in node.items():
        if isinstance(value, (Mapping, list, tuple)) and name not in ('pipeline', 'data_prefix'):
            yield from _missing(value, f'{key}.{name}')
