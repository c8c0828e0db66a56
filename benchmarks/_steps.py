"""Networks, batches and the three training steps that are compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from torch import Tensor, nn

import albar_mm  # noqa: F401  (registers the components)
from albar_mm.models.losses.functional import PENALTY_EPS
from albar_mm.models.utils.static_frames import repeat_frames

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = MappingProxyType(dict(adv=1.0, ent=4.0, gp=10.0))  # the paper's
LOSSES = (
    dict(type='StaticAdversarialLoss', weight=WEIGHTS['adv']),
    dict(type='StaticEntropyLoss', weight=WEIGHTS['ent']),
    dict(type='StaticGradientPenalty', weight=WEIGHTS['gp'], reduction='official'),
)
VARIANTS = ('plain', 'published', 'albar')
# So small that the weights, and with them the cost of a step, stay what they are.
LEARNING_RATE = 1e-7


@dataclass(frozen=True)
class Setting:
    """A network and the clips that it is fed.

    Attributes:
        backbone: Config of the backbone.
        in_channels: Of the classifier.
        num_classes: K.
        frames: T.
        side: Height and width in pixels.
        segments: Whether frames are segments of a 2D recogniser.
    """

    backbone: Mapping[str, Any]
    in_channels: int
    num_classes: int
    frames: int
    side: int
    segments: bool = False

    @property
    def head(self) -> dict[str, Any]:
        """Config of the head."""
        kind = dict(type='I3DHead')
        if self.segments:
            kind = dict(type='TSMHead', num_segments=self.frames)
        return dict(
            **kind,
            in_channels=self.in_channels,
            dropout_ratio=0.0,
            num_classes=self.num_classes,
            spatial_type='avg',
            topk=(1,),
        )


def _swin_tiny() -> Mapping[str, Any]:
    return Config.fromfile(ROOT / 'configs/_base_/models/swin_tiny_hmdb51.py').model.backbone


def _r3d_18() -> Mapping[str, Any]:
    """3x3x3 convolutions throughout, behind MMAction2's stem (stride 2 and a max-pool in space)."""
    return dict(
        type='ResNet3d',
        depth=18,
        pretrained=None,
        pretrained2d=False,
        conv1_kernel=(3, 7, 7),
        conv1_stride_t=1,
        pool1_stride_t=1,
        with_pool2=False,
        spatial_strides=(1, 2, 2, 2),
        temporal_strides=(1, 2, 2, 2),
        inflate=(1, 1, 1, 1),
        norm_eval=False,
        zero_init_residual=False,
    )


def _tsm(frames: int) -> Mapping[str, Any]:
    return dict(type='MobileNetV2TSM', num_segments=frames, is_shift=True, shift_div=8)


def _tiny() -> Mapping[str, Any]:
    return dict(
        type='ResNet3d',
        depth=18,
        num_stages=2,
        base_channels=4,
        pretrained=None,
        pretrained2d=False,
        norm_eval=False,
        conv1_kernel=(3, 3, 3),
        out_indices=(1,),
        spatial_strides=(1, 2),
        temporal_strides=(1, 2),
        dilations=(1, 1),
        inflate=((1, 1), (1, 1)),
        zero_init_residual=False,
    )


_SETTINGS: Mapping[str, Callable[[], Setting]] = MappingProxyType(
    {
        'swin_t_16x112': lambda: Setting(_swin_tiny(), 768, 51, 16, 112),
        'r3d_18_16x112': lambda: Setting(_r3d_18(), 512, 51, 16, 112),
        'tsm_mobilenet_v2_8x112': lambda: Setting(_tsm(8), 1280, 51, 8, 112, segments=True),
        'tiny': lambda: Setting(_tiny(), 8, 3, 4, 16),  # for the tests
    }
)
SETTINGS = tuple(_SETTINGS)


def setting(name: str) -> Setting:
    """The setting of that name, one of ``SETTINGS``."""
    return _SETTINGS[name]()


