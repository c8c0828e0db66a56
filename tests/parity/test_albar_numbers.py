"""Reference numbers of ALBAR's terms, worked from the equations."""

import pytest
import torch
import torch.nn.functional as F

from albar_mm.models.losses import functional as L
from tests import toy_recognizers as toys


@pytest.mark.parametrize(
    'logits, expected',
    [
        ([[0.0] * 4], -1.386294),
        ([[2.0, 1.0, 0.0]], -0.832396),
        ([[0.0] * 400], -5.991465),
        ([[0.45, 0.55], [0.55, 0.45], [0.4, 0.6]], -0.690656),
        ([[0.9, 0.1], [0.95, 0.05], [0.85, 0.15]], -0.618625),
    ],
)
def test_entropy_term(logits, expected):
    assert L.negative_entropy(torch.tensor(logits)).item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    'penalty, weights, expected', [(0.0, (1, 4, 10), -4.721644), (0.5, (1, 4.25, 10), 0.019113)]
)
def test_total(penalty, weights, expected):
    z = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0]])
    z_static = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    y = torch.tensor([0, 1])
    ce = F.cross_entropy(z, y)
    adversarial, entropy = (L.adversarial_cross_entropy(z_static, y), L.negative_entropy(z_static))
    assert ce.item() == pytest.approx(0.251264, abs=1e-4)
    assert adversarial.item() == pytest.approx(-0.825028, abs=1e-4)
    assert entropy.item() == pytest.approx(-1.036970, abs=1e-4)
    total = ce + weights[0] * adversarial + weights[1] * entropy + weights[2] * penalty
    assert total.item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize('reduction, expected', [('official', 8.5), ('sample', 13.0)])
def test_gradient_penalty_of_linear_logits(reduction, expected):
    g = torch.tensor([[[3.0, 0.0], [4.0, 0.0]], [[0.0, 0.0], [0.0, 12.0]]])  # t, h, w
    clip = torch.randn(2, 1, 2, 2, 2, requires_grad=True)
    score = (clip[:, 0] * g).sum((1, 2, 3))
    logits = torch.stack([score / 4, 3 * score / 4], 1)
    assert L.gradient_penalty(logits, clip, reduction).item() == pytest.approx(expected, abs=1e-4)


def test_identical_frames_cancel_and_the_null_direction():
    """With x equal to its static clip the cross-entropies cancel: L = 4 ent + 10 GP."""
    model = toys.build()
    data = toys.batch([0, 2])
    data['inputs'] = [clip[:, :, :1].repeat(1, 1, 4, 1, 1) for clip in data['inputs']]
    total, losses = toys.total_loss(model, data)
    assert losses['loss_cls'].item() == pytest.approx(-losses['loss_static_adv'].item(), rel=1e-6)
    expected = -4 * losses['static_entropy'] + 10 * losses['static_penalty']
    assert total.item() == pytest.approx(expected.item(), abs=1e-5)
    backbone = toys.build().backbone
    clip = torch.randn(2, 3, 4, 8, 8, requires_grad=True)
    feature = backbone(clip).mean((1, 2, 3, 4))
    logits = torch.stack([feature, -feature], 1)
    for reduction in ('official', 'sample'):
        assert L.gradient_penalty(logits, clip, reduction).item() == pytest.approx(1e-6, rel=1e-3)
