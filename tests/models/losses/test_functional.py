import pytest
import torch

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
    hard, soft = (adversarial_cross_entropy(logits, x) for x in (labels, torch.eye(5)[labels]))
    torch.testing.assert_close(hard, soft)


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
def test_layouts(reduction):
    def penalty(clip):
        clip = clip.clone().requires_grad_()
        return gradient_penalty(quadratic(clip), clip, reduction)

    views = torch.randn(2, 3, 3, 4, 5, 6)  # B N C T H W: views count as samples
    torch.testing.assert_close(penalty(views), penalty(views.flatten(0, 1)))
    clip = views[:, 0]  # B C T H W, and B N C H W: segments are time
    torch.testing.assert_close(penalty(clip), penalty(clip.transpose(1, 2).contiguous()))
    picture = clip[:, :, 0]  # where both reductions agree
    torch.testing.assert_close(penalty(picture), (2 * picture).flatten(1).norm(dim=1).mean())


def test_penalty_takes_a_non_leaf_clip():
    source = torch.randn(2, 3, 4, 5, 6, requires_grad=True)
    clip = source * 1.5
    penalty = gradient_penalty(quadratic(clip), clip, 'sample')
    torch.testing.assert_close(penalty, (2 * clip).flatten(1).norm(dim=1).mean())
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
        (lambda c: (quadratic(c.clone()), c.detach(), 'official'), 'requires_grad'),
        (lambda c: (torch.zeros(2, 2), c, 'official'), 'graph'),
        (lambda c: (torch.zeros(2, 2, requires_grad=True), c, 'official'), 'do not depend'),
        (lambda c: (quadratic(c), c, 'full'), "one of 'official', 'sample'"),
        (lambda c: (quadratic(c[0, 0, 0]), c[0, 0, 0], 'sample'), 'clip must be'),
    ],
)
def test_penalty_refuses(make, match):
    with pytest.raises(ValueError, match=match):
        gradient_penalty(*make(torch.randn(2, 3, 4, 5, 6, requires_grad=True)))
