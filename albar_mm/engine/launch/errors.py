"""Saying in one line why a run failed."""

import os.path as osp
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config

from ...utils.config_types import mappings
from ...utils.errors import DatasetError, LaunchError, one_line, remedy_of


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
