"""Published settings of every method by data set.

Rows are those of StillMix's Swin-T configs (Li et al., ICCV 2023), from which ALBAR takes its
comparison; ALBAR's own are those of its paper.
"""

import re
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

DATASETS = ('hmdb51', 'ucf101', 'kinetics400')
PRETRAININGS = ('k400', 'imagenet')
_CLASSES = {51: 'hmdb51', 101: 'ucf101', 400: 'kinetics400'}

# per-sample probability: (K400, ImageNet) pre-trained; Kinetics-400 itself from ImageNet alone
_PROB: dict[str, dict[str, tuple[float | None, float]]] = {
    'mixup': dict(hmdb51=(0.75, 0.75), ucf101=(0.5, 1.0), kinetics400=(None, 1.0)),
    'videomix': dict(hmdb51=(0.25, 0.75), ucf101=(0.5, 0.75), kinetics400=(None, 0.75)),
    'actorcutmix': dict(hmdb51=(0.25, 0.75), ucf101=(0.5, 0.5), kinetics400=(None, 0.25)),
    'be': dict(hmdb51=(0.25, 0.75), ucf101=(0.5, 0.75), kinetics400=(None, 0.5)),
    'fame': dict(hmdb51=(0.5, 0.5), ucf101=(0.25, 0.25), kinetics400=(None, 0.25)),
    'stillmix': dict(hmdb51=(0.75, 0.5), ucf101=(0.25, 0.75), kinetics400=(None, 0.25)),
}
_OTHER_DATA_PROB = 0.5
_FIXED: dict[str, dict[str, Any]] = {
    'mixup': dict(alpha=0.2),
    'videomix': dict(alpha=1.0),
    'actorcutmix': dict(min_score=0.4),
    'be': dict(scale=0.3),
    'fame': dict(fg_fraction=0.5),
    'stillmix': dict(alpha=200.0, beta=200.0),
}


def data_set_of(cfg: Config, num_classes: int) -> str | None:
    """Which of the three data sets a config trains on, by its lists and number of classes."""
    named = _CLASSES.get(num_classes)
    text = str(cfg.get('train_dataloader') or '').lower()
    signs = dict(hmdb51='hmdb', ucf101='ucf', kinetics400='kinetics')
    told = not text or (named and re.search(f'(?<![a-z]){signs[named]}(?![a-z])', text))
    return named if named and told else None


def published(method: str, data_set: str | None, pretraining: str | None) -> dict[str, Any]:
    """Settings of a blending, as keyword arguments.

    Args:
        method: Name of the method.
        data_set: One of :data:`DATASETS`, or None for another one: probability 0.5.
        pretraining: ``'k400'`` or ``'imagenet'``; None: K400, and ImageNet for Kinetics-400.
    """
    settings = dict(_FIXED[method])
    if data_set is None:
        return dict(settings, prob=_OTHER_DATA_PROB)
    k400, imagenet = _PROB[method][data_set]
    prob = imagenet if pretraining == 'imagenet' or k400 is None else k400
    if method == 'stillmix' and data_set == 'kinetics400':
        settings.update(alpha=20.0, beta=60.0)
    return dict(settings, prob=prob)


def albar_static(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """The static pass with the paper's weights, or what the caller gave."""
    if given is not None:
        return dict(given)
    return dict(
        frame='random',
        source='unblended',
        norm='batch',
        losses=[
            dict(type='StaticAdversarialLoss', weight=1.0),
            dict(type='StaticEntropyLoss', weight=4.0),
            dict(type='StaticGradientPenalty', weight=10.0, reduction='official'),
        ],
    )
