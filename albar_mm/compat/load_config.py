"""Reading a config and overriding its settings."""

import argparse
import copy
import os
import os.path as osp
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config, DictAction

from ..utils.errors import ConfigNotFoundError, LaunchError, absence, one_line
from .config import near_config, resolve_config
from .option_names import OptionNames


def config_stem(cfg: Config) -> str:
    """Name of a config's file without its ending."""
    return osp.splitext(osp.basename(cfg.filename or 'config'))[0]


def load_config(
    config: str | os.PathLike | Config, cfg_options: Mapping[str, Any] | Sequence[str] | None = None
) -> Config:
    """Read a config and override settings.

    Args:
        config: Path of a config, ``albar_mm::<name>``, ``mmaction::<path>``, or a ``Config``
            (which is copied).
        cfg_options: Settings that override the config: a mapping of dotted keys, or ``key=value``
            strings as on the command line.

    Returns:
        A config that the caller may change.

    Raises:
        LaunchError: There is no such config, it cannot be parsed, or nothing would read a setting.
    """
    if isinstance(config, Config):
        cfg = copy.deepcopy(config)  # Config.copy() shares what is nested
    else:
        path = os.fspath(config)
        try:
            path = resolve_config(path) if '::' in path else path
            if why := absence(path):
                near = near_config(path)
                raise FileNotFoundError(f'{why}{near}; the current folder is {os.getcwd()}')
            cfg = Config.fromfile(path)
        except ConfigNotFoundError as error:
            raise LaunchError(f'config {error}') from error
        except Exception as error:  # a config is Python: it can raise anything
            raise LaunchError(f'config {path}: {one_line(error)}') from error
    if cfg_options:
        override(cfg, parse_options(cfg_options))
    return cfg


def override(cfg: Config, options: Mapping[str, Any], flag: str = '--cfg-options') -> None:
    """Put settings into a config.

    Args:
        cfg: The config, which is changed.
        options: Dotted key -> value.
        flag: Where they stand, for messages.

    Raises:
        LaunchError: A key does not fit, or nothing would read it (see :class:`.OptionNames`).
    """
    names = OptionNames(cfg, options, flag)
    try:
        cfg.merge_from_dict(dict(options))
    except (KeyError, TypeError, AssertionError) as error:
        raise LaunchError(f'{flag}: {one_line(error)}') from error
    names.check(cfg)


def parse_options(
    options: Mapping[str, Any] | Sequence[str], flag: str = '--cfg-options'
) -> dict[str, Any]:
    """Read ``key=value`` strings as MMEngine's tools do.

    Args:
        options: The strings, or a mapping, which is copied.
        flag: Where they stand, for the message.

    Raises:
        LaunchError: One has no ``=``, or a value that cannot be read.
    """
    if isinstance(options, Mapping):
        return dict(options)
    read: dict[str, Any] = {}
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=DictAction)
    for option in options:
        key, equals, _ = option.partition('=')
        if not equals:
            raise LaunchError(f'{flag} {option}: expected key=value')
        try:
            read |= parser.parse_args(['--options', option]).options
        except (RecursionError, AssertionError) as error:  # braces, brackets that are left open
            raise LaunchError(
                f'{flag} {option}: expected a number, a text, or a list [..] of them; a dict is '
                f'given entry by entry, as {key}.<entry>=<value>'
            ) from error
    return read
