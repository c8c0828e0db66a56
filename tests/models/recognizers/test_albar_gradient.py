"""Gradient of ALBAR's total loss against a plain re-derivation."""

import pytest
import torch
import torch.nn.functional as F

from tests import toy_recognizers as toys

WEIGHTS = dict(adv=1.0, ent=4.0, gp=10.0)
FRAMES = [1, 3, 0]
LABELS = [0, 2, 1]


def plain_loss(weights, clip, labels, frames, reduction):
    """ALBAR for conv -> tanh -> average -> linear, with the input gradient written out by hand.

    S = sum_k sum_c W_kc mean(tanh(a_c)), so dS/da_c = (sum_k W_kc) (1 - tanh(a_c)^2) / (T H W), and
    dS/dx is its transposed convolution. No second backward pass is needed.
    """
    kernel, bias, w, b = weights

    def network(x):
        hidden = F.conv3d(x, kernel, bias, padding=1).tanh()
        return hidden, hidden.mean((2, 3, 4)) @ w.T + b

    static = torch.stack([x[:, t : t + 1].expand_as(x) for x, t in zip(clip, frames, strict=True)])
    _, logits = network(clip)
    hidden, static_logits = network(static)
    by_hidden = w.sum(0).view(1, -1, 1, 1, 1) * (1 - hidden**2) / hidden[0, 0].numel()
    by_input = F.conv_transpose3d(by_hidden, kernel, padding=1)
    dims = (1, 2, 3) if reduction == 'official' else (1, 2, 3, 4)
    penalty = ((by_input**2).sum(dims) + 1e-12).sqrt().mean()

    rows = torch.arange(len(labels))
    probs = static_logits.exp() / static_logits.exp().sum(1, keepdim=True)
    cross_entropy = (logits.exp().sum(1).log() - logits[rows, labels]).mean()
    static_cross_entropy = -probs[rows, labels].log().mean()
    negative_entropy = (probs * probs.log()).sum(1).mean()
    total = cross_entropy - WEIGHTS['adv'] * static_cross_entropy
    return total + WEIGHTS['ent'] * negative_entropy + WEIGHTS['gp'] * penalty, penalty


def albar(reduction):
    losses = [
        dict(type='StaticAdversarialLoss', weight=WEIGHTS['adv']),
        dict(type='StaticEntropyLoss', weight=WEIGHTS['ent']),
        dict(type='StaticGradientPenalty', weight=WEIGHTS['gp'], reduction=reduction),
    ]
    return toys.build(static=dict(losses=losses))


@pytest.mark.parametrize('reduction', ['official', 'sample'])
def test_total_loss_and_gradient(reduction):
    model = albar(reduction)
    conv, fc = model.backbone.conv, model.cls_head.fc_cls
    parameters = (conv.weight, conv.bias, fc.weight, fc.bias)
    weights = [p.detach().clone().requires_grad_() for p in parameters]
    expected, penalty = plain_loss(
        weights, toys.clips(3)[:, 0], torch.tensor(LABELS), FRAMES, reduction
    )
    expected.backward()
    total, losses = toys.total_loss(model, toys.batch(LABELS, FRAMES))
    total.backward()
    torch.testing.assert_close(total, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(losses['static_penalty'], penalty.detach(), atol=1e-6, rtol=1e-5)
    for parameter, reference in zip(parameters, weights, strict=True):
        assert reference.grad.abs().max() > 1e-2
        torch.testing.assert_close(parameter.grad, reference.grad, atol=1e-5, rtol=1e-5)


def test_gradient_accumulation_equals_the_large_batch():
    """Four clips at once and two steps of two clips leave the same weights."""
    labels, frames = [0, 1, 2, 1], [0, 1, 2, 3]
    data = toys.batch(labels, frames)
    large, small = albar('official'), albar('official')
    large.train_step(toys.batch(labels, frames), toys.sgd(large))
    wrapper = toys.sgd(small, accumulative_counts=2)
    wrapper.initialize_count_status(small, 0, 2)
    start = small.backbone.conv.weight.detach().clone()
    for half in (slice(0, 2), slice(2, 4)):
        small.train_step(
            dict(inputs=data['inputs'][half], data_samples=data['data_samples'][half]), wrapper
        )
    assert not torch.equal(start, small.backbone.conv.weight)
    for a, b in zip(large.parameters(), small.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)
