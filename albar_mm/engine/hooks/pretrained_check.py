"""Making sure that pretrained weights arrive in the model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import CheckpointLoader, Runner
from torch import Tensor, nn

from ...utils.config_types import is_type
from ...utils.errors import LaunchError
from ...utils.numbers import number
from ..checkpoints.source import bare_model, misfits, saved_tensors, state_of, uncopied

_BACKBONE = 'backbone.'


@HOOKS.register_module()
class PretrainedCheck(Hook):
    """Refuse to train when pretrained weights did not reach the backbone.

    MMEngine loads without ``strict`` and only prints what did not fit. Two ways are checked:

    - ``load_from``: names, shapes and, after copying, values. Fewer than ``min_loaded`` of the
      backbone's tensors in the file is refused; other tensors of the model that the file lacks or
      holds in another shape (a head for other classes) are listed in a warning. With ``resume``
      every tensor must fit.
    - ``backbone.pretrained`` and ``backbone.init_cfg=dict(type='Pretrained')``: *values*, after
      initialisation, so that renamed and inflated 2D weights count too: a tensor counts as loaded
      if the file holds its values, for a 3D convolution also its sum over time. Left out where
      ``load_from`` overwrites them.

    Args:
        min_loaded: Smallest share of the backbone's tensors, in [0, 1]. Defaults to 0.9.

    Raises:
        LaunchError: Too little was loaded.

    Example:
        >>> custom_hooks = [dict(type='PretrainedCheck')]
    """

    priority = 'LOWEST'  # after hooks that change the checkpoint, such as EMAHook

    def __init__(self, min_loaded: float = 0.9) -> None:
        self.min_loaded = number(min_loaded, 'PretrainedCheck.min_loaded', 0, 1, error=ValueError)
        self._given: Mapping[str, Any] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare a checkpoint with the model that it is loaded into."""
        path = runner.cfg.get('load_from') or f'the latest checkpoint in {runner.work_dir}'
        model, given = bare_model(runner), state_of(checkpoint)
        wanted = saved_tensors(model)
        wrong = misfits(wanted, given)
        self._given = {name: given[name] for name in wanted if name not in wrong}
        if runner.cfg.get('resume') and wrong:
            name, why = next(iter(wrong.items()))
            raise LaunchError(
                f'{path} does not fit the model: {len(wrong)} of its {len(wanted)} tensors are '
                f'missing or of another shape, as {name} ({why}): resume with the config that it '
                'was trained with'
            )
        if runner.cfg.get('resume') and not {'meta', 'message_hub'} <= set(checkpoint):
            raise LaunchError(
                f'{path} holds weights, not the state of a training that could go on: begin one '
                'with them (--cfg-options load_from=<file>), or resume from an epoch_<n>.pth'
            )
        backbone = [name for name in wanted if name.startswith(_BACKBONE)] or list(wanted)
        self._require(
            f'load_from={path}',
            backbone,
            [n for n in backbone if n in wrong],
            'give a checkpoint of this model; weights of a backbone alone go to '
            "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)",
        )
        if wrong:
            listed = [f'  {name} {tuple(wanted[name].shape)}: {why}' for name, why in wrong.items()]
            runner.logger.warning(
                '\n'.join([f'load_from={path} leaves {len(wrong)} tensors at random:', *listed])
            )
        extra = sorted(set(given) - set(model.state_dict()))
        if extra:
            runner.logger.warning(
                f'load_from={path} holds {len(extra)} tensors that the model has not, as {extra[0]}'
            )

    def before_train(self, runner: Runner) -> None:
        """Look for the loaded values in the model, or for those of pretrained files."""
        backbone = getattr(bare_model(runner), 'backbone', None)
        if self._given is not None:
            tensors = bare_model(runner).state_dict()
            wrong = uncopied({name: tensors[name] for name in self._given}, self._given)
            self._given = {}
            if wrong:
                raise LaunchError(
                    f'{len(wrong)} tensors of the checkpoint were not copied, as {wrong[0]}: it is '
                    'damaged; write it again'
                )
            return
        if not isinstance(backbone, nn.Module):
            return
        for path in _pretrained_files(backbone):
            given = list(_all_tensors(CheckpointLoader.load_checkpoint(path, map_location='cpu')))
            tensors = saved_tensors(backbone)
            absent = [name for name, value in tensors.items() if not _found(value.cpu(), given)]
            self._require(
                f'model.backbone: {path}',
                list(tensors),
                absent,
                'give weights of this backbone, or none (pretrained=None)',
            )

    def _require(
        self, what: str, wanted: Sequence[str], absent: Sequence[str], advice: str
    ) -> None:
        found = len(wanted) - len(absent)
        if found < self.min_loaded * len(wanted):
            raise LaunchError(
                f'{what} fills {found} of {len(wanted)} tensors of the backbone, fewer than '
                f'{self.min_loaded:.0%}; not {absent[0]}: {advice}'
            )


def _pretrained_files(backbone: nn.Module) -> list[str]:
    """Paths that the backbone was told to initialise itself from."""
    given = getattr(backbone, 'init_cfg', None) or []
    given = [given] if isinstance(given, Mapping) else given
    named = [cfg.get('checkpoint') for cfg in given if is_type(cfg, 'Pretrained', 'PretrainedInit')]
    paths = [getattr(backbone, 'pretrained', None), *named]
    return list(dict.fromkeys(path for path in paths if isinstance(path, str)))


def _all_tensors(node: object) -> Iterator[Tensor]:
    if isinstance(node, Tensor):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _all_tensors(value)


def _found(value: Tensor, given: Iterable[Tensor]) -> bool:
    """Whether a tensor, or a 3D convolution summed over time, is among the given ones."""
    forms = [value] + ([value.sum(2)] if value.ndim == 5 else [])
    return any(
        form.shape == other.shape
        and torch.allclose(form.double(), other.double(), rtol=1e-4, atol=1e-6)
        for form in forms
        for other in given
    )
