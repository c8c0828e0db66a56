"""Names of settings given on the command line: a misspelt one is refused, not added."""

import contextlib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import mmaction.registry
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from ..utils.config_types import class_of, type_name
from ..utils.errors import LaunchError
from ..utils.text import did_you_mean

# what MMEngine takes out of a config's part before it makes an object of it, or reads off the whole
_EVERYWHERE = {'type', 'priority', '_delete_', '_scope_', 'convert_to_iter_based'}
_OF_THE_WHOLE = {
    'custom_imports',
    'model_wrapper_cfg',
    'sync_bn',
    'find_unused_parameters',
    'activation_checkpointing',
    'efficient_conv_bn_eval',
    'compile',
    'runner_type',
    'tta_model',
    'tta_pipeline',
}
_OF_LOADERS = {'num_batch_per_epoch', 'seed'}
_OF_PLACES = {
    'auto_scale_lr': {'enable', 'base_batch_size'},
    'env_cfg': {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
    'randomness': {'seed', 'deterministic', 'diff_rank_seed'},
}
_LOOPS = {'by_epoch'}
_OF_OPTIM_WRAPPERS = {'optimizer', 'constructor', 'paramwise_cfg'}


class OptionNames:
    """Which of some settings are new to a config; asked before they are put in, checked after.

    Args:
        cfg: The config.
        options: Dotted keys.
        flag: Where they stand, for messages.
    """

    def __init__(self, cfg: Config, options: Iterable[str], flag: str) -> None:
        self._flag = flag
        self._new = [(key, place) for key in options if (place := _first_new(cfg, key.split('.')))]
        self._before = set(cfg)

    def check(self, cfg: Config) -> None:
        """Refuse new names that nothing takes.

        The first name of a key must be in the config or be an argument of the Runner. A deeper one
        may be new where the class that its part of the config names takes it, or where that part
        names no class.

        Args:
            cfg: The config with the settings.

        Raises:
            LaunchError: Nobody takes a name; says the nearest that somebody would.
        """
        for key, (*place, name) in self._new:
            node: Any = cfg
            for part in place:
                node = node[int(part) if isinstance(node, list | tuple) else part]
            if place:
                taken, more = _taken(node, place)
            else:
                taken, more = _parameters(Runner)[0] | _OF_THE_WHOLE | self._before, False
            # what takes anything would also take a slip of the pen
            near = did_you_mean(name, sorted(taken), 0.9 if more else 0.5)
            if name in taken | _EVERYWHERE or (more and not near):
                continue
            kind = node.get('type') if place else None
            owner = '.'.join(place) or 'the config'
            owner += f' ({type_name(kind)})' if kind else ''
            raise LaunchError(f'{self._flag} {key}: {owner} has no setting {name!r}{near}')


def _first_new(cfg: Any, parts: list[str]) -> list[str]:
    """The key up to its first part that the config has not; empty if it has them all."""
    node = cfg
    for end, part in enumerate(parts, 1):
        if isinstance(node, Mapping | Config):
            if part not in node:
                return parts[:end]
            node = node[part]
        elif isinstance(node, list | tuple) and part.lstrip('-').isdigit():
            if not -len(node) <= int(part) < len(node):
                return []  # MMEngine refuses it
            node = node[int(part)]
        else:
            return []
    return []


def _taken(node: Any, place: list[str]) -> tuple[set[str], bool]:
    """Names that a part of a config may have, and whether it takes others too."""
    if not isinstance(node, Mapping):
        return set(), True
    if len(place) == 1 and place[0].endswith('_dataloader'):
        return _parameters(DataLoader)[0] | _OF_LOADERS, False
    if len(place) == 1 and place[0] in _OF_PLACES:
        return _OF_PLACES[place[0]], False
    found = [_parameters(kind) for kind in _classes(node, place)]
    extra = _OF_OPTIM_WRAPPERS if place == ['optim_wrapper'] else _LOOPS if len(place) == 1 else ()
    more = not found or any(more for _, more in found)
    return set().union(node if not found else (), extra, *(names for names, _ in found)), more


def _classes(node: Mapping, place: list[str]) -> list[Any]:
    """All that a type may mean: registries have equal names, as ``Resize`` and ``SGD``."""
    defaults = {'optim_wrapper': 'OptimWrapper', 'train_cfg': 'EpochBasedTrainLoop'}
    kind = node.get('type') or (defaults.get(place[0]) if len(place) == 1 else None)
    found = [] if isinstance(kind, str | None) else [kind]
    for registry in vars(mmaction.registry).values():
        # mmaction2 1.2.0 looks for some of its parts in modules that it has not
        with contextlib.suppress(ImportError):
            if isinstance(registry, Registry) and isinstance(kind, str):
                found.append(class_of(kind, registry))
    return [kind for kind in found if kind is not None]


def _parameters(kind: Any) -> tuple[set[str], bool]:
    """What a class or function takes, its bases' too where it hands on the rest.

    Returns:
        Names, and whether it takes others too.
    """
    bases = kind.__mro__ if inspect.isclass(kind) else (kind,)
    names: set[str] = set()
    for base in bases:
        own = vars(base).get('__init__') if inspect.isclass(base) else base
        if own is None or base is object:
            continue
        parameters = inspect.signature(own).parameters.values()
        names |= {one.name for one in parameters} - {'self'}
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            return names, False
    return names, True
