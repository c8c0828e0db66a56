"""What would stop a run only after its first steps or its first epoch, said before it begins."""

import importlib.util
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from mmaction.datasets import BaseActionDataset
from mmaction.evaluation import AccMetric
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...utils.config_types import is_type, type_name
from ...utils.errors import LaunchError, absence
from ...utils.text import did_you_mean
from ..checkpoints.source import bare_model

#: weights that the shipped configs name and that a command makes of a published file
MADE_WEIGHTS = {
    'data/weights/swin3d_t_k400.pth': 'python tools/convert_checkpoint.py swin3d-torchvision '
    '<swin3d_t-7615ae03.pth of torchvision> data/weights/swin3d_t_k400.pth',
}
FROM_TORCHVISION = ('torchvision://', 'modelzoo://')
_TORCHVISION = 'pip install torchvision'


def check_training(runner: Runner) -> None:
    """Check the data, the schedule and the choice of checkpoints of a training.

    Args:
        runner: Before its training; its loops are built.

    Raises:
        LaunchError: Says which setting to change.
    """
    loader, classes = runner.train_dataloader, num_classes(bare_model(runner))
    check_dataset(loader.dataset, 'train_dataloader', classes)
    if not len(loader):
        count, batch = len(loader.sampler), loader.batch_size
        raise LaunchError(
            f'train_dataloader: {count} videos are fewer than a batch of {batch}, and drop_last '
            'leaves incomplete batches out: use smaller ones (--cfg-options '
            f'train_dataloader.batch_size={max(count, 1)})'
        )
    check_schedule(runner.cfg, len(loader))
    _check_batch_size(runner)
    if runner.val_loop is not None:
        check_dataset(runner.val_dataloader.dataset, 'val_dataloader', classes)
        metrics = runner.val_evaluator.metrics
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook):
                check_save_best(hook.save_best, metrics)


