"""Reading a config, overriding its settings and mixing a method into it (used by ``launch``)."""

import os
import os.path as osp
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from ...compat.load_config import config_stem, load_config, parse_options
from ...utils.errors import LaunchError


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
    from ...debias.methods import debias
    from ...utils.errors import DebiasError

    if not method:
        if options:
            raise LaunchError('--debias-options are those of a method: name it with --debias')
        return cfg

    try:
        made = debias(cfg, method, **parse_options(options or {}, '--debias-options'))
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
