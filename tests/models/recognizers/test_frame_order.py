import copy
import random

import numpy as np
import pytest
import torch

from albar_mm.models.recognizers.frame_order import ignores_frame_order
from tests import toy_recognizers as toys

from .test_backbones import CASES, TWO_D

FRAMEWISE = dict(type='ToyTanhBackbone', time_kernel=1), None


def build(backbone, head=None, *_):
    type = 'ALBARRecognizer2D' if backbone['type'] in TWO_D else 'ALBARRecognizer3D'
    return toys.build(type, copy.deepcopy(backbone), copy.deepcopy(head))


@pytest.mark.parametrize(
    'name, blind',
    [
        ('ResNet', True),
        ('ResNetTSM', False),
        ('ResNet3d', False),
        ('SwinTransformer3D', False),
        # its time embedding and temporal projection start at zero: blind today, not by construction
        ('TimeSformer', False),
        # ends in BatchNorm and pooling: with one clip alone, batch statistics hide everything
        ('UniFormer', False),
    ],
)
def test_verdict(name, blind):
    shape = (4, 3, 32, 32) if name in TWO_D else (1, 3, 4, 32, 32)
    assert ignores_frame_order(build(*CASES[name]), toys.clips(2, shape)) is blind


def test_clips_that_cannot_tell():
    still = toys.clips(2)[:, :, :, :1].repeat(1, 1, 1, 4, 1, 1)
    assert ignores_frame_order(build(*CASES['ResNet3d']), still) is None
    for clips in (toys.clips(2, (1, 3, 1, 8, 8)), toys.clips(2)):  # single frames know no order
        assert ignores_frame_order(build(*FRAMEWISE), clips) is True


def test_it_leaves_no_trace():
    def seed():
        torch.manual_seed(5), np.random.seed(5), random.seed(5)

    def flags():
        return [(m.training, getattr(m, 'track_running_stats', None)) for m in model.modules()]

    def drawn():
        return torch.rand(1).item(), np.random.rand(), random.random()

    model = build(*CASES['ResNet3d'])
    model.backbone.layer1.eval()
    state, before = {k: v.clone() for k, v in model.state_dict().items()}, flags()
    seed()
    ignores_frame_order(model, toys.clips(2))
    assert flags() == before
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    found = drawn()
    seed()
    assert found == drawn()


def test_warned_once_before_training(logged):
    blind, seeing = build(*FRAMEWISE), build(*CASES['ResNet3d'])
    logged.clear()
    for _ in range(2):
        toys.total_loss(blind, toys.batch([0, 1], [0, 1]))
    assert [('ALBAR can only drive it to chance' in line) for line in logged] == [True]
    logged.clear()
    toys.total_loss(seeing, toys.batch([0, 1], [0, 1]))
    assert not logged


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
