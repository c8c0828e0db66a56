import math

import pytest
import torch

from albar_mm.models.losses import (
    StaticAdversarialLoss,
    StaticEntropyLoss,
    StaticGradientPenalty,
    StaticPass,
)
from albar_mm.models.losses.functional import gradient_penalty


def make_pass(labels, logits=None):
    clip = torch.randn(2, 1, 3, 4, 5, 5, requires_grad=True)
    logits = clip.flatten(1)[:, :3].tanh() if logits is None else logits
    return StaticPass(logits, labels, clip, forward_fn=lambda x: x.flatten(1)[:, :3].tanh())


def test_terms_return_the_raw_value_whatever_their_weight():
    ctx = make_pass(torch.tensor([0, 1]), torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert StaticAdversarialLoss(weight=7)(ctx).item() == pytest.approx(-0.825028, abs=1e-5)
    assert StaticEntropyLoss(weight=7)(ctx).item() == pytest.approx(-1.036970, abs=1e-5)
    ctx = make_pass(torch.tensor([0, 0]), torch.tensor([[0.0, 9.0, 9.0], [0.0, 0.0, 0.0]]))
    assert StaticAdversarialLoss(cap='chance')(ctx).item() == pytest.approx(-math.log(3), abs=1e-6)
    ctx = make_pass(torch.tensor([0, 1]))
    for reduction in ('official', 'sample'):
        expected = gradient_penalty(ctx.logits, ctx.clip, reduction)
        found = StaticGradientPenalty(reduction=reduction, weight=7)(ctx)
        torch.testing.assert_close(found, expected)


def test_defaults_are_the_papers_and_no_term_holds_state():
    terms = StaticAdversarialLoss(), StaticEntropyLoss(), StaticGradientPenalty()
    assert [term.weight for term in terms] == [1.0, 4.0, 10.0]
    assert terms[2].reduction == 'official'
    assert not any(term.state_dict() or [*term.parameters()] for term in terms)


@pytest.mark.parametrize(
    'loss, given',
    [
        (StaticEntropyLoss, dict(weight=-1)),
        (StaticEntropyLoss, dict(weight=None)),
        (StaticAdversarialLoss, dict(cap=0)),
        (StaticAdversarialLoss, dict(cap='log')),
        (StaticGradientPenalty, dict(reduction='full')),
    ],
)
def test_illegal_options(loss, given):
    with pytest.raises(ValueError, match=rf'{loss.__name__}\.{next(iter(given))}'):
        loss(**given)
