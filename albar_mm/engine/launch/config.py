"""Reading a config, overriding its settings and mixing a method into it (used by ``launch``)."""

import argparse
import copy
import os
import os.path as osp
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config, DictAction

from ... import compat
from .errors import LaunchError, one_line


def config_stem(cfg: Config) -> str:
    """Name of a config's file without its ending."""
    return osp.splitext(osp.basename(cfg.filename or 'config'))[0]


def load_config(
    config: str | os.PathLike | Config, cfg_options: Mapping[str, Any] | Sequence[str] | None = None
) -> Config:
    """Read a config and override settings.

    Args:
        config: As for :func:`train`.
        cfg_options: As for :func:`train`.

    Returns:
        A config that the caller may change.

    Raises:
        LaunchError: There is no such config, or it cannot be parsed.
    """
    if isinstance(config, Config):
        cfg = copy.deepcopy(config)  # Config.copy() shares what is nested
    else:
        path = os.fspath(config)
        try:
            path = compat.resolve_config(path) if '::' in path else path
            if not osp.isfile(path):
                raise FileNotFoundError(f'no such file; the current folder is {os.getcwd()}')
            cfg = Config.fromfile(path)
        except KeyboardInterrupt:
            raise
        except Exception as error:  # a config is Python: it can raise anything
            raise LaunchError(f'config {path}: {one_line(error)}') from error
    if cfg_options:
        try:
            cfg.merge_from_dict(_parse_options(cfg_options))
        except (KeyError, TypeError, AssertionError) as error:
            raise LaunchError(f'--cfg-options: {one_line(error)}') from error
    return cfg


def debiased(
    cfg: Config, method: str | None, options: Mapping[str, Any] | Sequence[str] | None = None
) -> Config:
    """Mix a debiasing method into a config; its default work folder is one of its own.

    Args:
        cfg: The config.
        method: See :func:`albar_mm.mixin.debias`; None leaves the config as it is.
        options: As ``debias_options`` of :func:`train`.

    Returns:
        A new config, or the one given.

    Raises:
        LaunchError: The method cannot be mixed into this config, or there are options of none.
    """
    from ...debias.methods import DebiasError, debias

    if not method:
        if options:
            raise LaunchError('--debias-options are those of a method: name it with --debias')
        return cfg

    try:
        made = debias(cfg, method, **_parse_options(options or {}, '--debias-options'))
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
    """Print a config, or what a debiasing method changes in it.

    Args:
        config: As for :func:`train`; so are the others.
        cfg_options: Settings that override the config.
        debias: The method.
        debias_options: Its options.
    """
    from ...debias.methods import difference

    cfg = load_config(config, cfg_options)
    made = debiased(cfg, debias, debias_options)
    print(difference(cfg, made) if debias else cfg.pretty_text)


def _parse_options(
    options: Mapping[str, Any] | Sequence[str], flag: str = '--cfg-options'
) -> dict[str, Any]:
    if isinstance(options, Mapping):
        return dict(options)
    wrong = [option for option in options if '=' not in option]
    if wrong:
        raise LaunchError(f'{flag} {wrong[0]}: expected key=value')
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=DictAction)
    return parser.parse_args(['--options', *options]).options
