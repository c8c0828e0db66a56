import random

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from albar_mm.models.recognizers.frame_order import ignores_frame_order
from tests import toy_recognizers as toys

TSN = dict(
    type='ALBARRecognizer2D',
    backbone=dict(type='ResNet', depth=18, norm_eval=False),
    cls_head=toys.head(512, type='TSNHead'),
)
TSM = dict(
    type='ALBARRecognizer2D',
    backbone=dict(type='ResNetTSM', depth=18, num_segments=4),
    cls_head=toys.head(512, type='TSMHead', num_segments=4),
)
R3D = dict(backbone=toys.R3D, cls_head=toys.head(8))
SWIN = dict(backbone=toys.SWIN, cls_head=toys.head(12))
FRAMEWISE = dict(backbone=dict(type='ToyTanhBackbone', time_kernel=1))
# Its time embedding and temporal projection start at zero: blind today, not by construction.
TIMESFORMER = dict(
    backbone=dict(
        type='TimeSformer',
        num_frames=4,
        img_size=32,
        patch_size=16,
        embed_dims=16,
        num_heads=2,
        num_transformer_layers=1,
    ),
    cls_head=toys.head(16, type='TimeSformerHead'),
)
# Ends in BatchNorm and pooling: with one clip alone, batch statistics hide everything.
UNIFORMER = dict(
    backbone=dict(type='UniFormer', depth=[1] * 4, embed_dim=[8, 16, 16, 32], head_dim=8),
    cls_head=toys.head(32),
)


def build(cfg):
    head = dict(cfg.get('cls_head') or toys.head(4))
    if head['type'] == 'TimeSformerHead':
        head.pop('dropout_ratio')
    return toys.build(**dict(cfg, cls_head=head))


def shape_of(cfg):
    return (4, 3, 32, 32) if cfg.get('type', '').endswith('2D') else (1, 3, 4, 32, 32)


@pytest.mark.parametrize(
    'cfg, blind',
    [
        (TSN, True),
        (FRAMEWISE, True),
        (TSM, False),
        (R3D, False),
        (SWIN, False),
        (TIMESFORMER, False),
        (UNIFORMER, False),
    ],
    ids='tsn framewise tsm r3d swin timesformer uniformer'.split(),
)
def test_verdict(cfg, blind):
    assert ignores_frame_order(build(cfg), toys.clips(2, shape_of(cfg))) is blind


def test_a_clip_without_change_cannot_tell():
    clip = toys.clips(2)[:, :, :, :1].repeat(1, 1, 1, 4, 1, 1)
    assert ignores_frame_order(build(R3D), clip) is None


def test_single_frames_have_no_order():
    assert ignores_frame_order(build(FRAMEWISE), toys.clips(2, (1, 3, 1, 8, 8))) is True


def test_it_leaves_no_trace():
    model = build(R3D)
    model.backbone.layer1.eval()
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    flags = [(m.training, getattr(m, 'track_running_stats', None)) for m in model.modules()]
    ignores_frame_order(model, toys.clips(2))
    assert [(m.training, getattr(m, 'track_running_stats', None)) for m in model.modules()] == flags
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    drawn = torch.rand(1).item(), np.random.rand(), random.random()
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    assert drawn == (torch.rand(1).item(), np.random.rand(), random.random())


def test_warned_once_before_training(monkeypatch):
    lines = []
    blind, seeing = build(FRAMEWISE), build(R3D)
    monkeypatch.setattr(
        MMLogger.get_current_instance(), 'log', lambda level, msg, *a, **k: lines.append(msg)
    )
    for _ in range(2):
        toys.total_loss(blind, toys.batch([0, 1], [0, 1]))
    assert [('ALBAR can only drive it to chance' in line) for line in lines] == [True]
    lines.clear()
    toys.total_loss(seeing, toys.batch([0, 1], [0, 1]))
    assert not lines


def test_training_is_the_same_with_and_without_the_checks():
    def train(checked):
        model = toys.build(backbone=dict(toys.SWIN, drop_path_rate=0.5), cls_head=toys.head(12))
        model._frame_order_known = model._double_backward_checked = not checked
        wrapper = toys.sgd(model, lr=0.02)
        torch.manual_seed(0)
        for i in range(2):
            model.train_step(toys.batch([0, 1], seed=i, shape=(1, 3, 4, 16, 16)), wrapper)
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    assert torch.equal(train(True), train(False))