def named_weights(cfg: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Key and place of all weights that a config names."""
    backbone = (cfg.get('model') or {}).get('backbone') or {}
    init = backbone.get('init_cfg')
    named = {
        'load_from': cfg.get('load_from'),
        'model.backbone.pretrained': backbone.get('pretrained'),
        'model.backbone.init_cfg.checkpoint': (
            init.get('checkpoint') if isinstance(init, Mapping) else None
        ),
    }
    return [(key, value) for key, value in named.items() if isinstance(value, str) and value]


def lacking_weights(key: str, weights: str) -> tuple[str, str] | None:
    """What is wrong with a file of weights, and what to do; None if it is there.

    Args:
        key: Setting that names it.
        weights: Path or address; what an address holds is seen when it is loaded.
    """
    if weights.startswith(FROM_TORCHVISION):
        if importlib.util.find_spec('torchvision') is None:
            return f'{key}: {weights} needs torchvision, which is missing', _TORCHVISION
    elif '://' not in weights and (why := absence(weights)):
        cure = MADE_WEIGHTS.get(weights, f'add --cfg-options {key}=<path>')
        return f'{key}: checkpoint {weights}: {why}', cure
    return None


def undownloaded(cfg: Config, url: str) -> tuple[str, str]:
    """Which setting of a training names weights that could not be fetched, and what to set.

    Args:
        cfg: Of the training.
        url: Their address.

    Returns:
        The setting, and the advice.
    """
    remote = [(key, weights) for key, weights in named_weights(cfg) if '://' in weights]
    exact = [key for key, weights in remote if weights == url]
    key = (exact or [key for key, _ in remote] or ['load_from'])[0]
    backbone = cfg.model.get('backbone') or {}
    none = f'{key.removesuffix(".checkpoint")}=None'
    if backbone.get('pretrained2d') and key.endswith('.pretrained'):
        none += ' model.backbone.pretrained2d=False'
    advice = f'--cfg-options {key}=<file>; {none} begins at random'
    if key == 'load_from' and is_type(backbone, 'SwinTransformer3D'):
        advice += (
            "; tools/convert_checkpoint.py makes such a file of torchvision's swin3d_t, see "
            'docs/data.md'
        )
    return key, advice


def check_weights(cfg: Mapping[str, Any]) -> None:
    """Refuse to begin without the weights that a config names.

    Raises:
        LaunchError: Says what makes them.
    """
    for key, weights in named_weights(cfg):
        if wrong := lacking_weights(key, weights):
            raise LaunchError(': '.join(wrong))


def num_classes(model: Any) -> int | None:
    """Number of classes of a recogniser; None where its head does not say."""
    given = getattr(getattr(model, 'cls_head', None), 'num_classes', None)
    return given if isinstance(given, int) else None


def check_dataset(dataset: Any, loader: str, classes: int | None) -> None:
    """Refuse labels that the model has no class for, some without one, and addresses in a list.

    A list is data: only the command line or the config may name a server, as in ``data_prefix``.

    Args:
        dataset: Any dataset; those of MMAction2 inside it are checked.
        loader: Name of its data loader, for messages.
        classes: Number of classes of the model; None for any.

    Raises:
        LaunchError: Names the list and the video.
    """
    for one in _innermost(dataset):
        prefix, unlabelled, labels = (one.data_prefix or {}).get('video') or '', [], [0]
        first = ''
        for index in range(len(one)):
            info = one.get_data_info(index)
            name = str(info.get('filename', ''))
            where = f'{loader}: {one.ann_file or type_name(one)}: {name}'
            if '://' in name and '://' not in prefix:
                raise LaunchError(f'{where}: is an address; a list names files below data_prefix')
            given = np.ravel(info.get('label', 0))
            labels.append(np.max(given, initial=0))
            if np.min(given, initial=0) < 0:
                unlabelled.append(where)
            if classes is not None and labels[-1] >= classes:
                first = first or f'{where}: has label {labels[-1]}'
        if first:
            raise LaunchError(
                f'{first}, but the model has {classes} classes: set num_classes to the number of '
                f'your classes (--cfg-options model.cls_head.num_classes={max(labels) + 1}), or '
                'correct the list'
            )
        if 0 < len(unlabelled) < len(one) or (unlabelled and loader == 'train_dataloader'):
            raise LaunchError(f'{unlabelled[0]}: has no label, as {len(unlabelled)} of {len(one)}')
        if unlabelled:
            print_log(f'{loader}: no video has a label: scores say nothing', level=logging.WARNING)


def _innermost(dataset: Any) -> Iterator[BaseActionDataset]:
    for inner in (*getattr(dataset, 'datasets', ()), getattr(dataset, 'dataset', None)):
        yield from _innermost(inner) if inner is not None else ()
    if isinstance(dataset, BaseActionDataset):
        dataset.full_init()
        yield dataset


def check_schedule(cfg: Config, steps: int) -> None:
    """Refuse a scheduler whose span in epochs holds no step.

    Args:
        cfg: Of the run.
        steps: Those of an epoch.

    Raises:
        LaunchError: Names the scheduler and the setting.
    """
    given = cfg.get('param_scheduler') or []
    batch, epochs = cfg.train_dataloader.get('batch_size'), cfg.train_cfg.get('max_epochs')
    for index, one in enumerate([given] if 'type' in given else given):
        if not isinstance(one, Mapping) or not one.get('by_epoch', True):
            continue
        begin, end = one.get('begin', 0), one.get('end', math.inf)
        key = f'param_scheduler.{index} ({type_name(one)})'
        first = int(begin * steps)
        if one.get('convert_to_iter_based') and end < math.inf and int(end * steps) <= first:
            raise LaunchError(
                f'{key}: no step lies in epochs {begin:g} to {end:g}, as an epoch has {steps} '
                f'step(s) of {batch} videos: use smaller batches '
                '(train_dataloader.batch_size), or end it later (--cfg-options '
                f'param_scheduler.{index}.end={(first + 1) / steps:.4g})'
            )
        if is_type(one, 'LinearLR', 'ConstantLR') and epochs and epochs < end < math.inf:
            print_log(
                f'{key} warms up until epoch {end:g}, but the training has {epochs}: it will not '
                f'reach its learning rate; set param_scheduler.{index}.end',
                'current',
                logging.WARNING,
            )


def _check_batch_size(runner: Runner) -> None:
    """Warn when the learning rate was chosen for another batch size and is not scaled."""
    scale = runner.cfg.get('auto_scale_lr') or {}
    base = scale.get('base_batch_size')
    batch = runner.cfg.train_dataloader.get('batch_size')
    if not base or not batch or scale.get('enable'):
        return
    real = batch * runner.world_size
    if real != base:
        runner.logger.warning(
            f'The learning rate was chosen for batches of {base}, but {real} clips are trained at '
            f'once ({batch} x {runner.world_size} processes): add --auto-scale-lr to scale it by '
            f'{real / base:g}, or change the batch size'
        )


def check_save_best(save_best: str | Sequence[str] | None, metrics: Sequence[Any]) -> None:
    """Refuse to choose checkpoints by a score that no metric gives.

    Args:
        save_best: As in ``default_hooks.checkpoint``.
        metrics: Those of the validation.

    Raises:
        LaunchError: Names the scores that there are, as far as the metrics tell beforehand.
    """
    for key in [save_best] if isinstance(save_best, str) else save_best or []:
        if key == 'auto' or any(_may_give(metric, key) for metric in metrics):
            continue
        given = [score for metric in metrics for score in _scores(metric)]
        others = [f'{metric.prefix}/...' for metric in metrics if not _scores(metric)]
        raise LaunchError(
            f'default_hooks.checkpoint.save_best: val_evaluator gives no {key}'
            f'{did_you_mean(key, given)}; it gives {", ".join([*given, *others])}: name one of '
            f'them (--cfg-options default_hooks.checkpoint.save_best={[*given, "auto"][0]})'
        )


def _may_give(metric: Any, key: str) -> bool:
    if not metric.prefix:
        return True  # its names are known when it has measured
    prefix, _, name = key.rpartition('/')
    # a recogniser of several streams has the scores of each, as acc/rgb_top1
    known = _scores(metric) or [f'{metric.prefix}/{name}']
    return key in known or f'{prefix}/{name.rpartition("_")[2]}' in known


def _scores(metric: Any) -> list[str]:
    """The scores of a metric, as far as it tells beforehand."""
    names = list(getattr(metric, 'score_names', ()))
    if type(metric) is AccMetric:
        ranks = (metric.metric_options or {}).get('top_k_accuracy', {}).get('topk', (1, 5))
        top = [f'top{rank}' for rank in np.atleast_1d(ranks)]
        known = {'top_k_accuracy': top, 'mean_class_accuracy': ['mean1']}
        names = [name for kind in metric.metrics for name in known.get(kind, [kind])]
    return [f'{metric.prefix}/{name}' for name in names]
