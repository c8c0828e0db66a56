import pytest
import torch
import torch.nn.functional as F

from albar_mm.models.losses.functional import (
    adversarial_cross_entropy,
    gradient_penalty,
    negative_entropy,
)


def test_entropy_survives_underflow():
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    value = negative_entropy(logits)
    value.backward()
    assert value.item() == pytest.approx(0.0, abs=1e-6)
    assert torch.isfinite(logits.grad).all()
    probs = logits.detach().softmax(1)
    assert (probs * probs.log()).sum().isnan()  # what the official formula gives


def test_soft_labels_that_are_one_hot_equal_hard_labels():
    logits, labels = torch.randn(4, 5), torch.tensor([0, 3, 2, 4])
    soft = F.one_hot(labels, 5).float()
    torch.testing.assert_close(
        adversarial_cross_entropy(logits, labels), adversarial_cross_entropy(logits, soft)
    )


def test_cap_stops_value_and_gradient_per_sample():
    logits = torch.tensor([[0.0, 5.0], [5.0, 0.0]], requires_grad=True)  # CE 5.0067 and 0.0067
    value = adversarial_cross_entropy(logits, torch.tensor([0, 0]), cap=1.0)
    value.backward()
    assert value.item() == pytest.approx(-(1.0 + 0.006715) / 2, abs=1e-4)
    assert logits.grad[0].abs().max() == 0
    assert logits.grad[1].abs().max() > 0


def quadratic(clip):
    """Logits whose input gradient is 2 * clip (one logit) plus nothing."""
    return clip.flatten(1).square().sum(1, keepdim=True)


@pytest.mark.parametrize('reduction', ['official', 'sample'])
@pytest.mark.parametrize('layout', ['views count as samples', 'segments are time'])
def test_layouts(layout, reduction):
    if layout == 'views count as samples':
        one = torch.randn(2, 3, 3, 4, 5, 6)  # B N C T H W
        other = one.flatten(0, 1)
    else:
        one = torch.randn(2, 3, 4, 5, 6)  # B C T H W
        other = one.transpose(1, 2).contiguous()  # B N C H W
    clips = [clip.clone().requires_grad_() for clip in (one, other)]
    penalties = [gradient_penalty(quadratic(clip), clip, reduction) for clip in clips]
    torch.testing.assert_close(*penalties)


def test_both_reductions_agree_on_pictures():
    picture = torch.randn(2, 3, 5, 6, requires_grad=True)
    expected = (2 * picture.detach()).flatten(1).norm(dim=1).mean()
    for reduction in ('official', 'sample'):
        penalty = gradient_penalty(quadratic(picture), picture, reduction)
        torch.testing.assert_close(penalty, expected)


def test_penalty_takes_a_non_leaf_clip():
    source = torch.randn(2, 3, 4, 5, 6, requires_grad=True)
    clip = source * 1.5
    penalty = gradient_penalty(quadratic(clip), clip, 'sample')
    expected = (2 * clip.detach()).flatten(1).norm(dim=1).mean()
    torch.testing.assert_close(penalty.detach(), expected)
    penalty.backward()
    assert source.grad.abs().max() > 0


def test_penalty_is_differentiable_twice_numerically():
    torch.manual_seed(0)
    weight = torch.randn(6, 2, dtype=torch.double, requires_grad=True)
    clip = torch.randn(2, 1, 1, 2, 3, dtype=torch.double)

    def penalty(w):
        x = clip.clone().requires_grad_()
        return gradient_penalty((x.flatten(1) @ w).tanh(), x)

    assert torch.autograd.gradcheck(penalty, weight)


@pytest.mark.parametrize(
    'make, match',
    [
        (lambda c: (quadratic(c.clone().requires_grad_()), c, 'official'), 'requires_grad'),
        (lambda c: (torch.zeros(2, 2), c.clone().requires_grad_(), 'official'), 'graph'),
        (
            lambda c: (
                torch.zeros(2, 2, requires_grad=True),
                c.clone().requires_grad_(),
                'official',
            ),
            'do not depend',
        ),
        (lambda c: (quadratic(c), c, 'full'), "one of 'official', 'sample'"),
        (lambda c: (quadratic(c[0, 0, 0]), c[0, 0, 0], 'sample'), 'clip must be'),
    ],
)
def test_penalty_refuses(make, match):
    with pytest.raises(ValueError, match=match):
        gradient_penalty(*make(torch.randn(2, 3, 4, 5, 6)))
