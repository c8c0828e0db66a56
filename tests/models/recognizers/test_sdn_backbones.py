"""One SDN training step through MMAction2's backbones and heads."""

import copy

import pytest
import torch

from .sdn_toys import batch, boxes, build, losses
from .test_backbones import CASES, HEAVY, TWO_D


@pytest.mark.parametrize(
    'name', [pytest.param(n, marks=[pytest.mark.slow] * (n in HEAVY)) for n in CASES]
)
def test_both_branches_reach_the_backbone(name):
    backbone, head, frames, size = copy.deepcopy(CASES[name])
    model = build('SDNRecognizer2D' if name in TWO_D else 'SDNRecognizer3D', backbone, head)
    shape = (frames, 3, size, size) if name in TWO_D else (1, 3, frames, size, size)
    people = [boxes(range(frames), 0, 0, size // 2, size // 2)] * 3
    found = losses(model, batch([0, 1, 2], [0, 1, 2], people, shape))
    for key in ('loss_scene', 'loss_mask'):
        model.zero_grad()
        found[key].backward(retain_graph=True)
        reached = [
            n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().max() > 0
        ]
        assert any(n.startswith('backbone') for n in reached)
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    model.zero_grad()
    model.parse_losses(found)[0].backward()
    assert all(p.grad is not None for n, p in model.named_parameters() if n.startswith('sdn_'))
