"""MMEngine without CUDA: distributed training and mixed precision on CPU (for compat only)."""

import functools
import logging
import os
from collections.abc import Callable
from typing import Any

import torch
from mmengine.device import (
    get_device,
    is_cuda_available,
    is_mlu_available,
    is_musa_available,
    is_npu_available,
)
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch.nn.parallel import DistributedDataParallel

from ..utils.config_types import class_of

_AMP_ONLY = ('loss_scale', 'dtype', 'use_fsdp')


@functools.cache
def _say_once(text: str) -> None:
    if int(os.environ.get('RANK', 0)) == 0:
        print_log(text, logger='current', level=logging.WARNING)


def set_cuda_device(device: Any) -> None:
    """:func:`torch.cuda.set_device` where there is CUDA, nothing elsewhere."""
    if torch.cuda.is_available():
        torch.cuda.set_device(device)


def gloo_without_cuda(init: Callable) -> Callable:
    """Let one of mmengine's ``_init_dist_*`` choose gloo where NCCL, the default, cannot run."""

    @functools.wraps(init)
    def wrapped(backend: str, *args: Any, **kwargs: Any) -> None:
        if backend == 'nccl' and get_device() == 'cpu':
            _say_once('No CUDA device: distributed training uses the gloo backend, not nccl.')
            backend = 'gloo'
        init(backend, *args, **kwargs)

    return wrapped


def wrap_model_on_cpu(upstream: Callable) -> Callable:
    """Make ``Runner.wrap_model``, which is given, leave out the CUDA device ids on the CPU.

    ``find_unused_parameters``, ``sync_bn`` and ``model_wrapper_cfg`` keep their meaning.
    """

    @functools.wraps(upstream)
    def wrap_model(
        self: Any,
        model_wrapper_cfg: dict | None,
        model: torch.nn.Module,
    ) -> torch.nn.Module:
        if self.distributed and get_device() == 'cpu' and not is_model_wrapper(model):
            if model_wrapper_cfg is None:  # upstream's own defaults, said as a config
                unused = self.cfg.get('find_unused_parameters', False)
                model_wrapper_cfg = dict(broadcast_buffers=False, find_unused_parameters=unused)
            cfg = dict(model_wrapper_cfg)
            cfg.setdefault('type', 'MMDistributedDataParallel')
            kind = class_of(cfg, MODEL_WRAPPERS)
            if isinstance(kind, type) and issubclass(kind, DistributedDataParallel):
                cfg.setdefault('device_ids', None)
            model_wrapper_cfg = cfg
        return upstream(self, model_wrapper_cfg, model)

    return wrap_model


def has_amp_device() -> bool:
    """Say whether ``AmpOptimWrapper`` would accept this machine."""
    return bool(
        is_cuda_available() or is_npu_available() or is_mlu_available() or is_musa_available()
    )


def new_amp_or_plain(cls: type, *args: Any, **kwargs: Any) -> OptimWrapper:
    """``AmpOptimWrapper.__new__``: a plain ``OptimWrapper`` where mixed precision cannot run.

    Python skips ``AmpOptimWrapper.__init__`` when ``__new__`` returns another class, so this holds
    for every way to build the wrapper (config, registry, constructor, direct call) and leaves the
    config, hence the one dumped for a GPU machine, as it was. Classes derived from
    ``AmpOptimWrapper`` are left to their authors. Arguments by position (``loss_scale``, ``dtype``,
    ``use_fsdp``) are for mixed precision only.
    """
    if cls is not AmpOptimWrapper or has_amp_device():
        return object.__new__(cls)
    _say_once(
        'No GPU: AmpOptimWrapper (mixed precision) is replaced by OptimWrapper; training runs in '
        'full precision.'
    )
    return OptimWrapper(**{key: kwargs[key] for key in kwargs if key not in _AMP_ONLY})