def make_batch(chosen: Setting, batch_size: int, static_clip: bool) -> dict[str, Any]:
    """What a data loader yields: uint8 clips and data samples through MMAction2's transforms.

    Args:
        chosen: The setting.
        batch_size: B.
        static_clip: Whether the pipeline has a ``StaticClip``, as ALBAR's.
    """
    init_default_scope('mmaction')
    transforms = [dict(type='PackActionInputs')]
    if static_clip:
        transforms.append(dict(type='StaticClip'))
    pipeline = Compose([TRANSFORMS.build(cfg) for cfg in transforms])
    generator = torch.Generator().manual_seed(0)
    shape = (1, 3, chosen.frames, chosen.side, chosen.side)
    if chosen.segments:
        shape = (chosen.frames, 3, chosen.side, chosen.side)
    clips = torch.randint(256, (batch_size, *shape), generator=generator, dtype=torch.uint8)
    return pseudo_collate(
        [
            pipeline(
                dict(
                    imgs=clip.numpy(),
                    label=i % chosen.num_classes,
                    filename=f'class/video_{i:04d}.avi',
                    img_shape=(chosen.side, chosen.side),
                )
            )
            for i, clip in enumerate(clips)
        ]
    )


class Step:
    """One variant, ready to run training steps.

    Args:
        variant: ``'plain'``: :class:`Recognizer3D`; ``'albar'``: :class:`ALBARRecognizer3D` with
            the paper's weights, both through ``train_step`` as the Runner calls it;
            ``'published'``: :func:`published_loss` around the network of ``'plain'``.
        chosen: The setting.
        batch_size: B.
        device: Where to train.
        static: Options of ``static`` of ``'albar'`` that differ from the recogniser's own, which
            are the paper's.
    """

    def __init__(
        self,
        variant: str,
        chosen: Setting,
        batch_size: int,
        device: str,
        static: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        if variant not in VARIANTS:
            raise ValueError(f'variant must be one of {VARIANTS}, got {variant!r}')
        self.variant = variant
        self.data = make_batch(chosen, batch_size, variant == 'albar')
        preprocessor = 'ActionDataPreprocessor' if variant == 'plain' else 'StaticDataPreprocessor'
        cfg = dict(
            type=f'{"ALBAR" * (variant == "albar")}Recognizer{"2D" if chosen.segments else "3D"}',
            backbone=chosen.backbone,
            cls_head=chosen.head,
            data_preprocessor=dict(
                type=preprocessor,
                mean=[123.675, 116.28, 103.53],
                std=[58.395, 57.12, 57.375],
                format_shape='NCHW' if chosen.segments else 'NCTHW',
            ),
        )
        if variant == 'albar':
            cfg['static'] = {'losses': list(LOSSES), **static}
        torch.manual_seed(0)
        self.model = MODELS.build(cfg).to(device).train()
        self.optimizer = OptimWrapper(torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE))

    def __call__(self) -> None:
        """Run one training step: preprocessing, forward, backward, update."""
        if self.variant != 'published':
            self.model.train_step(self.data, self.optimizer)
            return
        batch = self.model.data_preprocessor(self.data, training=True)
        self.optimizer.zero_grad()
        clip = batch['inputs']
        static = repeat_frames(batch['static_inputs'], clip.shape[3])
        published_loss(self.model, clip, static, batch['static_target']).backward()
        self.optimizer.step()


def published_loss(model: nn.Module, clip: Tensor, static: Tensor, labels: Tensor) -> Tensor:
    """The total loss in the order of operations of the authors' code, see ``step_cost.py``.

    Args:
        model: A plain recogniser in training mode.
        clip: Normalised, (B, 1, C, T, H, W).
        static: Its static clip, same shape, without gradient.
        labels: int64 (B,).

    Returns:
        Tensor: Scalar.
    """
    logits = model(clip, mode='tensor', stage='head')
    clip_loss = F.cross_entropy(logits, labels)

    static.requires_grad_(True)
    static_logits = model(static, mode='tensor', stage='head')
    (by_input,) = torch.autograd.grad(
        static_logits, static, torch.ones_like(static_logits), create_graph=True
    )
    per_column = (by_input.flatten(0, 1).square().sum((1, 2, 3)) + PENALTY_EPS).sqrt()
    penalty = per_column.mean()
    static.requires_grad_(False)

    probabilities = static_logits.softmax(1)
    entropy_term = (probabilities * probabilities.log()).sum(1).mean()
    static_loss = F.cross_entropy(static_logits, labels)
    return (
        clip_loss
        - WEIGHTS['adv'] * static_loss
        + WEIGHTS['ent'] * entropy_term
        + WEIGHTS['gp'] * penalty
    )
