"""Finding the config files of installed packages (used by :mod:`albar_mm.compat` only)."""

import difflib
import glob
import importlib.metadata
import importlib.util
import os.path as osp
from collections.abc import Callable
from pathlib import Path

from ..utils.errors import ConfigNotFoundError

PACKAGE = 'albar_mm'


def config_root() -> str:
    """Folder that holds albar_mm's ``configs``: inside the wheel, or the repository.

    Raises:
        ConfigNotFoundError: The package was copied without its configs.
    """
    package = osp.dirname(osp.dirname(osp.abspath(__file__)))
    for folder in (osp.join(package, '.mim'), osp.dirname(package)):
        if osp.isdir(osp.join(folder, 'configs', '_base_')):
            return osp.join(folder, 'configs')
    raise ConfigNotFoundError(
        f'{package} has neither .mim/configs nor ../configs beside it: install the package again '
        'with pip, or run it from its repository'
    )


def resolve_config(name: str) -> str:
    """Absolute path of a config named by its package.

    Args:
        name: ``<package>::<path under configs>``. For ``albar_mm::`` the path needs no slash and
            the ``.py`` may be left out; other packages (``mmaction::``) follow mmengine's rules.

    Raises:
        ConfigNotFoundError: There is no such file; the message names the folder searched.
    """
    scope, _, relative = name.partition('::')
    if scope != PACKAGE:
        from mmengine.config import Config

        return Config._get_cfg_path(name, '')[0]
    root = config_root()
    relative = relative if osp.splitext(relative)[1] else f'{relative}.py'
    path = osp.normpath(osp.join(root, relative))
    if not osp.isfile(path):
        raise ConfigNotFoundError(f'{name}: no file {relative} in {root}{near_config(path)}')
    return path


def near_config(path: str) -> str:
    """`` (did you mean '...'?)`` for a config that is not there; ``''`` if none is near.

    Looks at the files beside it and at our own, by their names alone.

    Args:
        path: The path.
    """
    root = config_root()
    own = glob.glob(osp.join(root, '**', '*.py'), recursive=True)
    known = {Path(one).stem: f'{PACKAGE}::{osp.relpath(one, root)}' for one in own}
    beside = glob.glob(osp.join(glob.escape(osp.dirname(path)), '*.py'))
    known |= {Path(one).stem: one for one in beside}
    near = difflib.get_close_matches(Path(path).stem, known, 1)
    return f' (did you mean {known[near[0]]!r}?)' if near else ''


def own_configs_first(upstream: Callable) -> Callable:
    """Make mmengine's ``Config._get_cfg_path``, which is given, find ``albar_mm::...``.

    No scope is returned for our configs: everything we register lives in mmaction's registries, so
    no ``_scope_`` key is wanted.
    """

    def _get_cfg_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if cfg_path.startswith(f'{PACKAGE}::'):
            return resolve_config(cfg_path), None
        return upstream(cfg_path, filename)

    return _get_cfg_path


def is_installed(package: str) -> bool:
    """Say whether a distribution or module is installed (``mmengine.utils.is_installed``)."""
    try:
        importlib.metadata.distribution(package)
        return True
    except importlib.metadata.PackageNotFoundError:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None


def package2module(package: str) -> str:
    """Name of the module that a distribution installs; a ValueError where it does not say."""
    listed = importlib.metadata.distribution(package).read_text('top_level.txt')
    if not listed or not listed.split():
        raise ValueError(f'can not infer the module name of {package}')
    return listed.split()[0]


def get_installed_path(package: str) -> str:
    """Folder of an installed package (``mmengine.utils.get_installed_path``).

    Args:
        package: Name of a distribution (``mmaction2``) or of a module (``mmaction``).

    Raises:
        importlib.metadata.PackageNotFoundError: Neither such a distribution nor such a module.
        RuntimeError: It is a namespace package, which has no single folder.
    """
    # only the import system knows those on PYTHONPATH or installed in editable mode
    spec = importlib.util.find_spec(package) or importlib.util.find_spec(package2module(package))
    if spec is None or spec.origin is None:
        raise RuntimeError(f'{package} is a namespace package: it has no single folder')
    return osp.dirname(spec.origin)
